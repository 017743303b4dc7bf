"""Media behind URLs, for providers that take them in the request only: fetched once the call is held, and before any of
it is sent.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from tallygate.errors import MediaTimeout
from tallygate.genai.ceilings import Ceilings, Reach
from tallygate.transport.fetch import Fetched
from tests.fakes.chat_pieces import usage, whole_script
from tests.fakes.exits import KeptClient
from tests.fakes.hallway import Stage

pytestmark = pytest.mark.anyio

URL = "https://good.example/a.pdf"
PDF = b"%PDF-1.7 hello"
READ = {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": URL}}]}
REACH = Reach(output_tokens_max=1_000, ceilings=Ceilings(document_tokens=500))


def stage(folder: Path, found: Fetched, asked: list[Sequence[str]]) -> Stage:
    async def fetch(urls: Sequence[str]) -> Mapping[str, Fetched]:
        asked.append(urls)
        return dict.fromkeys(urls, found)

    return Stage(folder, whole_script("read", counts=usage(7, 11)), reach=REACH, fetch=fetch)


async def test_a_document_behind_a_url_is_sent_as_data(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []
    house, client = stage(tmp_path, Fetched("application/pdf", PDF), asked), KeptClient()
    await house.hallway.run(house.open(client, dialect="anthropic_messages", messages=[READ]))
    assert client.status == 200
    assert asked == [(URL,)]
    (sent,) = house.exit.asked
    (message,) = msgspec.json.decode(sent.body)["messages"]
    data = base64.b64encode(PDF).decode()
    assert message["content"][0]["file"] == {"file_data": f"data:application/pdf;base64,{data}"}


async def test_what_is_no_document_costs_nothing(tmp_path: Path) -> None:
    house, client = stage(tmp_path, Fetched("text/html", b"<html>"), []), KeptClient()
    await house.hallway.run(house.open(client, dialect="anthropic_messages", messages=[READ]))
    assert client.status == 400
    assert b"messages[0].content[0]" in client.body
    assert not house.exit.asked
    assert house.shelf.tables["holds"]["call_1"].state == "voided"


async def test_what_cannot_be_fetched_costs_nothing(tmp_path: Path) -> None:
    async def fail(urls: Sequence[str]) -> Mapping[str, Fetched]:
        raise MediaTimeout

    house, client = Stage(tmp_path, reach=REACH, fetch=fail), KeptClient()
    await house.hallway.run(house.open(client, dialect="anthropic_messages", messages=[READ]))
    assert client.status == 400
    assert not house.exit.asked
    assert house.shelf.tables["holds"]["call_1"].state == "voided"
