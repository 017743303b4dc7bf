"""The page of the documentation that shows what `compatibility` recorded: pure text from rows, and its place.

python -m tests.contract.compatibility_page writes the page anew.
"""

from collections.abc import Iterable

from tests.contract.compatibility import FEATURES, RESULTS, UPSTREAMS, Row, read_results
from tests.fakes.process import ROOT

PAGE = ROOT / "docs" / "reference" / "compatibility.md"

_OPENING = """\
# Clients

Which clients were tried against a running gateway, and what they can do there. `make test-clients` writes this page
from what its tests find, unless one of them fails. Each client is tried in front of a provider of either language, so
one of the two tables is always about [conversion](conversion.md).

"""
_MEANING = """
An empty cell was not tried: the client does not offer it, or it is tried in front of the other provider.
"""


def render(rows: Iterable[Row]) -> str:
    """The whole page, in Markdown."""
    rows = list(rows)
    notes: dict[str, int] = {}
    tables = [_table(upstream, [row for row in rows if row.upstream == upstream], notes) for upstream in UPSTREAMS]
    columns = "".join(f"- **{name}**: {meaning}\n" for name, meaning in FEATURES.items())
    told = "".join(f"{number}. {why}\n" for why, number in notes.items())
    return _OPENING + columns + _MEANING + "".join(tables) + (f"\n## What happens instead\n\n{told}" if told else "")


def _table(upstream: str, rows: list[Row], notes: dict[str, int]) -> str:
    """One provider's clients. Fills `notes` with the reasons it refers to, in the order of their numbers."""
    features = [feature for feature in FEATURES if any(row.feature == feature for row in rows)]
    head = f"\n## A provider that speaks {upstream}\n\n| client | version | {' | '.join(features)} |\n"
    lines = [head, f"|---|---|{'---|' * len(features)}\n"]
    for client, version in sorted(
        {(row.client, row.version) for row in rows}, key=lambda one: (one[0].lower(), one[1])
    ):
        own = [row for row in rows if (row.client, row.version) == (client, version)]
        cells = [_cell([row.why for row in own if row.feature == feature], notes) for feature in features]
        lines.append(f"| {client} | {version} | {' | '.join(cells)} |\n")
    return "".join(lines) if rows else ""


def _cell(whys: list[str], notes: dict[str, int]) -> str:
    """`yes`, `no`, or `partly` where only some of what was tried works; these with the numbers of their notes."""
    if not any(whys):
        return "yes" if whys else ""
    numbers = sorted({notes.setdefault(why, len(notes) + 1) for why in whys if why})
    return f"{'no' if all(whys) else 'partly'} ({', '.join(map(str, numbers))})"


if __name__ == "__main__":
    PAGE.write_text(render(read_results(RESULTS)), encoding="utf-8")
