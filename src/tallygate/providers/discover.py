"""A look at this machine's ports: which engines run here, and which models they hold.

Only loopback is ever asked, all ports at once, and an engine is believed by what it answers, never by its port. What an
answer means is told by the engine's own file, purely; here is only the asking.
"""

import asyncio
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct, structs

from tallygate.errors import ProviderTimeout, ProviderUnreachable, UpstreamError
from tallygate.genai.catalog import Offer
from tallygate.providers.base import Engine, Found, Inquiry, Missing, Provider, Seen, Sighting
from tallygate.providers.outgoing import signed_headers
from tallygate.providers.registry import load_rows
from tallygate.transport.base import Exit, OutgoingRequest, Timeouts

BODY_BYTES_MAX = 4 * 1024 * 1024
WITHIN_MS = 400
"""A loopback answer takes a millisecond; what takes longer than this is busy or something else."""
INQUIRIES_MAX = 64
"""More models than this are listed without what only a question for each of them would tell."""


class Place(Struct, frozen=True):
    """Where an engine is looked for. `base_url` is empty if it would not be this machine; then `reason` says so."""

    base_url: str
    where: str = ""
    reason: str = ""


async def discover(
    exit_: Exit,
    known: Mapping[str, Provider],
    environ: Mapping[str, str],
    *,
    own_ports: frozenset[int] = frozenset(),
    ports: Mapping[str, int] | None = None,
    within_ms: int = WITHIN_MS,
) -> tuple[Found | Missing, ...]:
    """One entry for each engine that may run on this machine. Raises nothing of the network.

    Takes at most `within_ms`, and as much again to ask what each model of an engine can do.

    `known` are the providers configured already: an engine among them is looked for where its row says, and keeps its
    row. `own_ports` are this gateway's and are not asked. `ports` replaces the engines' usual ports.
    """
    looks: list[tuple[Provider, Place]] = []
    for name, usual in load_rows().items():
        if usual.engine is None:
            continue
        row = known.get(name, usual)
        looks.append((row, _place(row, usual.engine, name in known, environ, ports or {})))
    return tuple(await asyncio.gather(*(_look(exit_, row, place, own_ports, within_ms) for row, place in looks)))


def _place(
    row: Provider, engine: Engine, configured: bool, environ: Mapping[str, str], ports: Mapping[str, int]
) -> Place:
    if configured:
        return find_place(row.base_url, engine.port, f"the base_url of [providers.{row.name}]")
    if row.name in ports:
        return find_place("", ports[row.name], "")
    return find_place(environ.get(engine.host_env, "") if engine.host_env else "", engine.port, engine.host_env)


def find_place(address: str, port: int, source: str) -> Place:
    """The loopback base URL that an address such as ``0.0.0.0:11434`` or ``http://localhost`` means. Pure.

    An engine that listens everywhere listens on loopback too. Any other machine is not looked at.
    """
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host = parts.hostname or "127.0.0.1"
        port = parts.port or port
    except ValueError:
        return Place("", reason=f"{source} is not an address")
    if parts.scheme not in ("http", "https"):
        return Place("", reason=f"{source} is not an address that can be called")
    try:
        ip = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        ip = None
    if ip is None or not (ip.is_loopback or ip.is_unspecified):
        return Place("", reason=f"{source} points to another machine, and only this one is looked at")
    if ip.is_unspecified:
        ip = ipaddress.ip_address("127.0.0.1" if ip.version == 4 else "::1")
    shown = f"[{ip}]" if ip.version == 6 else str(ip)
    return Place(f"{parts.scheme}://{shown}:{port}{parts.path.rstrip('/')}", where=f"port {port} of this machine")


async def _look(exit_: Exit, row: Provider, place: Place, own_ports: frozenset[int], within_ms: int) -> Found | Missing:
    engine = row.engine
    if engine is None or not place.base_url:
        return Missing(row.name, row.title, place.reason)
    if urlsplit(place.base_url).port in own_ports:
        return Missing(row.name, row.title, f"{place.where} is this gateway's own")
    try:
        async with asyncio.timeout(within_ms / 1000):
            seen = [await _ask(exit_, row, place.base_url + path, within_ms) for path in engine.paths]
    except (TimeoutError, ProviderTimeout):
        return Missing(row.name, row.title, f"{place.where} did not answer within {within_ms} ms")
    except ProviderUnreachable:
        return Missing(row.name, row.title, f"nothing answers on {place.where}")
    except UpstreamError:
        return Missing(row.name, row.title, f"something else listens on {place.where}")
    found = _judge(row, place, engine.recognise(tuple(seen)), seen)
    if engine.inquiry is None or not isinstance(found, Found):
        return found
    return structs.replace(found, offers=await _inquire(exit_, found, engine.inquiry, within_ms))


def _judge(row: Provider, place: Place, sighting: Sighting | None, seen: list[Seen]) -> Found | Missing:
    if sighting is None and any(answer.status in (401, 403) for answer in seen):
        hint = f"if it is {row.title}, name the variable that holds it in [providers.{row.name}] api_key_env"
        return Missing(row.name, row.title, f"{place.where} asks for a key; {hint}")
    if sighting is None:
        return Missing(row.name, row.title, f"something else listens on {place.where}")
    if sighting.note:
        return Missing(row.name, row.title, f"{place.where} {sighting.note}")
    return Found(structs.replace(row, base_url=place.base_url), f"answers on {place.where}", sighting.offers)


async def _inquire(exit_: Exit, found: Found, inquiry: Inquiry, within_ms: int) -> tuple[Offer, ...]:
    """The offers with what the engine says of each model; those it does not answer for in time stay as they are."""

    async def learn(offer: Offer) -> Offer:
        url = found.provider.base_url + inquiry.path
        return inquiry.learn(offer, await _ask(exit_, found.provider, url, within_ms, inquiry.ask(offer)))

    questions = [asyncio.create_task(learn(offer)) for offer in found.offers[:INQUIRIES_MAX]]
    if not questions:
        return found.offers
    _, late = await asyncio.wait(questions, timeout=within_ms / 1000)
    for question in late:
        question.cancel()
    # Also collects what they raised, be it that they were cancelled.
    answers = await asyncio.gather(*questions, return_exceptions=True)
    told = [new if isinstance(new, Offer) else old for old, new in zip(found.offers, answers, strict=False)]
    return (*told, *found.offers[len(told) :])


async def _ask(exit_: Exit, row: Provider, url: str, within_ms: int, question: bytes = b"") -> Seen:
    headers = {"accept": "application/json"} | signed_headers(row)
    if question:
        headers["content-type"] = "application/json"
    timeouts = Timeouts(connect_ms=within_ms, first_byte_ms=within_ms, silence_ms=within_ms, total_ms=within_ms)
    method = "POST" if question else "GET"
    answer = await exit_.send(OutgoingRequest(method, url, tuple(headers.items()), question), timeouts)
    try:
        body = b""
        while len(body) <= BODY_BYTES_MAX and (data := await answer.read()):
            body += data
        return Seen(answer.status, answer.headers, body)
    finally:
        answer.close()
