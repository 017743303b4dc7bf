"""The bound of a call: worked out by hand, refused by name where it cannot be, and never read where bytes suffice."""

from typing import Any

import msgspec
import pytest

from tallygate.errors import Unpriced, UnsupportedParameter
from tallygate.genai.ceilings import Ceilings, Reach
from tallygate.genai.chat import ChatRequest
from tallygate.genai.items import Bound
from tallygate.ledger.bound import PROMPT_TOKENS, bound_call, max_usage
from tallygate.ledger.prices import Price, Rates, Tier, price_free
from tallygate.ledger.tool_bound import TOOL_PROMPT_TOKENS
from tests.fakes.tongues import CHATS

PRICE = Price(kind="sale", name="m", rates=Rates(input=2_000, output=8_000))
HI: list[Any] = [{"role": "user", "content": "hi"}]
UNKNOWN = Reach()
LARGE = Reach(context_tokens=200_000, output_tokens_max=32_000, ceilings=Ceilings(image_tokens=1_600))


def bound_of(
    *reaches: Reach, price: Price = PRICE, dialect: str = "openai_chat", **members: Any
) -> tuple[Bound, int, int]:
    """The bound of a call with these members, how many bytes it has, and how often its body was read."""
    codec = CHATS[dialect]
    reads: list[bytes] = []

    def read(body: bytes) -> ChatRequest:
        reads.append(body)
        return codec.read_request(body)

    body = msgspec.json.encode({"model": "m", "messages": HI, **members})
    bound = bound_call(price, codec.peek(body, 64), body, reaches, read)
    return bound, len(body), len(reads)


def input_of(*reaches: Reach, dialect: str = "openai_chat", **members: Any) -> tuple[int, int]:
    codec = CHATS[dialect]
    body = msgspec.json.encode({"model": "m", "messages": HI, **members})
    most = max_usage(codec.peek(body, 64), body, reaches, codec.read_request(body))
    return most.input_tokens, len(body)


def claude(*reaches: Reach, **members: Any) -> tuple[int, int]:
    return input_of(*reaches, dialect="anthropic_messages", max_tokens=9, **members)


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def test_a_plain_call_is_bounded_by_its_bytes_and_not_read() -> None:
    bound, size, reads = bound_of(UNKNOWN, max_tokens=100)
    assert bound == Bound((PROMPT_TOKENS + size) * 2, 8_000, 100, None, input_tokens_max=PROMPT_TOKENS + size)
    assert reads == 0


def test_each_of_n_answers_may_be_as_long_as_the_cap() -> None:
    bound, _, _ = bound_of(UNKNOWN, max_tokens=100, n=3)
    assert (bound.output_price_pusd, bound.output_tokens_max, bound.answers) == (24_000, 100, 3)


@pytest.mark.parametrize("name", ["tools", "functions"])
def test_tools_count_the_same_whether_or_not_they_are_read(name: str) -> None:
    plain = {"name": "f", "parameters": {"type": "object"}}
    members: dict[str, Any] = {name: [{"type": "function", "function": plain} if name == "tools" else plain]}
    bound, _, reads = bound_of(UNKNOWN, **members)
    assert reads == 0
    assert bound.fixed_nusd == 2 * input_of(UNKNOWN, **members)[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_predict", 4_000),
        ("n_cmpl", 9),
        ("best_of", 9),
        ("models", ["dearer"]),
        ("provider", {"only": ["dearer"]}),
        ("chat_template", "{{ x * 9 }}"),
    ],
)
def test_what_passes_by_the_cap_or_the_price_is_refused(name: str, value: Any) -> None:
    refused: dict[str, Any] = {"max_tokens": 1, name: value}
    with pytest.raises(UnsupportedParameter) as refusal:
        bound_of(LARGE, **refused)
    assert refusal.value.param == name
    for price, harmless in ((PRICE, None), (price_free("sale", "m"), value)):
        members: dict[str, Any] = {"max_tokens": 1, name: harmless}
        assert bound_of(LARGE, price=price, **members)[0].output_tokens_max == 1


