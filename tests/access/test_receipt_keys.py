"""The file of the receipts' keys is made once, kept, and never made anew behind the back of a log."""

import stat
from pathlib import Path

import pytest

from tallygate.access.receipt_keys import load_or_create_receipt_keys
from tallygate.access.secret_file import BadSecret
from tallygate.receipts.key_file import EARLY_MS

NOW_MS = 1_763_740_800_000


def test_the_first_start_makes_them_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "receipt-keys.json"
    made = load_or_create_receipt_keys(path, NOW_MS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = load_or_create_receipt_keys(path, NOW_MS + 1, log=made.origin)
    assert (again.origin, again.subject_key) == (made.origin, made.subject_key)
    assert again.signer.verifier == made.signer.verifier
    assert again.not_before_ms == NOW_MS - EARLY_MS


def test_names_are_chosen_before_the_first_start(tmp_path: Path) -> None:
    keys = load_or_create_receipt_keys(tmp_path / "keys", NOW_MS, origin="lab.example/log", issuer="The Lab")
    assert (keys.origin, keys.issuer) == ("lab.example/log", "The Lab")


@pytest.mark.parametrize("changed", [{"origin": "elsewhere/log"}, {"issuer": "Somebody else"}])
def test_and_not_after_it(tmp_path: Path, changed: dict[str, str]) -> None:
    path = tmp_path / "keys"
    load_or_create_receipt_keys(path, NOW_MS, origin="lab.example/log", issuer="The Lab")
    with pytest.raises(BadSecret, match="keeps its name"):
        load_or_create_receipt_keys(path, NOW_MS, **changed)


def test_lost_keys_of_a_log_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    with pytest.raises(BadSecret, match="holds the log"):
        load_or_create_receipt_keys(path, NOW_MS, log="lab.example/log")
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{}", '{"type":"tallygate/receipt-keys/1"}', "PRIVATE+KEY+x"])
def test_a_file_that_is_none_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(BadSecret) as refusal:
        load_or_create_receipt_keys(path, NOW_MS)
    assert str(path) in str(refusal.value)
    assert not text or text not in str(refusal.value)
