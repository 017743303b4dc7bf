"""Kills at every step: no checkpoint that was ever published is contradicted, and no receipt is lost or taken twice.

The judge remembers each checkpoint it has once seen, as any stranger may have.
"""

import random
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tallygate.genai.secret import Secret
from tallygate.receipts.key_file import make_key_file, read_key_file
from tallygate.receipts.log_audit import LogAudit
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.log import claim_log
from tests.house.source import ROOT
from tests.receipts.logs import add_receipts, judge, read_entries, read_published

STEPS_MAX = 70


@pytest.mark.parametrize(
    "cycles", [10, pytest.param(220, marks=[pytest.mark.long, pytest.mark.timeout(1800)])], ids=["some", "many"]
)
def test_a_kill_at_any_step_contradicts_nothing(
    address: DatabaseAddress, database_url: str, tmp_path: Path, cycles: int
) -> None:
    text = make_key_file(0, origin="example.com/log")
    (tmp_path / "keys").write_text(text)
    keys = read_key_file(Secret(text))
    vkey = keys.signer.verifier.vkey
    with closing(DriverConnection(address)) as connection:
        claim_log(connection, "example.com/log", vkey, 1)
    chance = random.Random(cycles)  # the same kills each time
    seen: dict[bytes, None] = {}
    entries: list[bytes] = []
    killed = 0
    for cycle in range(cycles):
        add_receipts(address, chance.choice([1, 2, 5, 30, 300]))
        ended = run(database_url, tmp_path, chance.randint(1, STEPS_MAX), cycle)
        killed += ended.returncode == -signal.SIGKILL
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        bury(address)
        before, entries = entries, read_entries(address)
        # What was signed of the entries before holds as long as those stay what they were.
        assert entries[: len(before)] == before
        new = [one for one in [*read_published(address), *read_mark(tmp_path)] if one not in seen]
        judge(new, entries, vkey)
        seen.update(dict.fromkeys(new))
    assert killed > cycles // 2, "hardly any process was killed: the steps have changed"
    assert run(database_url, tmp_path, 0, cycles).returncode == 0
    entries = read_entries(address)
    assert judge(list(seen), entries, vkey)
    with closing(DriverConnection(address)) as connection:
        assert connection.fetch("SELECT count(*) FROM receipts") == [(len(entries),)]
        assert list(LogAudit(connection, keys.public).run()) == []
    assert judge(read_published(address)[-1:], entries, vkey) == [len(entries)]


def read_mark(folder: Path) -> list[bytes]:
    """The checkpoint in the high-water file, which may not have been published."""
    path = folder / "high-water"
    return [path.read_bytes()] if path.exists() else []


def run(database_url: str, folder: Path, last_step: int, cycle: int) -> "subprocess.CompletedProcess[str]":
    """A life of the writer that ends at a step; step 0 never comes."""
    now_s = 1_800_000_000 + 10 * cycle
    return subprocess.run(
        [sys.executable, "-m", "tests.receipts.dying_writer", database_url, str(folder), str(last_step), str(now_s)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def bury(address: DatabaseAddress) -> None:
    """What recovery does, sooner or later, with whoever gives no sign of life."""
    with closing(DriverConnection(address)) as connection:
        connection.fetch("UPDATE epochs SET ended_at_ns = 1 WHERE ended_at_ns IS NULL")