@pytest.mark.parametrize("name", ["Max_Tokens", "N", "MODEL", "max_token\u017f", "Web_Search_Options"])
def test_what_some_servers_take_for_another_member_is_refused(name: str) -> None:
    members: dict[str, Any] = {"max_tokens": 1, name: 100}
    with pytest.raises(UnsupportedParameter) as refusal:
        bound_of(LARGE, **members)
    assert refusal.value.param == name
    for harmless in ("X_Mark", "m\u00e9moire", ""):
        others: dict[str, Any] = {"max_tokens": 1, harmless: 1}
        assert bound_of(LARGE, **others)[0].output_tokens_max == 1


def test_a_context_may_be_edited_but_not_by_a_call_of_its_own() -> None:
    def edit(value: Any) -> None:
        bound_of(LARGE, dialect="anthropic_messages", max_tokens=9, context_management=value)

    edit({"edits": [{"type": "clear_tool_uses_20250919", "keep": {"type": "tool_uses", "value": 3}}]})
    edit({})
    for value in ({"edits": [{"type": "compact_20260112"}]}, {"edits": "compact_20260112"}, "compact_20260112"):
        with pytest.raises(UnsupportedParameter) as refusal:
            edit(value)
        assert refusal.value.param == "context_management.edits"


def test_a_conversation_is_no_longer_than_the_context_window() -> None:
    bound, _, _ = bound_of(Reach(context_tokens=50), messages=[{"role": "user", "content": "x" * 9_000}])
    assert bound == Bound(100, 8_000, 50, 50, input_tokens_max=50)


def test_the_target_with_the_longest_input_counts() -> None:
    short, long = Reach(context_tokens=50), Reach(context_tokens=100)
    assert bound_of(short, long, max_tokens=1)[0].fixed_nusd == bound_of(long, short, max_tokens=1)[0].fixed_nusd == 200


def test_the_dearest_tier_within_reach_counts() -> None:
    tiers = (
        Tier(above_input_tokens=1_000, rates=Rates(input=1_000, cache_write_1h=5_000, output=9_000)),
        Tier(above_input_tokens=10_000, rates=Rates(input=99_000, output=99_000)),
    )
    price = Price(kind="sale", name="m", rates=PRICE.rates, tiers=tiers, call=7_000)
    bound, size, _ = bound_of(UNKNOWN, price=price, messages=[{"role": "user", "content": "x" * 1_000}])
    assert (bound.fixed_nusd, bound.output_price_pusd) == ((PROMPT_TOKENS + size) * 5 + 7, 9_000)


def test_a_cap_that_was_not_named_is_the_shortest_longest_answer() -> None:
    assert bound_of(LARGE, Reach(output_tokens_max=4_000))[0].output_tokens_max == 4_000
    assert bound_of(LARGE, LARGE)[0] == bound_of(LARGE)[0]
    assert bound_of(UNKNOWN)[0].output_tokens_max == 8_192
    assert bound_of(LARGE, max_tokens=99_999)[0].output_tokens_max == 32_000


@pytest.mark.parametrize(
    ("name", "dear", "usual"),
    [("service_tier", "priority", "default"), ("speed", "fast", "standard"), ("inference_geo", "us", "global")],
)
def test_a_dearer_service_is_refused_unless_it_is_free(name: str, dear: str, usual: str) -> None:
    for value in (dear, 3, [usual]):
        asked: dict[str, Any] = {name: value}
        with pytest.raises(UnsupportedParameter) as refused:
            bound_of(LARGE, **asked)
        assert refused.value.param == name
        assert bound_of(LARGE, price=price_free("sale", "m"), **asked)[0].fixed_nusd == 0
    for harmless in (usual, None):
        asked = {name: harmless}
        assert bound_of(LARGE, **asked)[0].output_tokens_max == 32_000


def test_a_context_window_is_not_taken_for_the_longest_answer() -> None:
    window = Reach(context_tokens=200_000)
    assert bound_of(window)[0].output_tokens_max == 8_192
    assert bound_of(window, LARGE)[0].output_tokens_max == 8_192
    assert bound_of(Reach(context_tokens=4_000))[0].output_tokens_max == 4_000
    assert bound_of(window, max_tokens=100_000)[0].output_tokens_max == 100_000
    assert bound_of(window, reasoning={"max_tokens": 20_000})[0].output_tokens_max == 20_256


