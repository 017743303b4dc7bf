"""The page of the format names, for every address that calls a model, what its parameters are without."""

import re

from tallygate.api.urls import URLS
from tallygate.dialects.registry import CLIENT_DIALECTS
from tests.house.source import ROOT

PAGE = ROOT / "docs/reference/receipts.md"


def test_each_address_has_its_row() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| address | left out |")[2].partition("\n\n")[0]
    told = {
        address: frozenset(re.findall(r"`([a-z_]+)`", members))
        for address, members in re.findall(r"^\| `(/[^`]+)` \| (.+) \|$", table, re.MULTILINE)
    }
    assert told == {route.path: CLIENT_DIALECTS[route.dialect].conversation for route in URLS if route.billable}
