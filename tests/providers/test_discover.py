"""A look at this machine's ports, with real loopback servers that answer as the engines do."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from tallygate.genai.catalog import UNKNOWN, Offer
from tallygate.genai.secret import Secret
from tallygate.providers.base import Found, Missing, Provider
from tallygate.providers.discover import Place, discover, find_place
from tallygate.providers.ollama import ROW as OLLAMA_ROW
from tallygate.providers.vllm import ROW as VLLM_ROW
from tests.providers.engines import GATEWAY, LLAMACPP, LMSTUDIO, OLLAMA, STRANGER, VLLM, Server, page
from tests.transport.wire import Line, answer, going_out, serving, unused_port

pytestmark = pytest.mark.anyio

WITHIN_MS = 20_000
"""Patience for a busy machine; only the tests of silence look with less."""


async def look(
    ports: Mapping[str, int],
    known: Mapping[str, Provider] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    own_ports: frozenset[int] = frozenset(),
    within_ms: int = WITHIN_MS,
) -> dict[str, Found | Missing]:
    elsewhere = {name: unused_port() for name in ("ollama", "llamacpp", "vllm", "lmstudio")}
    async with going_out() as exit_:
        seen = await discover(
            exit_, known or {}, environ or {}, own_ports=own_ports, ports={**elsewhere, **ports}, within_ms=within_ms
        )
    return {item.provider.name if isinstance(item, Found) else item.name: item for item in seen}


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


async def test_every_engine_is_found_with_its_models() -> None:
    async with (
        serving(Server(OLLAMA)) as ollama,
        serving(Server(LLAMACPP)) as llamacpp,
        serving(Server(VLLM)) as vllm,
        serving(Server(LMSTUDIO)) as lmstudio,
    ):
        urls = {"ollama": ollama, "llamacpp": llamacpp, "vllm": vllm, "lmstudio": lmstudio}
        seen = await look({name: port_of(url) for name, url in urls.items()})
    assert set(seen) == set(urls)
    for name, item in seen.items():
        assert isinstance(item, Found)
        assert item.provider.base_url == urls[name]
        assert item.reason == f"answers on port {port_of(urls[name])} of this machine"
        assert item.offers
        assert {offer.provider for offer in item.offers} == {name}


async def test_each_model_of_an_ollama_is_asked_what_it_can_do() -> None:
    server = Server(OLLAMA)
    async with serving(server) as url:
        item = (await look({"ollama": port_of(url)}))["ollama"]
    assert isinstance(item, Found)
    assert [offer.capabilities.vision for offer in item.offers] == [True, True]
    assert sum(head.startswith("POST /api/show") for head in server.heads) == 2


async def test_a_model_that_nothing_is_said_of_is_offered_all_the_same() -> None:
    async def script(line: Line) -> None:
        while True:
            head, _ = await line.hear()
            if head.startswith("POST"):
                await line.hear_end()
                return
            said = OLLAMA[head.split(" ")[1]]
            await line.say(answer(said.body))

    async with serving(script) as url, asyncio.timeout(10):
        item = (await look({"ollama": port_of(url)}, within_ms=2_000))["ollama"]
    assert isinstance(item, Found)
    assert [offer.model for offer in item.offers] == ["gemma3:latest", "nomic-embed-text:latest"]
    assert {offer.capabilities for offer in item.offers} == {UNKNOWN}


async def test_nothing_there() -> None:
    port = unused_port()
    item = (await look({"vllm": port}))["vllm"]
    assert item == Missing("vllm", "vLLM", f"nothing answers on port {port} of this machine")


@pytest.mark.parametrize(
    "pages",
    [STRANGER, GATEWAY, LLAMACPP, {}, {"/v1/models": page("x" * 5_000_000)}],
    ids=["website", "gateway", "other engine", "empty", "huge"],
)
async def test_something_else_is_said_to_be_that(pages: dict[str, object]) -> None:
    async with serving(Server(pages)) as url:  # pyright: ignore[reportArgumentType]
        item = (await look({"vllm": port_of(url)}))["vllm"]
    assert item == Missing("vllm", "vLLM", f"something else listens on port {port_of(url)} of this machine")


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"])
async def test_what_speaks_no_http_is_something_else(said: bytes) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(said)

    async with serving(script) as url:
        item = (await look({"vllm": port_of(url)}))["vllm"]
    assert isinstance(item, Missing)
    assert item.reason == f"something else listens on port {port_of(url)} of this machine"


async def test_an_engine_that_is_loading_is_said_to_be() -> None:
    pages = {"/v1/models": page({"error": {"message": "Loading model"}}, 503, server="llama.cpp")}
    async with serving(Server(pages)) as url:
        item = (await look({"llamacpp": port_of(url)}))["llamacpp"]
    assert isinstance(item, Missing)
    assert item.reason == f"port {port_of(url)} of this machine is still loading its model"


async def test_an_engine_that_wants_a_key_says_how_to_give_it_one() -> None:
    async with serving(Server({"/v1/models": page({"error": "Unauthorized"}, 401)})) as url:
        item = (await look({"vllm": port_of(url)}))["vllm"]
    assert isinstance(item, Missing)
    assert item.reason == (
        f"port {port_of(url)} of this machine asks for a key; if it is vLLM, name the variable that holds it in "
        "[providers.vllm] api_key_env"
    )


async def test_silence_costs_no_more_than_the_time_given_for_all_of_them() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.hear_end()

    async with serving(script) as url, asyncio.timeout(10):
        port = port_of(url)
        names = ("ollama", "llamacpp", "vllm", "lmstudio")
        seen = await look(dict.fromkeys(names, port), within_ms=200)
    assert {item.reason for item in seen.values()} == {f"port {port} of this machine did not answer within 200 ms"}


async def test_our_own_port_is_not_asked() -> None:
    server = Server(VLLM)
    async with serving(server) as url:
        item = (await look({"vllm": port_of(url)}, own_ports=frozenset({port_of(url)})))["vllm"]
    assert item == Missing("vllm", "vLLM", f"port {port_of(url)} of this machine is this gateway's own")
    assert server.heads == []


async def test_a_configured_engine_is_asked_where_it_is_with_its_key_and_keeps_its_row() -> None:
    pages = {f"/behind{path}": seen for path, seen in VLLM.items()}
    server = Server(pages)
    async with serving(server) as url:
        row = structs.replace(
            VLLM_ROW, base_url=f"{url.replace('127.0.0.1', 'localhost')}/behind", auth="bearer", key=Secret("k")
        )
        item = (await look({}, {"vllm": row}))["vllm"]
    assert isinstance(item, Found)
    assert item.provider == structs.replace(row, base_url=f"{url}/behind")
    assert item.offers == (Offer("vllm", "Qwen/Qwen3-8B", context_tokens=40960),)
    assert "authorization: bearer k" in server.heads[0].lower()


async def test_another_machine_is_never_asked() -> None:
    row = structs.replace(VLLM_ROW, base_url="http://192.0.2.1:8000")
    async with asyncio.timeout(5):
        item = (await look({}, {"vllm": row}))["vllm"]
    assert isinstance(item, Missing)
    assert item.reason.startswith("the base_url of [providers.vllm] points to another machine")


async def test_ollama_s_own_variable_is_heeded() -> None:
    async with serving(Server(OLLAMA)) as url, going_out() as exit_:
        environ = {"OLLAMA_HOST": f"0.0.0.0:{port_of(url)}"}
        ports = {name: unused_port() for name in ("llamacpp", "vllm", "lmstudio")}
        seen = await discover(exit_, {}, environ, ports=ports, within_ms=WITHIN_MS)
    found = [item for item in seen if isinstance(item, Found)]
    assert [item.provider for item in found] == [structs.replace(OLLAMA_ROW, base_url=url)]


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        (":9000", "http://127.0.0.1:9000"),
        ("localhost:9000", "http://127.0.0.1:9000"),
        ("LOCALHOST", "http://127.0.0.1:11434"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://localhost/x/", "http://127.0.0.1:11434/x"),
        ("https://127.0.0.1:9000", "https://127.0.0.1:9000"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("[::]", "http://[::1]:11434"),
        ("127.9.9.9", "http://127.9.9.9:11434"),
    ],
)
def test_an_address_of_this_machine(address: str, base_url: str) -> None:
    port = urlsplit(base_url).port
    assert find_place(address, 11434, "OLLAMA_HOST") == Place(base_url, f"port {port} of this machine")


@pytest.mark.parametrize(
    "address",
    [
        "gpu", "gpu:11434", "192.168.0.7", "http://192.168.0.7:11434", "8.8.8.8", "[fe80::1]", "127.1", "2130706433",
        "0x7f000001", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "localhost.", "[::1", "127.0.0.1:port",
        "127.0.0.1:99999", "unix:///run/ollama.sock", "ftp://127.0.0.1",
    ],
)  # fmt: skip
def test_any_other_address_is_not_asked(address: str) -> None:
    place = find_place(address, 11434, "OLLAMA_HOST")
    assert place.base_url == ""
    assert place.reason.startswith("OLLAMA_HOST ")