def test_an_answer_may_be_shortened_unless_its_caller_named_a_cap_but_not_below_its_thoughts() -> None:
    assert bound_of(LARGE)[0].output_tokens_min == 256
    assert bound_of(LARGE, max_tokens=5_000)[0].output_tokens_min is None
    bound, _, reads = bound_of(LARGE, reasoning={"max_tokens": 2_000})
    assert (bound.output_tokens_min, reads) == (2_256, 1)
    assert bound_of(Reach(output_tokens_max=40))[0].output_tokens_min == 40


def test_schemas_count_twice_and_bring_a_sentence() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    bound, size, reads = bound_of(UNKNOWN, tools=tools, max_tokens=1)
    member = len(b'"tools":') + len(msgspec.json.encode(tools))
    assert bound.fixed_nusd == (PROMPT_TOKENS + size + member + TOOL_PROMPT_TOKENS) * 2
    assert reads == 0


@pytest.mark.parametrize("source", ["data:image/png;base64," + "A" * 4_000, "https://pictures.example/a.png"])
def test_a_picture_counts_as_its_ceiling_not_as_its_bytes(source: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": source}}
    tokens, size = input_of(LARGE, messages=user(picture, picture, {"type": "text", "text": "what?"}))
    inline = 8_000 if source.startswith("data") else 0
    assert tokens == PROMPT_TOKENS + size - inline + 3_200


def test_a_picture_in_a_tools_result_counts_too() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 400}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": source}]}
    tokens, size = claude(LARGE, messages=user(result))
    assert tokens == PROMPT_TOKENS + size - 400 + 1_600


def test_media_without_a_ceiling_may_fill_the_context() -> None:
    page = {"type": "document", "source": {"type": "url", "url": "https://papers.example/a.pdf"}}
    assert claude(LARGE, messages=user(page))[0] == 200_000
    known = Reach(context_tokens=900_000, ceilings=Ceilings(document_tokens=300_000))
    tokens, size = claude(known, messages=user(page))
    assert tokens == PROMPT_TOKENS + size + 300_000


def test_a_sound_is_as_long_as_its_bytes_allow() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "A" * 40_000, "format": "mp3"}}
    tokens, size = input_of(Reach(ceilings=Ceilings(audio_tokens_per_s=32)), messages=user(sound))
    assert tokens == PROMPT_TOKENS + size - 40_000 + 31 * 32


def test_a_document_of_text_is_bounded_by_its_bytes() -> None:
    plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "word " * 50}}
    blocks = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}}
    tokens, size = claude(UNKNOWN, messages=user(plain, blocks))
    assert tokens == PROMPT_TOKENS + size


def test_a_providers_tool_reads_the_conversation_again_after_each_use() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    price = Price(kind="sale", name="m", rates=PRICE.rates, tool_use=10_000_000_000)
    bound, _, reads = bound_of(LARGE, price=price, dialect="anthropic_messages", max_tokens=9, tools=[search])
    assert bound.fixed_nusd == 4 * 200_000 * 2 + 3 * 10_000_000
    assert reads == 1
    with pytest.raises(Unpriced) as caught:
        bound_of(LARGE, dialect="anthropic_messages", max_tokens=9, tools=[search])
    assert caught.value.param == "tools"


def test_a_tool_that_the_vendor_describes_and_the_caller_runs_costs_its_description() -> None:
    bash = {"type": "bash_20250124", "name": "bash"}
    tokens, size = claude(UNKNOWN, tools=[bash])
    member = len(b'"tools":') + len(msgspec.json.encode([bash]))
    assert tokens == PROMPT_TOKENS + size + member + 3 * TOOL_PROMPT_TOKENS


FILE = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
FETCHED = {
    "type": "web_fetch_tool_result",
    "tool_use_id": "t",
    "content": {"type": "web_fetch_result", "content": FILE},
}

