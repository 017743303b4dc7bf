"""What may stand in no file that is handed on: hosts of registries, folders of one machine, papers nobody else has."""

import re

import pytest

from tests.house.source import read_tracked

# Put together from parts, so that this very file keeps the rule.
_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
    )
]
_FOLDERS = ["/" + name + "/" for name in ("work", "root", "tmp/tg", "opt/wheels", "opt/pypi")]
_PAPERS = [name + ".md" for name in ("design", "interface", "contracts", "reliability", "payments-and-receipts")]

BANNED = {
    "a registry's host": re.compile("|".join(map(re.escape, _HOSTS))),
    "a folder of one machine": re.compile(r"(?<![\w.}*-])(" + "|".join(map(re.escape, _FOLDERS)) + ")"),
    "a paper that is not in the repository": re.compile(r"(?<![\w/-])(" + "|".join(map(re.escape, _PAPERS)) + r")\b"),
}
PLANTED = {
    "a registry's host": "--index-url https://" + _HOSTS[0] + "/simple",
    "a folder of one machine": "cd " + _FOLDERS[0] + "main",
    "a paper that is not in the repository": "see " + _PAPERS[0] + ", section 3",
}


@pytest.mark.parametrize("what", BANNED)
def test_no_file_names(what: str) -> None:
    found = [f"{path}: {match[0]}" for path, text in read_tracked().items() for match in BANNED[what].finditer(text)]
    assert not found, f"{what} is named in\n" + "\n".join(found)


@pytest.mark.parametrize("what", BANNED)
def test_a_planted_name_is_found(what: str) -> None:
    assert BANNED[what].search(PLANTED[what])


def test_a_url_with_such_a_folder_is_no_breach() -> None:
    assert not BANNED["a folder of one machine"].search("https://example.com" + _FOLDERS[0])
