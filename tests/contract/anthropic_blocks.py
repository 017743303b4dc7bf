"""What the official Anthropic client carries beside text: pictures, documents, thinking, citations, caches, betas.

Scenarios for `anthropic_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

import base64

from tests.contract.anthropic_scenarios import CLOCK, WEATHER, calls_of, check_events, check_whole, text_of
from tests.contract.anthropic_stage import EVERYWHERE, LAB, MAJOR, SAME, Stage, scenario
from tests.contract.repertoire import Facts

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
CACHED = {"cache_control": {"type": "ephemeral"}}


@scenario(*EVERYWHERE)
def images(stage: Stage) -> None:
    parts = [{"type": "text", "text": f"{stage.opening}: Grüße, 世界"}, PICTURE]
    answer = stage.client.messages.create(**stage.asks() | {"messages": [{"role": "user", "content": parts}]})
    check_whole(answer, stage)
    assert stage.server == "mock" or "image/png" in text_of(answer)


@scenario(*LAB)
def image_by_url(stage: Stage) -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://lab.invalid/cat.png"}}
    parts = [{"type": "text", "text": f"{stage.opening}: look"}, picture]
    answer = stage.client.messages.create(**stage.asks() | {"messages": [{"role": "user", "content": parts}]})
    assert "<image https://lab.invalid/" in text_of(answer)


@scenario(*LAB)
def image_in_a_tool_result(stage: Stage) -> None:
    asked = stage.asks("tools", tools=[CLOCK])
    turn = stage.client.messages.create(**asked)
    ((id_, _, _),) = calls_of(turn)
    inside = [{"type": "text", "text": "a clock"}, PICTURE]
    result = {"type": "tool_result", "tool_use_id": id_, "content": inside}
    asked["messages"] += [{"role": "assistant", "content": turn.content}, {"role": "user", "content": [result]}]
    final = text_of(stage.client.messages.create(**asked))
    assert "a clock" in final
    assert "image/png" in final, final


@scenario(*LAB)
def document(stage: Stage) -> None:
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "A"}
    parts = [pdf, {"type": "text", "text": f"{stage.opening}: read"}]
    answer = text_of(stage.client.messages.create(**stage.asks() | {"messages": [{"role": "user", "content": parts}]}))
    assert ("<file>" if stage.server == "crossed" else "<document application/pdf>") in answer, answer


@scenario(*LAB)
def system_as_string_and_as_blocks(stage: Stage) -> None:
    create = stage.client.messages.create
    blocks = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind.", **CACHED}]
    plain = create(**stage.asks(system="Be brief."))
    cached = create(**stage.asks(system=blocks, tools=[{**WEATHER, **CACHED}], tool_choice={"type": "none"}))
    for answer in (plain, cached):
        check_whole(answer, stage)
    if stage.server != "crossed":
        assert cached.usage.cache_creation_input_tokens == 1
        assert cached.usage.cache_read_input_tokens == 1


@scenario(*LAB)
def system_in_the_middle(stage: Stage) -> None:
    said = [*stage.says(), {"role": "system", "content": "From now on in verse."}]
    check_whole(stage.client.messages.create(**stage.asks() | {"messages": said}), stage)


@scenario(*EVERYWHERE)
def thinking(stage: Stage) -> None:
    budget = {"type": "enabled", "budget_tokens": 1024}
    asked = stage.asks("think", thinking=budget)
    told = stage.client.messages.create(**asked)
    assert [block.type for block in told.content] == ["thinking", "text"]
    assert told.content[0].thinking
    assert isinstance(told.content[0].signature, str)
    with stage.client.messages.stream(**asked) as events:
        final = events.get_final_message()
    assert final.content[0].thinking == told.content[0].thinking
    assert final.content[0].signature == told.content[0].signature
    check_events(list(stage.client.messages.create(**asked, stream=True)))


@scenario(*LAB)
def thinking_replayed(stage: Stage) -> Facts:
    asked = stage.asks("think", thinking={"type": "adaptive"}, tools=[CLOCK])
    with stage.client.messages.stream(**asked) as events:
        turn = events.get_final_message()
    (call,) = calls_of(turn)
    assert turn.content[0].type == "thinking"
    result = {"type": "tool_result", "tool_use_id": call[0], "content": "noon"}
    asked["messages"] += [{"role": "assistant", "content": turn.content}, {"role": "user", "content": [result]}]
    assert "noon" in text_of(stage.client.messages.create(**asked))
    return {"signature": turn.content[0].signature}


@scenario(*SAME)
def redacted_thinking_replayed(stage: Stage) -> None:
    asked = stage.asks(stage.lab("up-redact"))
    turn = stage.client.messages.create(**asked)
    assert [block.type for block in turn.content] == ["redacted_thinking", "text"]
    with stage.client.messages.stream(**asked) as events:
        assert events.get_final_message().content[0].data == turn.content[0].data
    asked["messages"] += [{"role": "assistant", "content": turn.content}, {"role": "user", "content": "go on"}]
    assert "go on" in text_of(stage.client.messages.create(**asked))


@scenario(*SAME)
def citations(stage: Stage) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "cited words and others"}
    parts = [{"type": "document", "source": source, "citations": {"enabled": True}}, *stage.says("what?")]
    parts[1] = {"type": "text", "text": parts[1]["content"]}
    asked = stage.asks(stage.lab("up-cite")) | {"messages": [{"role": "user", "content": parts}]}
    (told,) = stage.client.messages.create(**asked).content[0].citations
    assert (told.type, told.cited_text) == ("char_location", "cited words")
    with stage.client.messages.stream(**asked) as events:
        assert events.get_final_message().content[0].citations == [told]


@scenario(*SAME)
def blocks_of_server_tools(stage: Stage) -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    asked = stage.asks(stage.lab("up-search"), tools=[search])
    turn = stage.client.messages.create(**asked)
    kinds = ["server_tool_use", "web_search_tool_result", "text"]
    assert [block.type for block in turn.content] == kinds
    with stage.client.messages.stream(**asked) as events:
        assert [block.type for block in events.get_final_message().content] == kinds
    kept = [block.model_dump(exclude_none=True) for block in turn.content]
    asked["messages"] += [{"role": "assistant", "content": kept}, {"role": "user", "content": "go on"}]
    stage.client.messages.create(**asked)


@scenario(*SAME)
def betas(stage: Stage) -> None:
    edits = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    answer = stage.client.beta.messages.create(
        **stage.asks(), betas=["context-management-2025-06-27"], context_management=edits
    )
    assert "Grüße, 世界" in text_of(answer)


@scenario(*SAME)
def unknown_fields_pass(stage: Stage) -> None:
    answer = stage.client.messages.create(
        **stage.asks(metadata={"user_id": "u-1"}, service_tier="auto"),
        extra_body={"lab_knob": {"deep": [1, 2.50, None]}, **({"temperature": 0.5} if MAJOR == "0" else {})},
    )
    assert answer.lab_extra == {"kept": True}