FIRST = "messages[0].content[0]"
CLAUDE = "anthropic_messages"


@pytest.mark.parametrize(
    ("dialect", "members", "param"),
    [
        ("openai_chat", {"messages": user({"type": "file", "file": {"file_id": "f"}})}, FIRST),
        ("openai_chat", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("openai_chat", {"conversation": {"id": "c"}}, "conversation"),
        ("openai_chat", {"web_search_options": {}}, "web_search_options"),
        ("openai_chat", {"search_parameters": {}}, "search_parameters"),
        ("openai_chat", {"plugins": [{"id": "web"}]}, "plugins"),
        ("openai_chat", {"tools": [{"type": "web_search"}]}, "tools[0].max_uses"),
        ("openai_chat", {"messages": [*HI, {"role": "assistant", "audio": {"id": "a"}}]}, "messages[1].audio"),
        (CLAUDE, {"messages": user({"type": "text", "text": "a"}, FILE)}, "messages[0].content[1]"),
        (CLAUDE, {"messages": user(FETCHED)}, FIRST),
        (CLAUDE, {"messages": user({"type": "container_upload", "file_id": "f"})}, FIRST),
        (CLAUDE, {"messages": user({"type": "image", "source": {"type": "new"}})}, FIRST),
        (CLAUDE, {"container": "c_1"}, "container"),
        (CLAUDE, {"mcp_servers": [{"url": "https://tools.example"}]}, "mcp_servers"),
        (CLAUDE, {"tools": [{"type": "web_search_20250305", "name": "s"}]}, "tools[0].max_uses"),
        (CLAUDE, {"tools": [{"type": "code_execution_1", "name": "c", "max_uses": -1}]}, "tools[0].max_uses"),
        (CLAUDE, {"tools": [{"type": "new_tool_9", "name": "n", "max_uses": True}]}, "tools[0].max_uses"),
    ],
)
def test_what_cannot_be_bounded_is_refused_by_name(dialect: str, members: Any, param: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        bound_of(LARGE, dialect=dialect, **({"max_tokens": 9} | members))
    assert caught.value.param == param


def test_one_target_that_cannot_be_bounded_refuses_the_call() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}
    with pytest.raises(UnsupportedParameter) as caught:
        bound_of(LARGE, UNKNOWN, messages=user(picture))
    assert caught.value.param == "messages[0].content[0]"


def test_a_providers_row_may_give_the_cap() -> None:
    row = Ceilings(stored_file_tokens=5_000, history_tokens=7_000, server_tool_uses=2)
    known = Reach(context_tokens=100_000, ceilings=row)
    stored = user({"type": "file", "file": {"file_id": "f"}})
    tokens, size = input_of(known, messages=stored, previous_response_id="r")
    assert tokens == PROMPT_TOKENS + size + 12_000
    assert input_of(known, tools=[{"type": "web_search"}])[0] == 300_000
    assert input_of(known, web_search_options={}, tools=[{"type": "web_search"}])[0] == 500_000


def test_a_member_that_is_null_asks_for_nothing() -> None:
    assert bound_of(UNKNOWN, previous_response_id=None, web_search_options=None, tools=None, max_tokens=1)[2] == 0


def test_a_free_model_is_bounded_by_nothing() -> None:
    free = price_free("sale", "m")
    assert bound_of(UNKNOWN, price=free, web_search_options={})[0] == Bound(0, 0, 0, 0)
    assert bound_of(LARGE, price=free)[0] == Bound(0, 0, 32_000, 256, input_tokens_max=256 + 57)
    assert bound_of(LARGE, price=free, max_tokens=7)[0] == Bound(0, 0, 7, None, input_tokens_max=256 + 72)


@pytest.mark.parametrize("rates", [Rates(), Rates(input=1), Rates(output=1), Rates(cache_read=1, reasoning=1)])
def test_a_conversation_at_a_price_without_both_sides_is_refused(rates: Rates) -> None:
    with pytest.raises(Unpriced) as caught:
        bound_of(LARGE, price=Price(kind="sale", name="m", rates=rates))
    assert caught.value.param == "model"
