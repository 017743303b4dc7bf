"""Rows 34 to 46: numbers and names that decide what a call costs."""

import json
from concurrent.futures import ThreadPoolExecutor

from tests.contract.tenants import ask as asking
from tests.security.row import CHAT, GOOD, MESSAGES, Ask, Row, ask, chat, with_field
from tests.security.town import Town

VALUE = ("invalid_value",)
NO_RETRY = {"x-should-retry": "false"}
FAR = (b"-1", b"0", b"1.5", b'"10"', b"true", b"2147483648", b"9223372036854775808", b"18446744073709551616", b"1e308")
SOLD = {**GOOD, "model": "sold"}


def each(name: str, *raws: bytes) -> tuple[Ask, ...]:
    """A chat for each of these values of a field."""
    return tuple(with_field(name, raw, 400, codes=VALUE) for raw in raws)


def spend_once(town: Town) -> None:
    """A balance that bears exactly one call, and two at the same time: one is served, the other refused."""
    body = {"model": "slow", "max_tokens": 300, "messages": [{"role": "user", "content": "twice"}]}
    quote = {"url": CHAT, "body": body}
    rich = town.settle("exact-quote")
    quoted = town.gateway.ask(
        "POST", "/v1/quote", json.dumps(quote).encode(), [("Content-Type", "application/json")], key=rich
    ).json["data"]
    key = town.settle("exact", quoted["max_cost_usd"], shorten=False)
    with ThreadPoolExecutor(2) as crowd:
        replies = list(crowd.map(lambda _: town.gateway.chat(body, key=key), range(2)))
    assert sorted(reply.status for reply in replies) == [200, 402]
    refused = next(reply for reply in replies if reply.status == 402)
    assert refused.json["error"]["code"] == "insufficient_balance"
    assert refused.headers["x-should-retry"] == "false"


def charge_nothing_for_the_most(town: Town) -> None:
    """The largest `n` of a model that is free: served, charged 0, one receipt."""
    key = town.settle("free-of-charge")
    reply = town.gateway.chat({**asking(), "model": "plain", "n": 128}, key=key)
    if reply.status == 400:  # beyond what anybody may ask for: then the limit itself is what is served
        most = int(reply.json["error"]["message"].rpartition(" ")[2].strip("."))
        reply = town.gateway.chat({**asking(), "model": "plain", "n": most}, key=key)
    assert reply.status == 200, reply.body
    assert float(reply.headers["x-tallygate-cost-usd"]) == 0
    assert town.read(key, "/v1/receipts")["receipts"] != []
    assert len(town.read(key, "/v1/receipts")["receipts"]) == 1


ROWS = (
    Row(
        34,
        "how long the answer may be",
        (
            *each("max_tokens", *FAR),
            *each("max_completion_tokens", *FAR),
            *(
                ask("POST", MESSAGES, 400, body=json.dumps(GOOD).encode()[:-1] + b',"max_tokens":' + raw + b"}")
                for raw in (*FAR, b"null")
            ),
            with_field("max_tokens", b"null", 200, leaves="a call"),
        ),
        otherwise="docs/reference/errors.md#invalid_value: a cap beyond the model's is clamped and told, not refused",
    ),
    Row(35, "how many answers", each("n", b"0", b"-1", b"1000000000", b"9223372036854775808", b'"2"', b"1.5")),
    Row(36, "how long a film or sound is", later="uploads"),
    Row(37, "how large a picture is", later="uploads"),
    Row(
        38,
        "two different caps",
        (chat(400, body={**GOOD, "max_tokens": 5, "max_completion_tokens": 6}, codes=VALUE),),
    ),
    Row(
        39,
        "sampling beyond bounds",
        (
            *each("temperature", b"1e308", b"-1", b'"hot"', b"2.1"),
            *each("top_p", b"2", b"-0.1", b'"x"'),
            *each("seed", b"340282366920938463463374607431768211456", b"1.5"),
        ),
    ),
    Row(
        40,
        "stops without measure",
        each("stop", json.dumps(["x"] * 1_000).encode(), b'[""]', b'""', b"5", b'["' + b"x" * (1 << 20) + b'"]'),
    ),
    Row(
        41,
        "more than the balance",
        (chat(402, key="<POOR>", body=SOLD, codes=("insufficient_balance",), shows=NO_RETRY),),
    ),
    Row(42, "just enough for one of two", plays=(spend_once,)),
    Row(43, "a batch of too many lines", later="batches"),
    Row(
        44,
        "nearly the name of a model",
        (
            *(
                chat(404, body={**GOOD, "model": name}, codes=("model_not_found",))
                for name in (
                    " plain",
                    "PLAIN",
                    "plain ",
                    "plain.",
                    "GPT-4O",
                    "gpt-4o\u200b",
                    "../plain",
                    "nobody/plain",
                )
            ),
            chat(403, body={**GOOD, "model": "lab/../plain"}, codes=("model_unpriced",)),
            *(chat(400, 404, body={**GOOD, "model": name}) for name in ("", "x" * 10_240)),
        ),
    ),
    Row(
        45,
        "a model that the key may not call, by whichever name",
        (
            *(
                chat(403, key="<LIMITED>", body={**GOOD, "model": name}, codes=("model_access_denied",), shows=NO_RETRY)
                for name in ("plain", "nickname", "lab/up-echo", "sold")
            ),
            *(
                chat(403, 404, key="<LIMITED>", body={**GOOD, "model": name})
                for name in ("PLAIN", "plain.", "lab/plain")
            ),
            chat(200, key="<LIMITED>", body={**GOOD, "model": "think"}, leaves="a call"),
        ),
    ),
    Row(46, "as many free answers as there may be", plays=(charge_nothing_for_the_most,)),
)
