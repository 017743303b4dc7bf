"""Rows 74 to 90: URLs that a caller would have the gateway call. Nothing inside is called, and nothing is held for it.

A document behind a URL is fetched for a provider that takes documents in the request only. It is asked for at two doors
in two languages, and each time the canary on this machine listens on a port from which may be fetched.
"""

import base64
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.fakes.process import ROOT
from tests.security.row import CHAT, GOOD, MESSAGES, Ask, Row, ask, chat
from tests.security.town import Town

REFUSED = ("url_not_allowed", "invalid_value", "invalid_string")
RESPONSES = "/v1/responses"
OTHERS = (CHAT, "/api/v1/chat/completions", "/v1/inference/chat", "/v1/run/inference")
HOSTILE = (ROOT / "tests/transport/hostile_urls.txt").read_text(encoding="ascii").split()
KEPT = "docs/reference/settlement.md#the-gateway-ended-it: such a call was held for, and is voided"
FETCH = "tests/transport/test_fetch.py::"
INSIDE = "tests/transport/test_inside.py::"


def fetched(url: str) -> tuple[tuple[str, dict[str, Any]], ...]:
    """A request that has this URL fetched, at each door that takes one."""
    document = {"type": "document", "source": {"type": "url", "url": url}}
    file = {"type": "input_file", "file_url": url}
    message = {"model": "plain", "max_tokens": 9, "messages": [{"role": "user", "content": [document]}]}
    response = {"model": "plain", "input": [{"role": "user", "content": [file]}]}
    return (MESSAGES, message), (RESPONSES, response)


def wants(url: str, *codes: str, statuses: tuple[int, ...] = (400,)) -> tuple[Ask, ...]:
    """The URL at each door. Anthropic's body has no code: the status counts there."""
    return tuple(
        ask("POST", path, *statuses, body=body, codes=(*codes, "invalid_request_error"), leaves="a void")
        for path, body in fetched(url)
    )


def all_of(*urls: str) -> tuple[Ask, ...]:
    """Each of these URLs at each door, as it is and with the canary's port where it names none."""
    return tuple(made for url in urls for shape in shapes(url) for made in wants(shape, *REFUSED))


def shapes(url: str) -> tuple[str, ...]:
    """A URL, and the same on the canary's port."""
    scheme, slashes, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    if scheme != "http" or ":" in place.rpartition("]")[2] or not slash or "@" in rest or "\\" in rest:
        return (url,)
    return url, f"{scheme}{slashes}{place}:<CANARY>{slash}{path}"


def hostile(*parts: str) -> tuple[str, ...]:
    """Those of the corpus that hold one of these."""
    found = tuple(url for url in HOSTILE if any(part in url for part in parts))
    assert found, parts
    return found


LOOPBACK = ("http://127.", "http://2130706433", "http://0", "http://00127")
V6 = ("http://[",)
PORTS = tuple(f"http://good.example:{port}/" for port in ("22", "25", "5432", "6379", "0", "65536", "0x50", "99999"))
NETS = (
    "http://10.",
    "http://172.",
    "http://192.",
    "http://100.",
    "http://169.",
    "http://198.",
    "http://224.",
    "http://240.",
    "http://255.",
    "http://203.",
)
SCHEMES = ("file:", "gopher:", "ftp:", "dict:", "jar:", "//good", "data:")
CONFUSED = (
    *(url for url in HOSTILE if "@" in url or "\\" in url),
    "http://127.0.0.1:<CANARY>\\@good.example/",
    "http://good.example#@127.0.0.1:<CANARY>/\\",
    "http://user@127.0.0.1:<CANARY>/",
    "http://127.0.0.1:<CANARY>@good.example/",
)
ODD = ("http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://good\u00ad.example/", "http://\uff11\uff12\uff17.0.0.1/")
BLANKS = (
    "http://127.0.0.1/\t",
    "http://good.example/\r\nhost: x",
    "http://good.example/\0",
    "http://good.example/a b",
    " http://127.0.0.1/",
)
NAMES = ("metadata.google.internal", "localhost", "localhost.", "a.localhost", "LOCALHOST")


def guided(path: str) -> str:
    """A URL of the guide's."""
    return f"http://<GUIDE>/{path}"


def fetch_what_may_be(town: Town) -> None:
    """The guide itself may be called, and so the refusals beside this are not refusals of everything."""
    for path, body in fetched(guided("document")):
        mark = town.upstream.mark()
        answer, _ = town.send(ask("POST", path, 200, body=body).raw)
        assert answer.status == 200, answer.body
        (asked,) = town.upstream.requests_since(mark)
        assert base64.b64encode(b"%PDF-1.7 hello").decode() in asked["body"]


