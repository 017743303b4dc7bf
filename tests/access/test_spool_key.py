"""The spool's key: made once, kept in a file of its own."""

import stat
from pathlib import Path

import pytest

from tallygate.access.secret_file import BadSecret
from tallygate.access.spool_key import load_or_create_spool_key


def test_it_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "spool-key"
    key = load_or_create_spool_key(path)
    assert len(key) == 32
    assert load_or_create_spool_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_spool_key(tmp_path / "other") != key


@pytest.mark.parametrize("text", ["", "0f" * 31, "0f" * 33, "g" * 64])
def test_anything_but_32_bytes_in_hexadecimal_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "spool-key").write_text(text)
    with pytest.raises(BadSecret, match="spool-key must hold 64") as caught:
        load_or_create_spool_key(tmp_path / "spool-key")
    assert not text or text not in str(caught.value)
