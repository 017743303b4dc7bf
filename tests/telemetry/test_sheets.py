"""Whichever process of a gateway is asked tells of all: also of those that have ended."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tallygate.telemetry.family import Family, Sample
from tallygate.telemetry.sheets import Sheet, Sheets, open_folder


class Counting:
    """A process with one counter and one gauge."""

    def __init__(self, folder: Path | None) -> None:
        self.count = 0
        self.sheets = Sheets(folder, self.list_families)

    def list_families(self) -> Iterable[Family]:
        samples = (Sample((), self.count),)
        return [Family("calls", "counter", "", (), samples), Family("open", "gauge", "", (), samples)]


def total(families: Iterable[Family], name: str = "calls") -> int:
    return sum(sample.value for family in families if family.name == name for sample in family.samples)


def test_one_process_alone_needs_no_folder() -> None:
    alone = Counting(None)
    alone.count = 3
    assert total(asyncio.run(alone.sheets.collect())) == 3


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["count", "write", "ask"])), max_size=40))
def test_no_counter_falls_back_whoever_is_asked(tmp_path_factory: object, steps: list[tuple[int, str]]) -> None:
    folder = tmp_path_factory.mktemp("sheets")  # pyright: ignore[reportAttributeAccessIssue]

    async def run() -> None:
        processes = [Counting(folder) for _ in range(3)]
        shown = 0
        for which, step in steps:
            process = processes[which]
            if step == "count":
                process.count += 1
            elif step == "write":
                await process.sheets.write()
            else:
                now = total(await process.sheets.collect())
                assert shown <= now <= sum(one.count for one in processes)
                shown = now
        for process in processes:
            await process.sheets.write()
        assert total(await processes[0].sheets.collect()) == sum(one.count for one in processes)

    asyncio.run(run())


def find_dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_process_that_has_ended_leaves_its_counters_and_takes_its_gauges(tmp_path: Path) -> None:
    living, dead = Counting(tmp_path), Counting(None)
    living.count, dead.count = 2, 40
    sheet = Sheet(find_dead_process(), tuple(dead.list_families()))
    (tmp_path / "gone.json").write_bytes(msgspec.json.encode(sheet))
    (tmp_path / "torn.json").write_bytes(b"{")
    families = asyncio.run(living.sheets.collect())
    assert (total(families), total(families, "open")) == (42, 2)


def test_a_new_gateway_begins_anew_and_leaves_others_alone(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "metrics")
    (folder / "old.json").write_bytes(b"{}")
    gone, other = tmp_path / "metrics" / str(find_dead_process()), tmp_path / "metrics" / str(os.getppid())
    for made in (gone, other):
        made.mkdir()
    assert open_folder(tmp_path / "metrics") == folder
    assert not list(folder.iterdir())
    assert other.exists()
    assert not gone.exists()