def fetch_nothing_for_who_fetches_it_themselves(town: Town) -> None:
    """Pictures and files that the provider takes by URL are passed on as words, or refused: nobody here calls them."""
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"):
        url = f"http://{host}:<CANARY>/"
        parts = (
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": url}},
            {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
        )
        for part in parts:
            for path in OTHERS:
                body = {"model": "plain", "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]}
                answer, _ = town.send(ask("POST", path, 200, body=body).raw)
                assert answer.status in (200, 400, 422), (path, answer.body)


def read_no_more_than_may_be(town: Town) -> None:
    """A server that never stops sending does not fill the gateway: its memory stays as it was, but for a little."""
    statm = Path(f"/proc/{town.gateway.process.child.pid}/statm")
    before = int(statm.read_text().split()[1])
    for _ in range(5):
        for made in wants(guided("endless"), statuses=(400,)):
            answer, _ = town.send(made.raw)
            assert answer.status == 400, answer.body
    assert (int(statm.read_text().split()[1]) - before) * 4_096 < 32 << 20


def image(url: str) -> dict[str, Any]:
    """A chat with a picture."""
    part = {"type": "image_url", "image_url": {"url": url}}
    return {**GOOD, "messages": [{"role": "user", "content": [part]}]}


def many(count: int) -> dict[str, Any]:
    """A request with so many documents behind URLs of the canary's."""
    parts = [
        {"type": "document", "source": {"type": "url", "url": f"http://127.0.0.1:<CANARY>/{number}"}}
        for number in range(count)
    ]
    return {"model": "plain", "max_tokens": 9, "messages": [{"role": "user", "content": parts}]}


ELSEWHERE = ("api_base", "base_url", "callback_url", "webhook_url", "api_key", "custom_llm_provider", "proxy")

ROWS = (
    Row(
        74,
        "this machine, in every spelling",
        all_of(*hostile(*LOOPBACK)),
        (fetch_what_may_be, fetch_nothing_for_who_fetches_it_themselves),
        otherwise=KEPT,
    ),
    Row(75, "the same in IPv6", all_of(*hostile(*V6)), otherwise=KEPT),
    Row(76, "every net that is not public", all_of(*hostile(*NETS), "http://[fd00:ec2::254]/"), otherwise=KEPT),
    Row(77, "two hosts in one URL", all_of(*CONFUSED), otherwise=KEPT),
    Row(78, "digits and dots of other alphabets", all_of(*ODD), otherwise=KEPT),
    Row(79, "blanks and control characters", all_of(*BLANKS), otherwise=KEPT),
    Row(80, "other ports", all_of(*PORTS), otherwise=KEPT),
    Row(
        81,
        "other schemes",
        all_of(
            *hostile(*SCHEMES[:2]),
            "ftp://127.0.0.1:<CANARY>/",
            "dict://127.0.0.1:<CANARY>/",
            "jar:http://127.0.0.1:<CANARY>/!/",
            "//127.0.0.1:<CANARY>/",
        ),
        otherwise=KEPT,
    ),
    Row(
        82,
        "a name with an address inside among others",
        proofs=(f"{FETCH}test_a_name_is_judged_by_all_its_addresses_before_any_is_connected_to",),
    ),
    Row(
        83,
        "a name that changes its address",
        proofs=(
            f"{FETCH}test_a_name_is_judged_by_all_its_addresses_before_any_is_connected_to",
            f"{FETCH}test_a_name_that_leads_inside_is_refused",
        ),
    ),
    Row(
        84,
        "redirects",
        (
            *(
                made
                for target in (
                    "http://127.0.0.1:<CANARY>/",
                    "http://localhost:<CANARY>/",
                    "file:///etc/passwd",
                    "//[::1]:<CANARY>/",
                    "http://<GUIDE>:22/",
                )
                for made in wants(guided("to/") + target, *REFUSED)
            ),
            *wants(guided("again/"), *REFUSED),
            *wants(guided("to/" + quote("http://user@127.0.0.1/")), *REFUSED),
        ),
        otherwise=KEPT,
    ),
    Row(
        85,
        "names for this machine",
        tuple(made for name in NAMES for made in wants(f"http://{name}:<CANARY>/", *REFUSED, "media_unavailable")),
        proofs=(f"{FETCH}test_a_gateway_fetches_nothing_from_itself",),
        otherwise=KEPT,
    ),
    Row(
        86,
        "too much, too slow, packed, or something else",
        (
            *wants(guided("large"), "media_too_large"),
            *wants(guided("endless"), "media_too_large"),
            *wants(guided("silent"), "media_timeout"),
            *wants(guided("packed"), "media_unavailable"),
            *wants(guided("page"), "media_unavailable"),
        ),
        (read_no_more_than_may_be,),
        otherwise="docs/reference/errors.md#media_unavailable: what is packed or of another type is a code of its own",
    ),
    Row(
        87,
        "very many URLs",
        tuple(ask("POST", MESSAGES, 400, 413, body=many(count), leaves="a void") for count in (21, 100, 10_000)),
        otherwise=KEPT,
    ),
    Row(
        88,
        "pictures that are none",
        tuple(
            chat(200, 400, body=image(url), leaves="a call")
            for url in (
                "data:image/png;base64,!!!!",
                "data:image/png;base64,iVBOR",
                "data:image/png,plain",
            )
        ),
        otherwise="docs/reference/http.md#post-v1chatcompletions: what the data holds is the provider's to judge",
    ),
    Row(
        89,
        "another place to send the call to",
        (
            *(
                chat(200, 400, body={**GOOD, name: "http://127.0.0.1:<CANARY>/v1"}, leaves="a call")
                for name in ELSEWHERE
            ),
            *(
                chat(200, headers=((name, "http://127.0.0.1:<CANARY>/v1"),), leaves="a call")
                for name in ("x-portkey-custom-host", "x-tallygate-base-url", "Destination", "X-Upstream", "Proxy")
            ),
        ),
    ),
    Row(90, "a webhook that is re-pointed", later="webhooks"),
)
