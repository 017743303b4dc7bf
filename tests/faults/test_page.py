"""The page on faults says what the table says, and the table what the errors' own page knows."""

import re

from tests.fakes.process import ROOT
from tests.faults.page import GROUPS, PAGE, write_page
from tests.faults.table import FAULTS


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text() == write_page(), "run python -m tests.faults.page"


def test_every_code_on_the_page_has_its_heading() -> None:
    headings = set(re.findall(r"^### `(\w+)`", (ROOT / "docs/reference/errors.md").read_text(), re.MULTILINE))
    codes = {ending.code for fault in FAULTS.values() for ending in (fault.whole, fault.stream, fault.also) if ending}
    assert codes - {""} <= headings


def test_every_fault_is_in_a_group_of_the_page() -> None:
    assert {fault.group for fault in FAULTS.values()} == {"none", *GROUPS}
