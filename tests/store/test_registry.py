"""An engine's package is loaded by who uses that engine, and by nobody else."""

import subprocess
import sys

import pytest

from tallygate.store.address import Engine
from tallygate.store.registry import load_books, load_driver

PROGRAM = """
import sys
from pathlib import Path
from tallygate.store.address import parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.engines import open_book
from tallygate.store.meta import schema_is_current
from tallygate.store.migrate import migrate
address = parse_address("", Path(sys.argv[1]))
migrate(address)
assert schema_is_current(address)
open_book(address).close()
DriverConnection(address).close()
print("psycopg" in sys.modules)
"""


@pytest.mark.parametrize("engine", list(Engine))
def test_every_engine_has_its_files(engine: Engine) -> None:
    assert callable(load_driver(engine).connect)
    assert callable(load_books(engine).open_book)


def test_a_gateway_on_sqlite_never_loads_psycopg(tmp_path: object) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
