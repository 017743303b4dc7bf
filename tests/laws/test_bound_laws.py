"""Laws of the bound: no call that keeps within its limits costs more, and every byte of text may be a token."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tallygate.errors import InvalidValue, TallygateError, UnsupportedParameter
from tallygate.genai.ceilings import Ceilings, Reach
from tallygate.genai.chat import ChatRequest
from tallygate.genai.items import Bound
from tallygate.genai.messages import Audio, Document, Image, Inline, Opaque, Part, Stored, ToolResult, Video
from tallygate.genai.usage import Usage
from tallygate.ledger.bound import bound_call, bound_usage, find_output_limit, max_usage, needs_reading
from tallygate.ledger.money import round_up
from tallygate.ledger.prices import Price, charge, price_free
from tests.fakes.tongues import CHAT_DOORS, CHATS
from tests.laws.price_values import PRICES, TOKENS, USAGES
from tests.laws.strategies import maybe
from tests.laws.test_dialect_laws import VALUES

_LIMITS: dict[str, Any] = dict.fromkeys(Ceilings.__struct_fields__, maybe(st.integers(0, 100_000)))
CEILINGS = st.builds(Ceilings, **_LIMITS)
REACHES = st.builds(
    Reach,
    context_tokens=maybe(st.integers(1, 2_000_000)),
    output_tokens_max=maybe(st.integers(1, 200_000)),
    ceilings=CEILINGS,
)
PLANS = st.lists(REACHES, min_size=1, max_size=3)
_ALL_LIMITS: dict[str, Any] = dict.fromkeys(Ceilings.__struct_fields__, st.integers(0, 100_000))
KNOWING = st.builds(Reach, context_tokens=st.integers(1, 2_000_000), ceilings=st.builds(Ceilings, **_ALL_LIMITS))
"""Targets of which everything is known but the longest answer: nothing is refused there but what cannot be seen."""
OPEN = Reach(
    ceilings=Ceilings(
        image_tokens=0, audio_tokens_per_s=0, video_tokens=0, document_tokens=0, stored_file_tokens=0, history_tokens=0
    )
)
"""A target that knows everything about media and nothing about its context."""

every_dialect = pytest.mark.parametrize("name", sorted(CHAT_DOORS))


def hold_of(bound: Bound) -> int:
    return bound.fixed_nusd + round_up(bound.output_price_pusd * bound.output_tokens_max)


def shrink(usage: Usage, most: Usage, output_tokens: int) -> Usage:
    """The usage, cut so that no total is above the most."""
    return replace(
        usage,
        input_tokens=min(usage.input_tokens, most.input_tokens),
        output_tokens=min(usage.output_tokens, output_tokens),
        images=0,
        duration_ms=0,
        characters=0,
        tool_uses=min(usage.tool_uses or 0, most.tool_uses or 0),
    )


@every_dialect
@given(data=st.data())
def test_no_call_costs_more_than_its_bound(name: str, data: st.DataObject) -> None:
    dialect = CHAT_DOORS[name]
    body = dialect.write_request(data.draw(VALUES[name].requests())).body
    peek = dialect.peek(body, 64)
    price, reaches = data.draw(PRICES), [data.draw(KNOWING)]
    try:
        bound = bound_call(price, peek, body, reaches, dialect.read_request)
    except UnsupportedParameter:
        return
    request = dialect.read_request(body)
    most = max_usage(peek, body, reaches, request)
    usage = shrink(data.draw(USAGES), most, bound.output_tokens_max * peek.n)
    assert charge(price, usage) <= hold_of(bound)
    dearest = replace(usage, input_tokens=most.input_tokens, output_tokens=bound.output_tokens_max * peek.n)
    assert charge(price, dearest) <= hold_of(bound)


@given(PRICES, USAGES, USAGES)
def test_no_usage_within_limits_costs_more_than_they_do(price: Price, usage: Usage, most: Usage) -> None:
    units = ("images", "duration_ms", "characters", "tool_uses")
    within = replace(
        usage,
        input_tokens=min(usage.input_tokens, most.input_tokens),
        **{name: min(getattr(usage, name) or 0, getattr(most, name) or 0) for name in units},
    )
    fixed, output = bound_usage(price, most)
    assert charge(price, within) <= round_up(fixed) + round_up(output * within.output_tokens)


@given(PRICES, USAGES, st.sampled_from(["input_tokens", "images", "duration_ms", "characters", "tool_uses"]), TOKENS)
def test_a_wider_limit_never_lowers_the_bound(price: Price, most: Usage, name: str, more: int) -> None:
    fixed, output = bound_usage(price, most)
    wider_fixed, wider_output = bound_usage(price, replace(most, **{name: (getattr(most, name) or 0) + more}))
    assert wider_fixed >= fixed
    assert wider_output >= output


def texts_of(value: Any) -> list[str]:
    """Every text that a model could be shown of a request: each string and name, and numbers as they are written."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for member in pair for text in texts_of(member)]
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    return [msgspec.json.encode(value).decode()]


