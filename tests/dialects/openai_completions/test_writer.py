"""Streams: a chat's chunks as text."""

from typing import Any

import msgspec

from tallygate.dialects.openai_completions.writer import CompletionsWriter
from tallygate.errors import ProviderFailed
from tallygate.genai import stream
from tallygate.genai.usage import Usage


def token(text: str) -> dict[str, Any]:
    return {"content": [{"token": text, "logprob": -0.1, "top_logprobs": []}]}


EVENTS = (
    stream.Started("a1", "m", 7, dialect="openai_chat"),
    stream.TextDelta("ab"),
    stream.LogprobsDelta(token("ab")),
    stream.TextDelta("c"),
    stream.LogprobsDelta(token("c")),
    stream.Finished("stop"),
    stream.UsageSeen(Usage(input_tokens=1, output_tokens=2)),
    stream.Ended(),
)


def write(*, include_usage: bool) -> list[Any]:
    writer = CompletionsWriter(include_usage=include_usage)
    frames = b"".join(map(writer.feed, EVENTS)).split(b"\n\n")
    assert frames[-2:] == [b"data: [DONE]", b""]
    return [msgspec.json.decode(frame.removeprefix(b"data: ")) for frame in frames[:-2]]


def test_each_chunk_is_a_text_completion() -> None:
    *chunks, last = write(include_usage=True)
    assert {chunk["object"] for chunk in (*chunks, last)} == {"text_completion"}
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "abc"
    assert all("delta" not in chunk["choices"][0] for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 3)


def test_tokens_are_told_where_they_stand_in_the_text() -> None:
    told = [choice["logprobs"] for chunk in write(include_usage=False) for choice in chunk["choices"]]
    assert [item["text_offset"] for item in told if item] == [[0], [2]]


def test_usage_comes_only_to_who_asked() -> None:
    assert all("usage" not in chunk for chunk in write(include_usage=False))


def test_a_failure_never_looks_like_an_end() -> None:
    failed = CompletionsWriter(include_usage=True).fail(ProviderFailed("no"), "req_1")
    assert b"[DONE]" not in failed
    assert msgspec.json.decode(failed.removeprefix(b"data: "))["error"]["message"] == "no"
