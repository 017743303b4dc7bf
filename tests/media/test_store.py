"""Names of objects: ours, and nothing that leads elsewhere."""

import pytest

from tallygate.media.store import check_name


@pytest.mark.parametrize("name", ["spool/a", "spool/0123456789ab-hold_1", "media/A-b_9", "spool/" + "a" * 128])
def test_names_of_ours(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "a", "/a", "spool/", "spool/..", "spool/.draft", "../a", "spool/a/b", "spool/../a", "/spool/a", "spool//a",
        "spool/a\n", "spool/a\0", "spool/%2e", "spool/ä", "SPOOL/a", "spool/a.b", "spool\\a", "spool/" + "a" * 129,
    ],
)  # fmt: skip
def test_anything_else_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        check_name(name)