def without_media(request: ChatRequest) -> ChatRequest:
    messages = tuple(
        replace(message, parts=tuple(part for part in message.parts if not holds_media(part)))
        for message in request.messages
    )
    return replace(request, messages=messages, system=tuple(part for part in request.system if not holds_media(part)))


def holds_media(part: Part) -> bool:
    if isinstance(part, ToolResult):
        return any(map(holds_media, part.parts))
    return isinstance(part, Image | Audio | Video | Document | Opaque)


@every_dialect
@given(data=st.data())
def test_a_token_for_every_byte_of_every_text_is_within_the_bound(name: str, data: st.DataObject) -> None:
    dialect = CHAT_DOORS[name]
    request = without_media(data.draw(VALUES[name].requests()))
    request = replace(request, tools=tuple(tool for tool in request.tools if tool.kind == "function"))
    body = dialect.write_request(request).body
    try:
        peek = dialect.peek(body, 64)
    except InvalidValue:
        return  # a turn is left without content
    bytes_shown = sum(len(text.encode()) for text in texts_of(msgspec.json.decode(body)))
    most = max_usage(peek, body, [OPEN], dialect.read_request(body) if needs_reading(peek, body) else None)
    assert most.input_tokens >= bytes_shown


@every_dialect
@given(data=st.data())
def test_what_is_not_read_holds_nothing_but_text(name: str, data: st.DataObject) -> None:
    dialect = CHAT_DOORS[name]
    body = dialect.write_request(data.draw(VALUES[name].requests())).body
    peek = dialect.peek(body, 64)
    request = dialect.read_request(body)
    if needs_reading(peek, body):
        return
    parts = [*request.system, *(part for message in request.messages for part in message.parts)]
    assert not any(map(holds_media, parts))
    assert {tool.kind for tool in request.tools} <= {"function", "custom"}
    reach = data.draw(REACHES)
    unread, told = max_usage(peek, body, [reach], None), max_usage(peek, body, [reach], request)
    assert unread.tool_uses == told.tool_uses == 0
    assert unread.input_tokens <= told.input_tokens <= unread.input_tokens + 1_024


@every_dialect
@given(data=st.data())
def test_media_are_bounded_in_every_place_or_refused(name: str, data: st.DataObject) -> None:
    dialect = CHAT_DOORS[name]
    request = data.draw(VALUES[name].requests())
    body = dialect.write_request(request).body
    peek, again = dialect.peek(body, 64), dialect.read_request(body)
    parts = [*again.system, *(part for message in again.messages for part in flatten(message.parts))]
    counted = [part for part in parts if isinstance(part, Image | Video) and not isinstance(part.source, Stored)]
    sources = [part.source for part in parts if isinstance(part, Image | Video | Audio | Document)]
    inline = sum(len(source.data) for source in sources if isinstance(source, Inline))
    tall = replace(OPEN, ceilings=replace(OPEN.ceilings, image_tokens=10**9, video_tokens=10**9))
    try:
        most = max_usage(peek, body, [tall], again)
    except TallygateError:
        return
    assert most.input_tokens >= 10**9 * len(counted)
    assert most.input_tokens >= peek.body_bytes - inline


def flatten(parts: tuple[Part, ...]) -> list[Part]:
    return [leaf for part in parts for leaf in (flatten(part.parts) if isinstance(part, ToolResult) else [part])]


@given(PLANS, maybe(st.integers(1, 10**6)), PRICES)
def test_the_cap_is_the_clients_cut_to_what_every_target_gives(
    reaches: list[Reach], wanted: int | None, price: Price
) -> None:
    named = {} if wanted is None else {"max_tokens": wanted}
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "hi"}], **named})
    dialect = CHATS["openai_chat"]
    peek = dialect.peek(body, 64)
    for version in (price, price_free("sale", "m")):
        bound = bound_call(version, peek, body, reaches, dialect.read_request)
        limit = find_output_limit(reaches)
        stated = [reach.output_tokens_max for reach in reaches if reach.output_tokens_max is not None]
        default = 8_192 if bound.output_price_pusd else 0
        asked = wanted or (limit if stated and len(stated) == len(reaches) and limit is not None else default)
        assert bound.output_tokens_max == (asked if limit is None else min(asked, limit))
        assert (bound.output_tokens_min is None) == (wanted is not None)
        assert (bound.output_tokens_min or 0) <= bound.output_tokens_max


@given(PRICES, PLANS, REACHES)
def test_the_bound_of_a_plan_is_that_of_its_dearest_target(price: Price, reaches: list[Reach], more: Reach) -> None:
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "hi" * 50}], "max_tokens": 9})
    dialect = CHATS["openai_chat"]
    peek = dialect.peek(body, 64)
    alone = [bound_call(price, peek, body, [reach], dialect.read_request) for reach in [*reaches, more]]
    together = bound_call(price, peek, body, [*reaches, more], dialect.read_request)
    assert together.fixed_nusd == max(bound.fixed_nusd for bound in alone)
    assert together.output_price_pusd == max(bound.output_price_pusd for bound in alone)
