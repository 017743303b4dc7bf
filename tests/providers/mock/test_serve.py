"""The test models as providers: what comes back for a request, in OpenAI's shapes."""

import time
from typing import Any

import pytest
from msgspec import json

from tallygate.errors import StreamBroken
from tallygate.providers.mock import ROW
from tallygate.providers.mock.serve import MockAnswer, serve
from tallygate.providers.outgoing import outgoing

pytestmark = pytest.mark.anyio

TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


async def ask(model: str, text: str = "one two three", **more: Any) -> MockAnswer:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return await serve(outgoing(ROW, "openai_chat", json.encode(body), stream=bool(more.get("stream"))))


async def read_pieces(answer: MockAnswer) -> list[bytes]:
    pieces: list[bytes] = []
    while piece := await answer.read():
        pieces.append(piece)
    return pieces


async def ask_whole(model: str, **more: Any) -> Any:
    return json.decode(b"".join(await read_pieces(await ask(model, **more))))


async def ask_stream(model: str, **more: Any) -> list[Any]:
    pieces = await read_pieces(await ask(model, stream=True, **more))
    assert pieces[-1] == b"data: [DONE]\n\n"
    assert all(piece.startswith(b"data: ") and piece.endswith(b"\n\n") for piece in pieces)
    return [json.decode(piece[6:]) for piece in pieces[:-1]]


async def test_a_whole_answer() -> None:
    got = await ask("echo")
    assert got.status == 200
    assert got.headers["content-type"] == "application/json"
    body = json.decode(b"".join(await read_pieces(got)))
    assert body["object"] == "chat.completion"
    assert body["model"] == "echo"
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "one two three", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert body["usage"]["prompt_tokens"] == 4
    assert body["usage"]["completion_tokens"] == 3
    assert body["usage"]["total_tokens"] == 7


async def test_a_stream_says_the_same_as_a_whole_answer() -> None:
    for more in ({}, {"max_tokens": 2}, {"n": 2}, {"tools": [TOOL, TOOL]}):
        for model in ("echo", "tools", "thinking"):
            whole = await ask_whole(model, **more)
            events = await ask_stream(model, **more)
            for choice in whole["choices"]:
                own = [e["choices"][0] for e in events if e["choices"][0]["index"] == choice["index"]]
                deltas = [event["delta"] for event in own]
                message = choice["message"]
                assert "".join(d.get("content") or "" for d in deltas) == (message["content"] or "")
                assert "".join(d.get("reasoning_content", "") for d in deltas) == message.get("reasoning_content", "")
                # Ids stand for a request, and the two requests differ.
                assert _join_calls(deltas) == [call | {"id": ""} for call in message.get("tool_calls", [])]
                assert [e["finish_reason"] for e in own if e["finish_reason"]] == [choice["finish_reason"]]


def _join_calls(deltas: list[Any]) -> list[Any]:
    calls: dict[int, Any] = {}
    for piece in (piece for delta in deltas for piece in delta.get("tool_calls", [])):
        if "id" in piece:
            assert piece["index"] not in calls
            calls[piece["index"]] = {**piece, "id": "", "function": dict(piece["function"])}
        else:
            calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    return [{key: value for key, value in calls[at].items() if key != "index"} for at in sorted(calls)]


async def test_usage_comes_with_a_stream_only_when_it_is_asked_for() -> None:
    assert all("usage" not in event for event in await ask_stream("echo"))
    events = await ask_stream("thinking", stream_options={"include_usage": True}, n=2)
    assert all(event["usage"] is None for event in events[:-1])
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] == 18
    assert events[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 12}


async def test_every_piece_of_a_stream_is_one_event() -> None:
    pieces = await read_pieces(await ask("echo", stream=True))
    assert [piece.count(b"data: ") for piece in pieces] == [1] * 6


async def test_the_same_request_gets_the_same_bytes_and_another_one_other_ids() -> None:
    first = await ask_whole("tools", tools=[TOOL])
    other = await ask_whole("tools", tools=[TOOL], n=1)
    assert first == await ask_whole("tools", tools=[TOOL])
    assert first["id"] != other["id"]
    assert (
        first["choices"][0]["message"]["tool_calls"][0]["id"] != other["choices"][0]["message"]["tool_calls"][0]["id"]
    )


@pytest.mark.parametrize("status", [400, 401, 404, 418, 429, 500, 503, 529, 599])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_has_the_status_in_its_name(status: int, stream: bool) -> None:
    got = await ask(f"fail-{status}", stream=stream)
    assert got.status == status
    assert got.headers["content-type"] == "application/json"
    assert ("retry-after" in got.headers) == (status in (429, 503, 529))
    error = json.decode(b"".join(await read_pieces(got)))["error"]
    assert error["message"] == f"fail-{status} always fails with {status}."
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("model", "more", "status", "param"),
    [
        ("gpt-5.5", {}, 404, "model"),
        ("fail-200", {}, 404, "model"),
        ("fail-600", {}, 404, "model"),
        ("slow-", {}, 404, "model"),
        ("echo", {"n": 1000}, 400, "n"),
        ("echo", {"n": -1}, 400, "n"),
        ("echo", {"messages": "hello"}, 400, None),
        (
            "tools",
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            400,
            "tool_choice",
        ),
    ],
)
async def test_what_cannot_be_answered_is_refused(model: str, more: dict[str, Any], status: int, param: str) -> None:
    got = await ask(model, **more)
    assert got.status == status
    assert json.decode(b"".join(await read_pieces(got)))["error"]["param"] == param


async def test_a_body_that_is_no_request_is_refused() -> None:
    got = await serve(outgoing(ROW, "openai_chat", b"{", stream=False))
    assert got.status == 400


async def test_a_stream_can_break_in_the_middle() -> None:
    got = await ask("fail-midstream", stream=True)
    assert got.status == 200
    received = b""
    with pytest.raises(StreamBroken):  # noqa: PT012
        while piece := await got.read():
            received += piece
    assert b'"content":"one"' in received
    assert b"three" not in received
    assert b'"finish_reason":"' not in received
    assert b"[DONE]" not in received
    with pytest.raises(StreamBroken):
        await got.read()


async def test_a_whole_answer_can_break_in_the_middle() -> None:
    got = await ask("fail-midstream")
    assert await got.read()
    with pytest.raises(StreamBroken):
        await got.read()


@pytest.mark.parametrize("stream", [False, True])
async def test_slow_takes_the_time_in_its_name(stream: bool) -> None:
    began = time.monotonic()
    pieces = await read_pieces(await ask("slow-20", stream=stream))
    # A lower bound only: a busy machine may well be slower.
    assert time.monotonic() - began >= 0.06
    assert b"three" in b"".join(pieces)


async def test_an_answer_closed_early_does_not_look_finished() -> None:
    got = await ask("echo", stream=True)
    assert await got.read()
    got.close()
    with pytest.raises(StreamBroken):
        await got.read()


async def test_closing_after_the_end_is_harmless() -> None:
    got = await ask("echo", stream=True)
    await read_pieces(got)
    got.close()
    assert await got.read() == b""


def test_test_models_are_offered_only_under_their_provider_s_name() -> None:
    assert ROW.offers()
    assert all(offer.quality == "test" and not offer.bare for offer in ROW.offers())
