"""The pepper: made once, never printed, named by a fingerprint."""

import stat
from pathlib import Path

import pytest

from tallygate.access.pepper import fingerprint, load_or_create_pepper
from tallygate.access.secret_file import BadSecret
from tallygate.genai.secret import Secret

HEX = "0f" * 32


def test_it_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key-pepper"
    pepper = load_or_create_pepper(path, None)
    assert len(pepper) == 32
    assert load_or_create_pepper(path, None) == pepper
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_pepper(tmp_path / "other", None) != pepper


def test_a_given_one_holds_and_makes_no_file(tmp_path: Path) -> None:
    assert load_or_create_pepper(tmp_path / "key-pepper", Secret(HEX.upper() + "\n")) == bytes.fromhex(HEX)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "0f", HEX[:-1], HEX + "0", "g" * 64, HEX + "\n" + HEX])
def test_anything_but_32_bytes_in_hexadecimal_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSecret, match="TALLYGATE_KEYS__PEPPER must hold 64") as caught:
        load_or_create_pepper(tmp_path / "key-pepper", Secret(text))
    assert not text or text not in str(caught.value)
    (tmp_path / "key-pepper").write_text(text)
    with pytest.raises(BadSecret, match="key-pepper must hold 64"):
        load_or_create_pepper(tmp_path / "key-pepper", None)


def test_a_fingerprint_names_the_pepper_and_hides_it() -> None:
    pepper = bytes.fromhex(HEX)
    assert fingerprint(pepper) == fingerprint(pepper)
    assert fingerprint(pepper) != fingerprint(b"\x00" * 32)
    assert len(fingerprint(pepper)) == 16
    assert fingerprint(pepper) not in HEX
