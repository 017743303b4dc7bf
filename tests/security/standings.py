"""Everybody who may knock at a door: without a key, with a wrong or ended one, with one permission, as each role.

What a key may do is spelt out here once more, from the pages and not from the gateway's own tables: `may` is what the
oracle of the matrix goes by. Keys are made by the functions that the command line uses.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tallygate.access import admin
from tallygate.access.keys import Minter
from tallygate.store.address import parse_address
from tallygate.store.database import Database
from tests.security.town import Town

ACTOR = "the matrix"
WORKSPACE = "acme"

VIEWER = frozenset({"routing:view", "accounting:view_own"})
MEMBER = VIEWER | {"models:use"}
MANAGING = ("accounting:manage_budgets", "users:manage", "api_keys:manage")
EVERYTHING = MEMBER | {"accounting:view_tenant", *MANAGING}
OPERATOR = frozenset({"admin:access"})


class Standing(NamedTuple):
    """Who knocks. `key`: what they show, empty for nothing; `is_live`: whether it counts; `may`: what it opens, if so;
    `refused`: the status for a key that counts, but not from here; `tenant`: whose it is.
    """

    name: str
    key: str
    is_live: bool = True
    may: frozenset[str] = frozenset()
    refused: int = 0
    tenant: str = WORKSPACE

    def __str__(self) -> str:
        return self.name


class Maker:
    """Makes users and keys of a town."""

    def __init__(self, town: Town, database: Database) -> None:
        self._database = database
        pepper = bytes.fromhex(Path(town.gateway.env["TALLYGATE_DATA"], "key-pepper").read_text().strip())
        self._minter = Minter(pepper=pepper, prefix="lx-")

    def add_user(self, name: str, role: str, workspace: str = WORKSPACE) -> None:
        """A user of a role."""
        admin.create_user(self._database, workspace, name, actor=ACTOR, role=role)

    def add_key(self, user: str, permissions: frozenset[str], workspace: str = WORKSPACE, name: str = "") -> str:
        """A key of a user."""
        made = admin.create_key(
            self._database,
            self._minter,
            workspace=workspace,
            actor=ACTOR,
            user=user,
            name=name,
            permissions=permissions,
        )
        return made.secret.reveal()

    def add_distant_key(self, user: str) -> str:
        """A key that counts from another network only."""
        made = admin.create_key(
            self._database, self._minter, workspace=WORKSPACE, actor=ACTOR, user=user, networks=["10.0.0.0/8"]
        )
        return made.secret.reveal()

    def add_admin_key(self, user: str, name: str) -> str:
        """A key of an operator's, for the admin plane."""
        made = admin.create_admin_key(
            self._database, self._minter, workspace=WORKSPACE, user=user, actor=ACTOR, name=name
        )
        return made.secret.reveal()

    def rotate(self, name: str) -> str:
        """The new text of a key; the old one counts no longer."""
        rotated = admin.rotate_key(self._database, self._minter, name, actor=ACTOR, workspace=WORKSPACE, overlap_s=0)
        return rotated.secret.reveal()

    def demote(self, user: str, role: str) -> None:
        """Give a user another role: their keys open no more than that."""
        admin.change_user(self._database, WORKSPACE, user, actor=ACTOR, role=role)

    def close(self, user: str) -> None:
        """Close a user."""
        admin.disable_user(self._database, WORKSPACE, user, actor=ACTOR)


@contextmanager
def making(town: Town) -> Generator[Maker]:
    """A maker with a connection of its own, as the command line has one."""
    with Database(parse_address(town.database_url, Path())) as database:
        yield Maker(town, database)


def settle_standings(town: Town) -> tuple[Standing, ...]:
    """Everybody."""
    words = town.words
    with making(town) as maker:
        for name, role in (
            ("vera", "viewer"),
            ("mia", "member"),
            ("ada", "admin"),
            ("oz", "operator"),
            ("den", "admin"),
        ):
            maker.add_user(name, role)
        for name, role in (("gone-oz", "operator"), ("lone", "member")):
            maker.add_user(name, role)
        maker.add_user("ria", "admin", "rival")
        demoted = maker.add_key("den", EVERYTHING)
        maker.demote("den", "viewer")
        gone = maker.add_admin_key("gone-oz", "gone-oz-key")
        maker.close("gone-oz")
        old = maker.add_key("ada", EVERYTHING, name="turned")
        turned = maker.rotate("turned")
        return (
            Standing("nobody", "", is_live=False),
            *(
                Standing(word.lower().replace("_", "-"), words[word], is_live=False)
                for word in ("UNKNOWN", "TYPO", "REVOKED", "EXPIRED", "SHUT_USER", "SHUT_WORKSPACE")
            ),
            Standing("rotated-away", old, is_live=False),
            Standing("closed-operator", gone, is_live=False),
            Standing("elsewhere", maker.add_distant_key("mia"), refused=403),
            Standing("viewer", maker.add_key("vera", VIEWER), may=VIEWER),
            Standing("member", maker.add_key("mia", MEMBER), may=MEMBER),
            Standing("admin", maker.add_key("ada", EVERYTHING), may=EVERYTHING),
            Standing("rotated", turned, may=EVERYTHING),
            Standing("demoted", demoted, may=VIEWER),
            *(
                Standing(f"only-{one}", maker.add_key("ada", frozenset({one})), may=frozenset({one}))
                for one in sorted(EVERYTHING)
            ),
            Standing("foreign-admin", maker.add_key("ria", EVERYTHING, "rival"), may=EVERYTHING, tenant="rival"),
            Standing("operator", maker.add_admin_key("oz", "oz-key"), may=OPERATOR, tenant=""),
            Standing("admin-key", words["ADMIN"], may=OPERATOR, tenant=""),
        )
