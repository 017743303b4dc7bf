"""What people see of the official Anthropic client beside good answers: model lists, headers, errors, retries, leaving.

Scenarios for `anthropic_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

import time
from functools import partial
from typing import Any

import anthropic

from tests.contract.anthropic_stage import EVERYWHERE, LAB, MAJOR, THROUGH_GATEWAY, Stage, scenario
from tests.contract.repertoire import Facts, failure_of


def kind_of(error: anthropic.APIStatusError) -> str:
    """The type that the body of an error names. Raises AssertionError where the body is not the vendor's."""
    body: Any = error.body
    assert body["type"] == "error", body
    assert body["error"]["message"], body
    assert error.request_id, "from the header of the answer, also where the error came in mid-stream"
    assert error.response.status_code == 200 or body["request_id"] == error.request_id, body
    return body["error"]["type"]


@scenario(*EVERYWHERE)
def models(stage: Stage) -> None:
    listed = list(stage.client.models.list(limit=1000))
    assert stage.models["chat"] in {model.id for model in listed}
    for model in listed:
        assert (model.type, bool(model.display_name)) == ("model", True)
        assert model.created_at.tzinfo
        assert MAJOR == "0" or model.lifecycle == "active"


@scenario(*THROUGH_GATEWAY)
def one_model(stage: Stage) -> None:
    name = stage.models["chat"]
    one = stage.client.models.retrieve(name)
    assert (one.id, one.type) == (name, "model")


@scenario(*EVERYWHERE)
def wrong_key(stage: Stage) -> None:
    for retries in (0, 2):
        stranger = anthropic.Anthropic(base_url=stage.url, api_key="lx-nobody", max_retries=retries)
        error = failure_of(anthropic.AuthenticationError, partial(stranger.messages.create, **stage.asks()))
        assert kind_of(error) == "authentication_error"
        assert error.request_id
        assert stage.server == "upstream" or error.response.headers["x-should-retry"] == "false"


@scenario(*THROUGH_GATEWAY)
def unknown_model(stage: Stage) -> None:
    create = stage.client.messages.create
    asked = stage.asks("nobody/has-this")
    for ask in (
        partial(create, **asked),
        partial(create, **asked, stream=True),
        partial(stage.client.messages.count_tokens, model="nobody/has-this", messages=stage.says()),
    ):
        error = failure_of(anthropic.NotFoundError, ask)
        assert kind_of(error) == "not_found_error"
        assert error.request_id


@scenario(*THROUGH_GATEWAY)
def bad_field(stage: Stage) -> None:
    bad: list[dict[str, Any]] = [
        {"max_tokens": "many"},
        {"messages": [{"role": "root", "content": "x"}]},
        {"messages": []},
        {"messages": [{"role": "user", "content": [{"type": "sculpture"}]}]},
        {"system": 7},
    ]
    for wrong in bad:
        error = failure_of(anthropic.BadRequestError, partial(stage.client.messages.create, **stage.asks() | wrong))
        assert kind_of(error) == "invalid_request_error"
        assert next(iter(wrong)) in str(error), str(error)
        assert error.request_id


@scenario("upstream", "gateway", "crossed")
def sampling_fields_are_of_the_old_version(stage: Stage) -> None:
    ask = partial(stage.client.messages.create, **stage.asks(), extra_body={"temperature": 0.5})
    if MAJOR == "0":
        assert ask().stop_reason == "end_turn"
    else:
        assert kind_of(failure_of(anthropic.BadRequestError, ask)) == "invalid_request_error"


@scenario(*LAB)
def overloaded(stage: Stage) -> None:
    error = failure_of(
        anthropic.APIStatusError, partial(stage.client.messages.create, **stage.asks(stage.lab("up-529")))
    )
    assert error.status_code == 529
    assert kind_of(error) == "overloaded_error"


@scenario(*LAB)
def error_in_midstream(stage: Stage) -> None:
    told: list[Any] = []
    answer = stage.client.messages.create(**stage.asks(stage.lab("up-error-midstream")), stream=True)
    error = failure_of(anthropic.APIStatusError, partial(told.extend, answer))
    assert told, "what came before the failure is delivered"
    assert "message_stop" not in {event.type for event in told}
    assert kind_of(error)


@scenario("gateway", "crossed")
def upstream_breaks_in_midstream(stage: Stage) -> None:
    for name in ("up-break-after-5", "up-cut-after-5"):
        seen: list[Any] = []
        answer = stage.client.messages.create(**stage.asks(stage.lab(name)), stream=True)
        error = failure_of(anthropic.APIStatusError, partial(seen.extend, answer))
        # A reset may overtake the bytes before it; what came before a body's early end is there.
        delivered = "content_block_delta" in {event.type for event in seen}
        assert delivered or name == "up-break-after-5", "what came before the failure is delivered"
        assert "message_stop" not in {event.type for event in seen}
        assert kind_of(error) == "api_error"


@scenario("gateway", "crossed")
def retries_where_they_help(stage: Stage) -> None:
    eager = anthropic.Anthropic(base_url=stage.url, api_key=stage.key, max_retries=1)
    expected: dict[str, type[anthropic.APIStatusError]] = {
        "up-500": anthropic.InternalServerError,
        "up-400": anthropic.BadRequestError,
        "up-401": anthropic.InternalServerError,
    }
    for name, kind in expected.items():
        asked = stage.asks(stage.lab(name)) | {"messages": stage.says(name)}
        assert failure_of(kind, partial(eager.messages.create, **asked)).request_id


@scenario("gateway", "crossed")
def leaving_a_stream(stage: Stage) -> Facts:
    left_s: dict[str, float] = {}
    for name in ("up-steady", "up-stall-after-5"):
        asked = stage.asks(stage.lab(name)) | {"messages": stage.says(name)}
        answer = stage.client.messages.create(**asked, stream=True)
        next(iter(answer))
        left_s[name] = time.monotonic()
        answer.close()
    return {"left_s": left_s}


@scenario(*THROUGH_GATEWAY)
def headers(stage: Stage) -> Facts:
    create = stage.client.messages.with_raw_response.create
    kept = {"X-Request-ID": "my-trace.7"}
    answers = [create(**stage.asks(), stream=flag, extra_headers=kept) for flag in (False, True)]
    for answer in answers:
        assert answer.headers["x-request-id"] == answer.headers["request-id"] == "my-trace.7"
    told = [dict(answer.headers) for answer in answers]
    list(answers[1].parse())
    return {"headers": told}
