"""A link in a page leads somewhere: to a file of the repository, and to a heading that is there."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.source import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_link_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES
        for link in _links(page.read_text())
        if not _leads(page, link)
    ]
    assert not broken, "these links lead nowhere:\n" + "\n".join(broken)


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One page\n\n## `server.port`\n\n[a](page.md#serverport) `[no](link)`\n\n```\n[b](nowhere.md)\n```\n"
    )
    assert list(_links(page.read_text())) == ["page.md#serverport"]
    assert _leads(page, "page.md#one-page")
    assert _leads(page, "#serverport")
    assert not _leads(page, "nowhere.md")
    assert not _leads(page, "page.md#two-pages")
    (tmp_path / "room").mkdir()
    assert not _leads(page, "room/"), "a folder that does not say what it is for has no page on the site"
    (tmp_path / "room" / "__init__.py").touch()
    assert _leads(page, "room/")


def _links(text: str) -> Iterator[str]:
    prose = re.sub(r"^```.*?^```|`[^`\n]+`(?!\])", "", text, flags=re.DOTALL | re.MULTILINE)
    return (link for link in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match(r"[a-z]+:", link))


def _leads(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if target.is_dir():
        return any((target / name).exists() for name in ("__init__.py", "pyproject.toml"))
    return target.exists() and (not anchor or anchor in _anchors(target.read_text()))


def _anchors(text: str) -> set[str]:
    """The anchors that the site and code hosts make of headings: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#{1,6} (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
