"""The contracts that import-linter checks name what they must: a new room or a new pure module cannot be forgotten."""

import tomllib
from typing import Any

import pytest

from tests.house.source import PACKAGE, ROOT

FLOORS = [
    {"__main__"},
    {"cli"},
    {"app"},
    {"config"},
    {"dashboard", "client"},
    {"api"},
    {"batch"},
    {"pipeline"},
    {"access", "payments", "events"},
    {"router", "ledger", "receipts", "media"},
    {"providers"},
    {"dialects", "transport", "store", "telemetry"},
    {"genai"},
    {"errors"},
]
PURE = [
    "dialects",
    "genai",
    "ledger.bound",
    "ledger.fold",
    "ledger.money",
    "receipts.merkle",
    "receipts.verify",
    "router",
]
ONLY_IN = {
    "alembic": {"store"},
    "psycopg": {"store"},
    "sqlalchemy": {"store"},
    "sqlite3": {"store"},
}

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


def test_the_floors_are_those_of_the_house() -> None:
    layers = next(contract for contract in CONTRACTS if contract["id"] == "floors")
    assert layers["exhaustive"]
    assert [{name.strip(" ()") for name in floor.split("|")} for floor in layers["layers"]] == FLOORS


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_that_exists_is_kept_pure(name: str) -> None:
    pure = next(contract for contract in CONTRACTS if contract["id"] == "pure")
    assert (f"tallygate.{name}" in pure["source_modules"]) == _exists(name)


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_for_few_rooms_is_protected(package: str) -> None:
    protected = [contract for contract in CONTRACTS if package in contract.get("protected_modules", [])]
    allowed = {name for contract in protected for name in contract["allowed_importers"]}
    assert allowed == {f"tallygate.{room}" for room in ONLY_IN[package] if _exists(room)}


def test_the_client_knows_no_room_of_the_server() -> None:
    if _exists("client"):
        contract = next(contract for contract in CONTRACTS if contract["id"] == "client")
        assert contract["source_modules"] == ["tallygate.client"]


def _exists(name: str) -> bool:
    path = ROOT / PACKAGE / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()
