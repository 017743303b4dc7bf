"""`receipts verify`: each check has its line, each way to end its exit code, and no bytes make it stumble."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tallygate.genai.price_row import PriceRow
from tallygate.ledger.prices import name_version
from tallygate.ledger.terms import read_price
from tallygate.receipts import base64_text
from tallygate.receipts.bundle import BUNDLE_BYTES_MAX, write_bundle
from tallygate.receipts.commitment import LABELS
from tallygate.receipts.entries import write_price
from tallygate.receipts.receipt import complete
from tests.cli.calling import Run
from tests.receipts import trees
from tests.receipts.making import (
    BODIES,
    INDEX,
    ISSUED_MS,
    LOG,
    SIGNER,
    bundle,
    draft,
    entries_with,
    pin,
    post,
    prove,
    receipt,
)

VKEY = SIGNER.verifier.vkey


@pytest.fixture
def keys(tmp_path: Path) -> str:
    """A published key set that somebody has kept."""
    return write(tmp_path / "keys.json", msgspec.json.encode(pin()))


@pytest.fixture
def whole(tmp_path: Path) -> str:
    return write(tmp_path / "receipt.json", bundle())


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def states(output: str) -> dict[str, str]:
    """What came of each check, by the lines that are printed."""
    lines = [line.strip().split("  ") for line in output.splitlines() if line.startswith("  ")]
    return {cells[0]: next(cell for cell in cells[1:] if cell).strip() for cells in lines}


def test_a_verified_receipt_is_told_check_by_check(run: Run, whole: str, keys: str) -> None:
    for pinned in (["--keys", keys], ["--key", VKEY]):
        result = run("receipts", "verify", whole, *pinned)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"{whole}: verified\n")
        checks = ["form", "proof", "signature", "log", "key", "inclusion", "claims", "charge"]
        assert states(result.stdout) == dict.fromkeys(checks, "ok")
        told = "2025-11-21 16:00 UTC: qwen3, served by lab as qwen3-235b; ok; 1200 tokens in, 300 out"
        assert result.stdout.endswith(f"{told}; 0.000480001 USD paid of 0.01 reserved\n")
        assert result.stderr == ""


def test_without_a_key_it_says_which_one_to_pin_and_where_not_to_get_it(run: Run, whole: str) -> None:
    result = run("receipts", "verify", whole)
    assert result.exit_code == 2
    assert states(result.stdout)["signature"] == "missing"
    assert "not together with the bundle" in result.stderr


def test_a_changed_byte_fails_and_says_nothing_of_what_the_bundle_claims(run: Run, keys: str, tmp_path: Path) -> None:
    spoilt = write(tmp_path / "spoilt.json", bundle().replace(b'"480001"', b'"480000"'))
    result = run("receipts", "verify", spoilt, "--keys", keys)
    assert result.exit_code == 1
    assert states(result.stdout)["inclusion"] == "FAILED"
    assert "USD paid" not in result.stdout


def test_many_bundles_are_told_in_a_line_each_and_counted(run: Run, whole: str, keys: str, tmp_path: Path) -> None:
    spoilt = write(tmp_path / "spoilt.json", b"{}")
    lines = write(tmp_path / "all.jsonl", b"\n".join([bundle(), b"nonsense", bundle(size=30)]))
    result = run("receipts", "verify", whole, spoilt, lines, str(tmp_path / "gone.json"), "--keys", keys)
    assert result.exit_code == 1
    said = [line for line in result.stdout.splitlines() if line and not line.startswith("  ")]
    assert said == [
        f"{whole}: verified",
        f"{spoilt}: failed",
        f"{lines}:1: verified",
        f"{lines}:2: failed",
        f"{lines}:3: verified",
        f"{tmp_path}/gone.json: not enough",
        "3 verified, 2 failed, 1 not enough.",
    ]
    told = msgspec.json.decode(run("receipts", "verify", whole, lines, "--keys", keys, "--json").stdout)
    assert told["exit_code"] == 1
    assert [one["result"] for one in told["files"]] == ["verified", "verified", "failed", "verified"]
    first = told["files"][0]
    assert (first["log"], first["index"], first["tree_size"]) == (LOG, INDEX, 20)
    assert first["checks"][0]["state"] == "passed"
    assert "log" not in told["files"][2]


@pytest.mark.parametrize("name", ["gone.json", "gone.jsonl", "."])
def test_a_file_that_cannot_be_read_is_not_enough(run: Run, keys: str, name: str) -> None:
    result = run("receipts", "verify", name, "--keys", keys)
    assert (result.exit_code, states(result.stdout)) == (2, {"file": "missing"})


def test_an_empty_file_is_no_receipt(run: Run, keys: str, tmp_path: Path) -> None:
    for name in ("empty.json", "empty.jsonl"):
        assert run("receipts", "verify", write(tmp_path / name, b""), "--keys", keys).exit_code == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--key", "nonsense"], 2),
        (["--key", VKEY, "--keys", "keys.json"], 2),
        (["--keys", "gone.json"], 2),
        (["--keys", "receipt.json"], 2),
        (["--open", "request"], 2),
        (["--open", "prompt=receipt.json"], 2),
        (["--open", "request=gone.json"], 2),
        (["--open", "request=receipt.json", "--open", "request=receipt.json"], 2),
        (["--consistency", "receipt.json"], 2),
        (["--price", "gone.json"], 2),
        (["--key", VKEY, "--price", "receipt.json"], 1),
    ],
)
def test_what_is_no_use_is_refused_in_a_sentence(
    run: Run, whole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("receipts", "verify", whole, *options)
    assert result.exit_code == code, result.output
    assert result.output


def test_only_one_receipt_at_a_time_is_opened(run: Run, whole: str) -> None:
    assert run("receipts", "verify", whole, whole, "--open", f"request={whole}").exit_code == 2


def test_fields_are_opened_with_their_bytes(run: Run, keys: str, tmp_path: Path) -> None:
    file = write(tmp_path / "opened.json", bundle(None, *LABELS))
    given = {label: write(tmp_path / label, data) for label, data in BODIES.items()}
    options = [word for label, name in given.items() for word in ("--open", f"{label}={name}")]
    result = run("receipts", "verify", file, "--keys", keys, *options)
    assert (result.exit_code, states(result.stdout)["opening response"]) == (0, "ok"), result.output
    write(tmp_path / "response", b"something else")
    result = run("receipts", "verify", file, "--keys", keys, *options)
    assert (result.exit_code, states(result.stdout)["opening response"]) == (1, "FAILED")


# The price.

TERMS = {"input": "0.20", "output": "0.80"}


def price_bundle(effective_from_ns: int = 0, **changes: Any) -> tuple[bytes, str]:
    """A price on record, and the version that receipts name."""
    price = read_price("sale", "qwen3", TERMS, effective_from_ns=effective_from_ns)
    terms = msgspec.json.encode(TERMS).decode()
    row = PriceRow(
        version=name_version(price), kind="sale", name="qwen3", effective_from_ns=effective_from_ns, terms=terms
    )
    row = structs.replace(row, **changes)
    body = write_price(row, "Example Lab", LOG, ISSUED_MS * 1_000_000)
    return write_bundle(body, prove(body)), row.version


@pytest.mark.parametrize(("amount", "code"), [(480_000, 0), (480_001, 1), (479_999, 1)])
def test_the_charge_is_reckoned_with_a_price_on_record(
    run: Run, keys: str, tmp_path: Path, amount: int, code: int
) -> None:
    on_record, version = price_bundle()
    price = write(tmp_path / "price.json", on_record)
    file = write(tmp_path / "r.json", bundle(complete(draft(), post(price_version=version, charged_nusd=amount))))
    result = run("receipts", "verify", file, "--keys", keys, "--price", price)
    assert result.exit_code == code, result.output
    assert f"{price}: verified\n{file}: {'failed' if code else 'verified'}\n" in result.stdout


def test_another_price_is_not_enough(run: Run, whole: str, keys: str, tmp_path: Path) -> None:
    price = write(tmp_path / "price.json", price_bundle()[0])
    assert run("receipts", "verify", whole, "--keys", keys, "--price", price).exit_code == 2


@pytest.mark.parametrize(
    "changes", [{"version": "5f" * 32}, {"kind": "cost"}, {"terms": "nonsense"}, {"terms": "[]"}, {"terms": "{}"}]
)
def test_a_price_that_cannot_be_reckoned_with_fails(
    run: Run, whole: str, keys: str, tmp_path: Path, changes: dict[str, Any]
) -> None:
    price = write(tmp_path / "price.json", price_bundle(**changes)[0])
    result = run("receipts", "verify", whole, "--keys", keys, "--price", price)
    assert (result.exit_code, states(result.stdout)["price"]) == (1, "FAILED")


def test_a_price_that_begins_later_fails(run: Run, keys: str, tmp_path: Path) -> None:
    on_record, version = price_bundle((ISSUED_MS + 1) * 1_000_000)
    price = write(tmp_path / "price.json", on_record)
    file = write(tmp_path / "r.json", bundle(complete(draft(), post(price_version=version, charged_nusd=480_000))))
    result = run("receipts", "verify", file, "--keys", keys, "--price", price)
    assert (result.exit_code, states(result.stdout)["charge"]) == (1, "FAILED")


# What is remembered.


def consistency(old: int, new: int) -> bytes:
    """The proof between two sizes of the log."""
    path = trees.proof(old, entries_with(receipt(), new, INDEX))
    return "".join(f"{base64_text.encode(hash_)}\n" for hash_ in path).encode()


def test_a_log_that_forks_is_caught_by_who_remembers(run: Run, keys: str, tmp_path: Path) -> None:
    memory = str(tmp_path / "remembered.json")

    def verify(data: bytes, *options: str) -> int:
        file = write(tmp_path / "r.json", data)
        return run("receipts", "verify", file, "--keys", keys, "--remember", memory, *options).exit_code

    assert verify(bundle(size=20)) == 0
    assert verify(bundle(size=20)) == 0
    assert verify(bundle(size=30)) == 2
    proof = write(tmp_path / "proof", consistency(20, 30))
    other = write(tmp_path / "other", consistency(19, 30))
    assert verify(bundle(size=30), "--consistency", other) == 1
    assert verify(bundle(size=30), "--consistency", other, "--consistency", proof) == 0
    # The larger one is remembered now, and an older receipt is held to it.
    assert verify(bundle(size=20)) == 2
    assert verify(bundle(size=20), "--consistency", proof) == 0
    forked = receipt().replace(b"qwen3-235b-a22b", b"qwen3-235b-a22c")
    assert verify(bundle(forked, size=30)) == 1
    assert verify(bundle(size=30)) == 0


def test_a_proof_that_is_missing_says_where_it_is(run: Run, keys: str, tmp_path: Path) -> None:
    options = ["--keys", keys, "--remember", str(tmp_path / "remembered.json")]
    run("receipts", "verify", write(tmp_path / "r.json", bundle(size=20)), *options)
    result = run("receipts", "verify", write(tmp_path / "r.json", bundle(size=30)), *options)
    assert "no proof from the tree of 20 to that of 30" in result.stdout
    assert "/log/consistency?old=N&new=M" in result.stderr


def test_nothing_is_remembered_of_what_is_not_verified(run: Run, whole: str, keys: str, tmp_path: Path) -> None:
    memory = tmp_path / "remembered.json"
    spoilt = write(tmp_path / "spoilt.json", bundle().replace(b'"480001"', b'"480000"'))
    run("receipts", "verify", spoilt, "--keys", keys, "--remember", str(memory))
    run("receipts", "verify", whole, "--remember", str(memory))
    assert not memory.exists()


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"%s": "nonsense"}' % LOG.encode()])
def test_a_memory_that_is_none_is_refused(run: Run, whole: str, keys: str, tmp_path: Path, data: bytes) -> None:
    memory = write(tmp_path / "remembered.json", data)
    result = run("receipts", "verify", whole, "--keys", keys, "--remember", memory)
    assert (result.exit_code, memory in result.stderr) == (2, True)
    assert Path(memory).read_bytes() == data


# Hostile bytes.


def test_no_bytes_make_it_stumble(run: Run, keys: str, tmp_path: Path) -> None:
    """Arbitrary bytes wherever a file is read: an exit code, and never a traceback or anything a terminal obeys."""
    chance = random.Random(1)
    options = {"--keys": keys, "--price": "", "--remember": "", "--consistency": "", "--open": ""}
    for number in range(300):
        name = "x.jsonl" if number % 5 == 0 else "x.json"
        file = write(tmp_path / name, spoil(chance))
        words = ["--keys", keys] if number % 3 else []
        option = chance.choice(list(options))
        hostile = write(tmp_path / "hostile", spoil(chance))
        extra = {"--keys": ["--keys", hostile], "--open": ["--open", f"request={hostile}"]}
        words += [] if option == "--keys" and words else extra.get(option, [option, hostile])
        result = run("receipts", "verify", file, *words)
        assert result.exit_code in (1, 2), (number, result.output)
        assert all(line.isprintable() for line in result.output.split("\n")), (number, result.output)


def spoil(chance: random.Random) -> bytes:
    data = bytearray(chance.choice([bundle(None, "request"), price_bundle()[0], msgspec.json.encode(pin())]))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        data[at : at + chance.randint(0, 40)] = chance.randbytes(chance.choice([1, 8, 300]))
    return bytes(data)


def test_a_bundle_that_is_too_long_is_not_read_to_its_end(run: Run, keys: str, tmp_path: Path) -> None:
    for name in ("long.json", "long.jsonl"):
        file = write(tmp_path / name, b"[" * (4 * BUNDLE_BYTES_MAX))
        result = run("receipts", "verify", file, "--keys", keys)
        assert result.exit_code == 1
        assert f"at most {BUNDLE_BYTES_MAX} bytes" in result.stdout


def test_an_impossible_moment_is_still_told(run: Run, keys: str, tmp_path: Path) -> None:
    body = receipt().replace(str(ISSUED_MS).encode(), str(2**53 - 1).encode())
    result = run("receipts", "verify", write(tmp_path / "r.json", bundle(body)), "--keys", keys)
    assert result.exit_code == 0
    assert f"{2**53 - 1} ms: qwen3" in result.stdout


def test_it_imports_no_room_of_the_server(whole: str) -> None:
    program = f"""
import sys
sys.argv = ["tallygate", "receipts", "verify", {whole!r}, "--key", {VKEY!r}]
from tallygate.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
rooms = {{name.split(".")[1] for name in sys.modules if name.startswith("tallygate.")}}
assert rooms <= {{"cli", "errors", "genai", "ledger", "receipts"}}, rooms
heavy = {{"asyncio", "sqlite3", "ssl", "sqlalchemy", "aiohttp", "logging"}} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
