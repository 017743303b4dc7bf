"""Guardrails on the walk: what is refused before it costs anything, what goes on in the place of what was sent, and
what a client is told of an answer.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.dialects.registry import CLIENT_DIALECTS, COUNTING, STREAMING
from tallygate.genai.details import Guarded
from tallygate.genai.items import Settlement
from tallygate.genai.peek import Peek
from tallygate.pipeline.screen import THREAD_BYTES
from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole, whole_script
from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import Stage
from tests.fakes.openings import openings_of, write_content
from tests.fakes.openings import say as say_words

pytestmark = pytest.mark.anyio

MAIL = "jane.doe@mail.example"
SECRET = "nightjar"
VECTORS = (
    b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0]}],"model":"m",'
    b'"usage":{"prompt_tokens":7,"total_tokens":7}}'
)


def rules(action: str = "block", **more: Any) -> dict[str, GuardrailSettings]:
    """One guardrail for mail addresses."""
    return {"mail": msgspec.convert({"kind": "pii", "find": ["email"], "action": action, **more}, GuardrailSettings)}


def say(dialect: str, text: str) -> dict[str, Any]:
    """The members of a request that say a text in a dialect."""
    if dialect.endswith("embeddings") or dialect in ("unified_embed", "openai_responses"):
        return {"input": text}
    if dialect in ("openai_completions", "unified_generate"):
        return {"prompt": text}
    return {"messages": [{"role": "user", "content": text}]}


def stage_for(folder: Path, dialect: str, guardrails: dict[str, GuardrailSettings]) -> Stage:
    if CLIENT_DIALECTS[dialect].operation == "embed":
        return Stage(folder, Script(headers=JSON, pieces=[VECTORS]), targets=("vectors",), guardrails=guardrails)
    return Stage(folder, whole_script("hello", counts=usage(7, 11)), guardrails=guardrails)


everywhere = pytest.mark.parametrize("dialect", sorted(CLIENT_DIALECTS))
streams = pytest.mark.parametrize("dialect", sorted(STREAMING))


@everywhere
async def test_a_request_that_is_blocked_costs_nothing_and_goes_nowhere(tmp_path: Path, dialect: str) -> None:
    stage, client = stage_for(tmp_path, dialect, rules()), KeptClient()
    call = await stage.run(client, dialect=dialect, **say(dialect, f"write to {MAIL}"))
    assert client.status == 403
    assert client.headers["x-should-retry"] == "false"
    assert "x-tallygate-receipt-id" not in client.headers
    assert b"input" in client.body
    assert b"mail" in client.body
    assert MAIL.encode() not in client.body
    assert not stage.exit.asked
    assert not stage.writer.asked
    assert call.id not in stage.shelf.tables["holds"]


@everywhere
async def test_a_request_that_is_clean_goes_on_as_it_came(tmp_path: Path, dialect: str) -> None:
    plain, guarded = stage_for(tmp_path, dialect, {}), stage_for(tmp_path, dialect, rules("redact"))
    for stage in (plain, guarded):
        await stage.run(client := KeptClient(), dialect=dialect, **say(dialect, "write to me"))
        assert client.status == 200
    assert plain.exit.asked[0].body == guarded.exit.asked[0].body


@everywhere
async def test_what_is_redacted_never_goes_on_and_is_what_is_paid_for(tmp_path: Path, dialect: str) -> None:
    stage, client = stage_for(tmp_path, dialect, rules("redact", replacement="<" + "x" * 200 + ">")), KeptClient()
    call = await stage.run(client, dialect=dialect, **say(dialect, f"write to {MAIL} now"))
    assert client.status == 200, client.body
    (sent,) = stage.exit.asked
    assert MAIL.encode() not in sent.body
    assert b"write to <xxx" in sent.body
    assert client.headers["x-tallygate-redacted"] == "mail"
    assert stage.details(call).guardrails == (Guarded("input", "mail", "redact", 1),)
    # Each byte of what was sent is held for.
    assert stage.hold(call).amount_nusd >= 200
    stage.check()


@everywhere
def test_a_request_written_anew_means_what_it_meant(dialect: str, tmp_path: Path) -> None:
    async def pass_by() -> None:
        stage = stage_for(tmp_path, dialect, rules("redact", replacement=MAIL.replace("jane", "john")))
        fields: dict[str, Any] = {"stream": False}
        if dialect not in ("unified_embed", "openrouter_embeddings", "openai_embeddings"):
            fields["temperature"] = 0.5
        if dialect == "openrouter_chat":
            fields["provider"] = {"sort": "price", "only": ["lab"]}
        call = await stage.run(KeptClient(), dialect=dialect, **say(dialect, MAIL), **fields)
        spoken = call.dialect
        before, after = spoken.read_request(call.body), spoken.read_request(call.onward.body)
        assert call.onward.body != call.body
        assert msgspec.json.encode(before).replace(b"jane", b"john") == msgspec.json.encode(after)
        assert outline(call.peek) == outline(call.onward.peek)

    asyncio.run(pass_by())


def outline(peek: Peek) -> tuple[object, ...]:
    return peek.model, peek.stream, peek.include_usage, peek.output_tokens_max, peek.n, peek.routing, peek.tells_run


async def test_an_idempotency_key_means_the_request_that_was_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), guardrails=rules("redact"))
    asked = {"claim_key": "once", **say("openai_chat", f"write to {MAIL}")}
    first, again, other = KeptClient(), KeptClient(), KeptClient()
    await stage.run(first, **asked)
    await stage.run(again, **asked)
    await stage.run(other, **{**asked, **say("openai_chat", "write to [redacted]")})
    assert len(stage.exit.asked) == 1
    assert again.body == first.body
    assert other.status == 409


@streams
async def test_a_whole_answer_that_is_blocked_is_charged_and_not_told(tmp_path: Path, dialect: str) -> None:
    answer = whole_script(f"it is {SECRET}", counts=usage(7, 11))
    secret = {"word": GuardrailSettings(kind="regex", deny=(SECRET,))}
    stage, client = Stage(tmp_path, answer, guardrails=secret), KeptClient()
    call = await stage.run(client, dialect=dialect, **say(dialect, "hi"))
    assert client.status == 403
    assert b"output" in client.body
    assert SECRET.encode() not in client.body
    assert client.headers["x-tallygate-receipt-id"] == call.id
    assert stage.hold(call).charged_nusd == 51
    details = stage.details(call)
    assert (details.status, details.error_code) == ("partial", "guardrail_blocked")
    assert details.guardrails == (Guarded("output", "word", "block", 1),)
    stage.check()


@streams
async def test_a_stream_that_is_blocked_ends_in_an_error_and_tells_nothing_of_it(tmp_path: Path, dialect: str) -> None:
    pieces = [chunk("a" * 600), chunk(SECRET[:4]), chunk(SECRET[4:]), chunk("b" * 600), chunk(finish="stop"), DONE]
    secret = {"word": GuardrailSettings(kind="regex", deny=(SECRET,))}
    stage, client = Stage(tmp_path, Script(pieces=pieces), guardrails=secret), KeptClient()
    call = await stage.run(client, dialect=dialect, stream=True, **say(dialect, "hi"))
    assert client.status == 200
    assert b"aaa" in client.body
    assert SECRET[:4].encode() not in client.body
    assert b"bbb" not in client.body
    assert b"word" in client.pieces[-1]
    assert stage.exit.answers[0].closed
    details = stage.details(call)
    assert (details.status, details.error_code) == ("partial", "guardrail_blocked")
    # 600 + 8 + 600 bytes were made, four to a token, and a token costs 4.
    assert details.usage["output_tokens"] == 302
    assert stage.hold(call).charged_nusd >= min(4 * 302, stage.hold(call).amount_nusd)
    stage.check()


@streams
async def test_a_stream_is_redacted_across_its_pieces(tmp_path: Path, dialect: str) -> None:
    pieces = [chunk("write to jane."), chunk("doe@mail.ex"), chunk("ample soon"), chunk(finish="stop")]
    script = Script(pieces=[*pieces, usage_chunk(usage(7, 11)), DONE])
    stage, client = Stage(tmp_path, script, guardrails=rules("redact")), KeptClient()
    call = await stage.run(client, dialect=dialect, stream=True, **say(dialect, "hi"))
    assert client.ended
    assert b"write to [redacted] soon" in client.body
    assert b"jane" not in client.body
    assert stage.details(call).status == "ok"
    assert stage.details(call).guardrails == (Guarded("output", "mail", "redact", 1),)
    assert stage.hold(call).charged_nusd == 51


async def test_a_whole_answer_is_redacted_and_its_header_says_so(tmp_path: Path) -> None:
    stage = Stage(tmp_path, whole_script(f"write to {MAIL}", counts=usage(7, 11)), guardrails=rules("redact"))
    await stage.run(client := KeptClient())
    assert msgspec.json.decode(client.body)["choices"][0]["message"]["content"] == "write to [redacted]"
    assert client.headers["x-tallygate-redacted"] == "mail"


async def test_what_is_noted_passes_as_it_came_and_is_counted(tmp_path: Path) -> None:
    body = whole(f"{MAIL} {MAIL}", counts=usage(7, 11))
    stage = Stage(tmp_path, Script(headers=JSON, pieces=[body]), guardrails=rules("note"))
    call = await stage.run(client := KeptClient(), **say("openai_chat", MAIL))
    assert client.body == body
    assert "x-tallygate-redacted" not in client.headers
    noted = (Guarded("input", "mail", "note", 1), Guarded("output", "mail", "note", 2))
    assert stage.details(call).guardrails == noted
    (end,) = stage.writer.ends
    assert isinstance(end, Settlement)
    assert end.receipt.guardrails == noted


async def test_a_receipt_commits_to_what_was_sent_what_went_on_and_what_was_told(tmp_path: Path) -> None:
    answer = whole_script(f"write to {MAIL}", counts=usage(7, 11))
    stage, client = Stage(tmp_path, answer, guardrails=rules("redact")), KeptClient()
    call = await stage.run(client, **say("openai_chat", MAIL))
    (end,) = stage.writer.ends
    assert isinstance(end, Settlement)
    openings_of(end.receipt).check(
        request=call.body,
        request_params=b'{"model":"m"}',
        forwarded=stage.exit.asked[0].body,
        response=client.body,
        response_content=write_content(say_words("write to [redacted]")),
    )


async def test_a_receipt_commits_to_what_a_stream_told(tmp_path: Path) -> None:
    script = Script(pieces=[chunk("write to jane."), chunk("doe@mail.example"), chunk(finish="stop"), DONE])
    stage = Stage(tmp_path, script, guardrails=rules("redact"))
    await stage.run(KeptClient(), stream=True)
    (end,) = stage.writer.ends
    assert isinstance(end, Settlement)
    assert openings_of(end.receipt).opens("response.content", write_content(say_words("write to [redacted]")))


async def test_input_that_nobody_counted_is_that_which_went_on(tmp_path: Path) -> None:
    guardrails = rules("redact", replacement="x" * 400)
    stage = Stage(tmp_path, whole_script("hello"), guardrails=guardrails)
    call = await stage.run(**say("openai_chat", MAIL))
    assert stage.details(call).usage["input_tokens"] == -(-len(call.onward.body) // 4) > 100


async def test_a_guardrail_stands_only_for_those_it_names(tmp_path: Path) -> None:
    others: list[dict[str, Any]] = [
        {"workspaces": ["elsewhere*"]},
        {"keys": ["another"]},
        {"models": ["lab/*"]},
        {"on": ["output"]},
    ]
    for more in others:
        stage, client = (
            Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), guardrails=rules(**more)),
            KeptClient(),
        )
        await stage.run(client, **say("openai_chat", MAIL))
        assert client.status == 200
    stage, client = Stage(tmp_path, guardrails=rules(keys=["k[0-9]"], models=["m"])), KeptClient()
    await stage.run(client, **say("openai_chat", MAIL))
    assert client.status == 403


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({"kind": "models", "deny": ["m"]}, {}),
        ({"kind": "models", "allow": ["lab/*"]}, {}),
        ({"kind": "size", "characters_max": 1}, {}),
        ({"kind": "size", "messages_max": 0}, {}),
        (
            {"kind": "size", "images_max": 0},
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}],
                    }
                ]
            },
        ),
        (
            {"kind": "tools", "deny": ["shell*"]},
            {"tools": [{"type": "function", "function": {"name": "shell_exec", "parameters": {}}}]},
        ),
    ],
)
async def test_names_and_sizes_are_judged(tmp_path: Path, settings: dict[str, Any], fields: dict[str, Any]) -> None:
    guardrails = {"limit": msgspec.convert(settings, GuardrailSettings)}
    stage, client = Stage(tmp_path, guardrails=guardrails), KeptClient()
    await stage.run(client, **fields)
    assert client.status == 403
    assert msgspec.json.decode(client.body)["error"]["metadata"] == {"stage": "input", "guardrail": "limit"}
    assert not stage.exit.asked


async def test_a_large_request_is_looked_through_beside_the_loop(tmp_path: Path) -> None:
    stage = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), guardrails=rules("redact"))
    await stage.run(client := KeptClient(), **say("openai_chat", "word " * THREAD_BYTES + MAIL))
    assert client.status == 200
    assert stage.exit.asked[0].body.count(b"word [redacted]") == 1


async def test_what_is_counted_is_looked_at_too(tmp_path: Path) -> None:
    counted = Script(headers=JSON, pieces=[b'{"input_tokens":3}'])
    stage, client = Stage(tmp_path, counted, targets=("claude",), guardrails=rules("redact")), KeptClient()
    call = stage.open(client, dialect="anthropic_messages")
    call.operation = "count"
    call.body = msgspec.json.encode({"model": "m", **say("anthropic_messages", f"to {MAIL}")})
    call.peek = COUNTING["anthropic_messages"].peek_count(call.body, 64)
    await stage.hallway.run(call)
    assert client.status == 200, client.body
    sent = msgspec.json.decode(stage.exit.asked[0].body)
    assert sent == {"model": "m", "messages": [{"role": "user", "content": "to [redacted]"}]}


async def test_a_text_that_hides_behind_another_of_its_name_goes_nowhere(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), guardrails=rules()), KeptClient()
    call = stage.open(client)
    call.body = b'{"model":"m","messages":[{"role":"user","content":"to %s","content":"hi"}]}' % MAIL.encode()
    call.peek = call.dialect.peek(call.body, 64)
    await stage.hallway.run(call)
    await stage.writer.drain()
    assert client.status == 200
    assert MAIL.encode() not in stage.exit.asked[0].body
    assert b'"content":"hi"' in stage.exit.asked[0].body


async def test_tokens_that_nobody_can_read_are_refused_by_who_would_look(tmp_path: Path) -> None:
    for action, status in (("block", 403), ("redact", 403), ("note", 200)):
        stage, client = stage_for(tmp_path, "openai_embeddings", rules(action)), KeptClient()
        await stage.run(client, dialect="openai_embeddings", input=[1, 2, 3])
        assert client.status == status
