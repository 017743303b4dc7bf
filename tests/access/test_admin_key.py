"""The admin key: given or made, strong enough to stand on a header, recognised without being kept."""

import stat
from pathlib import Path

import pytest

from tallygate.access.admin_key import AdminKey, load_or_create_admin_key
from tallygate.access.keys import ADMIN, well_formed
from tallygate.access.secret_file import BadSecret
from tallygate.genai.secret import Secret


def test_it_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "admin-key"
    key = load_or_create_admin_key(path, None, "lx-")
    assert well_formed(key.reveal(), "lx-")
    assert key.reveal().startswith(f"lx-{ADMIN}_")
    assert load_or_create_admin_key(path, None, "other-") == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_given_one_holds_and_makes_no_file(tmp_path: Path) -> None:
    given = Secret("correct-horse-battery-staple")
    assert load_or_create_admin_key(tmp_path / "admin-key", given, "lx-") == given
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "short", "a" * 19, "with a blank in the middle", "with,comma" * 3, "é" * 30, "a" * 513]
)
def test_a_weak_or_unusable_one_is_refused_unseen(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSecret, match="TALLYGATE_ADMIN_KEY") as caught:
        load_or_create_admin_key(tmp_path / "admin-key", Secret(text), "lx-")
    assert not text or text not in str(caught.value)


def test_only_the_key_itself_matches() -> None:
    key = AdminKey(Secret("correct-horse-battery-staple"))
    assert key.matches(Secret("correct-horse-battery-staple"))
    for other in ("", "correct-horse-battery-stapl", "correct-horse-battery-staplf", "é\udcff"):
        assert not key.matches(Secret(other))
