"""Who is let in: exact from one call to the next, silent about why not, and sparing with the database."""

import asyncio
import time
from collections.abc import Callable, Generator

import pytest

from tallygate.access import admin
from tallygate.access.doorman import ADMIN, Doorman
from tallygate.access.keys import ADMIN as ADMIN_LETTER
from tallygate.access.keys import TENANT, Minter, mint
from tallygate.access.permissions import DEFAULT_GRANT
from tallygate.access.wrong_keys import WrongKeys
from tallygate.errors import InvalidApiKey, PermissionDenied, TooManyWrongKeys
from tallygate.genai.secret import Secret
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.reader import Reader
from tallygate.store.rows import KeyRow

PEPPER = b"p" * 32
MINTER = Minter(PEPPER, "lx-")
ADMIN_KEY = Secret("correct-horse-battery-staple")
PEER = "192.0.2.7"


class Entrance:
    """A doorman at a real database, with a count of looks into it and a clock that can be set."""

    def __init__(self, database: Database, reader: Reader, wrong_per_minute: int = 1_000) -> None:
        self.database = database
        self.looks = 0
        self.now_ns = time.time_ns()
        self.reader = reader
        self.doorman = Doorman(
            self._count,
            pepper=PEPPER,
            prefix="lx-",
            admin_key=ADMIN_KEY,
            wrong_keys=WrongKeys(wrong_per_minute),
            clock_ns=lambda: self.now_ns,
        )

    async def _count(self, digest: bytes) -> KeyRow | None:
        self.looks += 1
        return await self.reader.find_key(digest)

    def refusal(self, credential: Secret | None) -> InvalidApiKey:
        """The refusal of a credential that must be refused."""
        with pytest.raises(InvalidApiKey) as caught:
            asyncio.run(self.doorman.identify(credential, PEER))
        return caught.value


@pytest.fixture
def entrance(database: Database, address: DatabaseAddress) -> Generator[Entrance]:
    admin.create_workspace(database, "acme", actor="test")
    reader = Reader(address)
    reader.start()
    yield Entrance(database, reader)
    reader.close()


def new_key(entrance: Entrance, **wishes: object) -> admin.CreatedKey:
    return admin.create_key(entrance.database, MINTER, workspace="acme", actor="test", **wishes)  # pyright: ignore[reportArgumentType]


def test_a_live_key_is_its_principal(entrance: Entrance) -> None:
    created = new_key(entrance, models=["m"], expires_at_ns=entrance.now_ns + 10**12)
    principal = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    record = created.record
    assert (principal.key_id, principal.user_id, principal.workspace_id) == (
        record.id,
        record.user_id,
        record.workspace_id,
    )
    assert (principal.permissions, principal.models, principal.key_version) == (DEFAULT_GRANT, {"m"}, 1)
    assert principal.expires_at_ns == record.expires_at_ns


