"""A principal that was read for an earlier call: it spares a look into the database and makes no other difference."""

from pathlib import Path

import pytest
from msgspec import structs

from tallygate.genai.book import Key
from tests.fakes.chat_pieces import usage, whole_script
from tests.fakes.exits import KeptClient
from tests.fakes.hallway import Stage

pytestmark = pytest.mark.anyio


def open_stage(folder: Path) -> Stage:
    return Stage(folder, *[whole_script("hello", counts=usage(7, 11))] * 3)


def change(stage: Stage, **fields: object) -> None:
    """The key as an administrator leaves it."""
    keys: dict[str, Key] = stage.shelf.tables["keys"]
    keys["k1"] = structs.replace(keys["k1"], version=keys["k1"].version + 1, **fields)


async def ask(stage: Stage, **fields: object) -> KeptClient:
    client = KeptClient()
    await stage.run(client, **fields)
    return client


async def test_who_was_read_once_is_not_read_again(tmp_path: Path) -> None:
    stage = open_stage(tmp_path)
    assert [(await ask(stage)).status, (await ask(stage)).status] == [200, 200]
    assert stage.identified == 1


async def test_a_revoked_key_is_refused_on_its_next_call(tmp_path: Path) -> None:
    stage = open_stage(tmp_path)
    await ask(stage)
    change(stage, status="revoked")
    assert (await ask(stage)).status == 401
    assert len(stage.exit.asked) == 1


async def test_a_permission_that_was_taken_is_gone_on_the_next_call(tmp_path: Path) -> None:
    stage = open_stage(tmp_path)
    await ask(stage)
    stage.grant = frozenset()
    change(stage)
    assert (await ask(stage)).status == 403
    assert len(stage.exit.asked) == 1


async def test_a_permission_that_was_given_counts_from_the_next_call(tmp_path: Path) -> None:
    stage = open_stage(tmp_path)
    stage.grant = frozenset()
    assert (await ask(stage)).status == 403
    stage.grant = frozenset({"models:use"})
    change(stage)
    assert (await ask(stage)).status == 200


async def test_nobody_is_told_of_the_request_whose_key_has_ended(tmp_path: Path) -> None:
    stage = open_stage(tmp_path)
    await ask(stage)
    change(stage, status="revoked")
    assert (await ask(stage, previous_response_id="r")).status == 401
