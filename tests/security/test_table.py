"""The checklist itself: no number is left out, what it points at runs, and nothing is put off that is due."""

import re
import subprocess
import sys

import pytest

from tallygate.api.urls import URLS
from tests.fakes.process import ROOT
from tests.security.checklist import NUMBERS, ROWS
from tests.security.row import Later, Row

DOORS_OF: dict[Later, tuple[str, ...]] = {
    "batches": ("/v1/batches", "/v1/messages/batches", "/v1/inference/batch"),
    "uploads": ("/v1/files", "/v1/images", "/v1/audio", "/v1/video", "/v1/inference/images", "/v1/inference/audio"),
    "presigned media": ("/media",),
    "payments per call": ("/v1/payments", "/x402", "/.well-known/x402"),
    "webhooks": ("/v1/webhooks", "/v1/admin/webhooks"),
    "top-up events": ("/v1/topups", "/v1/admin/topups", "/webhooks"),
}
"""The addresses that what is not built yet will have."""


def test_no_number_is_left_out() -> None:
    assert [row.number for row in ROWS] == list(range(1, NUMBERS + 1))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_is_tried_or_proved_or_not_due(row: Row) -> None:
    assert row.asks or row.plays or row.proofs or row.later


@pytest.mark.parametrize("later", DOORS_OF)
def test_what_is_put_off_is_not_there_yet(later: Later) -> None:
    there = [route.path for route in URLS if route.path.startswith(DOORS_OF[later])]
    waiting = [row.number for row in ROWS if row.later == later]
    assert not (there and waiting), f"{there} are open, and so these rows are due: {waiting}"


def test_what_is_put_off_has_a_reason() -> None:
    assert {row.later for row in ROWS if row.later} <= DOORS_OF.keys()


def test_each_proof_is_a_test_that_runs() -> None:
    wanted = {proof for row in ROWS for proof in row.proofs}
    files = sorted({proof.partition("::")[0] for proof in wanted})
    assert not [file for file in files if not (ROOT / file).is_file()]
    collected = {line.partition("[")[0] for line in collect(files)}
    assert sorted(wanted - collected) == []


def collect(files: list[str]) -> list[str]:
    """The node ids of the tests in these files that a plain run would run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-2_000:]
    return done.stdout.splitlines()


@pytest.mark.parametrize("row", [row for row in ROWS if row.otherwise], ids=str)
def test_where_we_answer_otherwise_a_page_says_so(row: Row) -> None:
    place, _, reason = row.otherwise.partition(": ")
    page, _, anchor = place.partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {slug(heading) for heading in headings}, place
    assert len(reason.split()) > 3, "a reason takes a few words"


def slug(heading: str) -> str:
    """The anchor of a heading, as the site makes it."""
    kept = re.sub(r"[^\w\s-]", "", heading.lower()).strip()
    return re.sub(r"[\s]+", "-", kept)