ENDINGS: dict[str, Callable[[Entrance, admin.CreatedKey], object]] = {
    "revoked": lambda at, key: admin.revoke_key(at.database, key.record.id, actor="test"),
    "user disabled": lambda at, key: admin.disable_user(at.database, "acme", "owner", actor="test"),
    "workspace disabled": lambda at, key: admin.disable_workspace(at.database, "acme", actor="test"),
    "expired": lambda at, key: setattr(at, "now_ns", key.record.expires_at_ns),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_key_that_ends_is_refused_on_its_next_use(entrance: Entrance, ending: str) -> None:
    created = new_key(entrance, expires_at_ns=entrance.now_ns + 10**12)
    asyncio.run(entrance.doorman.identify(created.secret, PEER))
    ENDINGS[ending](entrance, created)
    looks = entrance.looks
    refusal = entrance.refusal(created.secret)
    assert entrance.looks == looks + 1
    unknown = entrance.refusal(mint("lx-", TENANT))
    malformed = entrance.refusal(Secret("lx-k_malformed"))
    assert described(refusal) == described(unknown) == described(malformed)


def described(refusal: InvalidApiKey) -> tuple[object, ...]:
    """All that a client could tell refusals apart by."""
    return type(refusal), refusal.message, refusal.param, refusal.retry_after_s, refusal.details, refusal.args


def test_a_lowered_limit_holds_on_the_next_call(entrance: Entrance) -> None:
    created = new_key(entrance)
    admin.change_key(entrance.database, created.record.id, actor="test", models=["m"], permissions=[])
    principal = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    assert (principal.models, principal.permissions, principal.key_version) == ({"m"}, frozenset(), 2)


@pytest.mark.parametrize(
    "text",
    ["", "x", "lx-", "lx-k_", "sk-abc", "' OR '1'='1", "'; DROP TABLE keys; --", "%00", "\x00", "\xff" * 43, "\udcff"],
)
def test_a_malformed_key_costs_no_look_into_the_database(entrance: Entrance, text: str) -> None:
    entrance.refusal(Secret(text))
    entrance.refusal(None)
    assert entrance.looks == 0


def test_a_changed_key_costs_no_look_either(entrance: Entrance) -> None:
    key = new_key(entrance).secret.reveal()
    for position in range(len(key)):
        other = "A" if key[position] != "A" else "B"
        entrance.refusal(Secret(key[:position] + other + key[position + 1 :]))
    assert entrance.looks == 0


def test_a_key_under_another_pepper_is_unknown(entrance: Entrance) -> None:
    elsewhere = admin.create_key(entrance.database, Minter(b"q" * 32, "lx-"), workspace="acme", actor="test")
    entrance.refusal(elsewhere.secret)


def test_a_request_without_a_key_is_told_how_to_send_one(entrance: Entrance) -> None:
    assert "x-api-key" in entrance.refusal(None).message


def test_the_admin_key_is_known_without_the_database(entrance: Entrance) -> None:
    assert asyncio.run(entrance.doorman.identify(ADMIN_KEY, PEER)) == ADMIN
    assert entrance.looks == 0
    entrance.refusal(mint("lx-", ADMIN_LETTER))


def test_a_live_key_is_recalled_without_a_look(entrance: Entrance) -> None:
    created = new_key(entrance)
    assert entrance.doorman.recall(created.secret, PEER) is None
    principal = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    assert entrance.doorman.recall(created.secret, PEER) == principal
    assert entrance.looks == 1


def test_a_key_that_was_refused_is_forgotten(entrance: Entrance) -> None:
    created = new_key(entrance)
    asyncio.run(entrance.doorman.identify(created.secret, PEER))
    admin.revoke_key(entrance.database, created.record.id, actor="test")
    entrance.refusal(created.secret)
    assert entrance.doorman.recall(created.secret, PEER) is None


@pytest.mark.parametrize("credential", [None, Secret(""), Secret("\xff"), Secret("\udcff"), ADMIN_KEY])
def test_what_is_no_key_of_a_workspace_is_never_recalled(entrance: Entrance, credential: Secret | None) -> None:
    asyncio.run(entrance.doorman.identify(ADMIN_KEY, PEER))
    assert entrance.doorman.recall(credential, PEER) is None


def test_the_oldest_is_forgotten_first(entrance: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallygate.access.doorman.KNOWN_MAX", 2)
    keys = [new_key(entrance).secret for _ in range(3)]
    for key in keys:
        asyncio.run(entrance.doorman.identify(key, PEER))
    assert [entrance.doorman.recall(key, PEER) is not None for key in keys] == [False, True, True]


def test_a_role_bounds_a_grant_from_the_next_call_on(entrance: Entrance) -> None:
    created = new_key(entrance, permissions=["models:use", "users:manage"])
    before = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    admin.change_user(entrance.database, "acme", "owner", actor="test", role="member")
    after = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    assert (before.permissions, after.permissions) == ({"models:use", "users:manage"}, {"models:use"})
    assert after.key_version == before.key_version + 1


def test_a_key_is_recalled_and_let_in_from_its_networks_alone(entrance: Entrance) -> None:
    created = new_key(entrance, networks=["192.0.2.0/24"])
    principal = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    assert entrance.doorman.recall(created.secret, "::ffff:192.0.2.8") == principal
    for elsewhere in ("198.51.100.1", "", "unknown"):
        assert entrance.doorman.recall(created.secret, elsewhere) is None
        with pytest.raises(PermissionDenied) as caught:
            asyncio.run(entrance.doorman.identify(created.secret, elsewhere))
        assert caught.value.details == {"address": elsewhere}


def test_an_expired_key_is_not_recalled(entrance: Entrance) -> None:
    created = new_key(entrance, expires_at_ns=entrance.now_ns + 10**12)
    asyncio.run(entrance.doorman.identify(created.secret, PEER))
    entrance.now_ns += 10**12
    assert entrance.doorman.recall(created.secret, PEER) is None


def test_an_admin_key_is_good_while_its_user_is_an_operator(entrance: Entrance) -> None:
    admin.create_user(entrance.database, "acme", "op", actor="test", role="operator")
    created = admin.create_admin_key(entrance.database, MINTER, workspace="acme", user="op", actor="test")
    principal = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    assert (principal.workspace_id, principal.permissions) == ("", {"admin:access"})
    assert principal.actor == principal.user_id == created.record.user_id
    admin.change_user(entrance.database, "acme", "op", actor="test", role="admin")
    assert described(entrance.refusal(created.secret)) == described(entrance.refusal(mint("lx-", TENANT)))


def test_both_texts_of_a_rotated_key_open_it_until_the_first_has_had_its_time(entrance: Entrance) -> None:
    created = new_key(entrance)
    rotated = admin.rotate_key(entrance.database, MINTER, created.record.id, actor="test", overlap_s=60)
    old = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    new = asyncio.run(entrance.doorman.identify(rotated.secret, PEER))
    assert old.key_id == new.key_id == created.record.id
    assert old.expires_at_ns is not None
    assert new.expires_at_ns is None
    entrance.now_ns = old.expires_at_ns
    assert entrance.doorman.recall(created.secret, PEER) is None
    entrance.refusal(created.secret)
    asyncio.run(entrance.doorman.identify(rotated.secret, PEER))


def test_an_earlier_text_is_revoked_alone_and_what_is_remembered_of_it_is_out_of_date(entrance: Entrance) -> None:
    created = new_key(entrance)
    rotated = admin.rotate_key(entrance.database, MINTER, created.record.id, actor="test")
    before = asyncio.run(entrance.doorman.identify(created.secret, PEER))
    admin.revoke_key(entrance.database, rotated.earlier.id, actor="test")
    entrance.refusal(created.secret)
    after = asyncio.run(entrance.doorman.identify(rotated.secret, PEER))
    assert after.key_version == before.key_version + 1


def test_too_many_wrong_keys_are_told_to_wait_and_a_good_one_is_let_in(entrance: Entrance) -> None:
    strict = Entrance(entrance.database, entrance.reader, wrong_per_minute=3)
    created = new_key(entrance)
    for _ in range(3):
        strict.refusal(mint("lx-", TENANT))
    for wrong in (mint("lx-", TENANT), Secret("malformed")):
        with pytest.raises(TooManyWrongKeys):
            asyncio.run(strict.doorman.identify(wrong, PEER))
    assert asyncio.run(strict.doorman.identify(created.secret, PEER)).key_id == created.record.id
    assert asyncio.run(strict.doorman.identify(ADMIN_KEY, PEER)) == ADMIN
    with pytest.raises(InvalidApiKey):
        asyncio.run(strict.doorman.identify(mint("lx-", TENANT), "198.51.100.1"))
