"""What enters the log about an administrative change: all of it, in the one spelling there is."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.audit_row import AuditRow, make_entry, name_statement, write_entry
from tallygate.receipts.canonical import read_canonical, write_canonical

texts = st.text(st.characters(codec="utf-8"), max_size=40)
rows = st.builds(
    AuditRow,
    seq=st.integers(1, 2**53 - 1),
    at_ns=st.integers(0, 2**63 - 1),
    actor=texts,
    action=texts,
    workspace_id=st.none() | texts,
    object_id=texts,
    detail=texts,
)


@given(rows, texts, st.binary(min_size=16, max_size=16).map(bytes.hex))
def test_the_body_is_canonical_and_says_everything(row: AuditRow, log: str, salt: str) -> None:
    body = write_entry(make_entry(row, log, salt))
    said = read_canonical(body)
    assert isinstance(said, dict)
    assert write_canonical(said) == body
    assert said == {
        "type": "tallygate/audit/1",
        "log": log,
        "seq": row.seq,
        "at_ns": str(row.at_ns),
        "actor": row.actor,
        "action": row.action,
        "object": row.object_id,
        "detail": row.detail,
        "salt": salt,
        **({} if row.workspace_id is None else {"workspace": row.workspace_id}),
    }


@given(rows, st.sampled_from(["seq", "at_ns", "actor", "action", "workspace_id", "object_id", "detail"]))
def test_another_row_has_another_body(row: AuditRow, field: str) -> None:
    value = getattr(row, field)
    other = structs.replace(row, **{field: value + 1 if isinstance(value, int) else f"{value or ''}x"})
    assert write_entry(make_entry(row, "log", "00")) != write_entry(make_entry(other, "log", "00"))


def test_a_statement_is_named_after_its_row() -> None:
    assert name_statement(17) == "audit_17"
