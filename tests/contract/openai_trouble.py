"""What people see of the official OpenAI client beside good answers: model lists, headers, errors, retries, leaving.

Scenarios for `openai_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

import time
from functools import partial
from typing import Any

import openai

from tests.contract.openai_stage import LAB, THROUGH_GATEWAY, Stage, scenario
from tests.contract.repertoire import Facts, failure_of


@scenario(*THROUGH_GATEWAY)
def models(stage: Stage) -> Facts:
    listed = [model.id for model in stage.client.models.list()]
    assert len(set(listed)) == len(listed)
    for name in {stage.models["chat"], *(["labs/up-slash"] if stage.server == "gateway" else [])}:
        assert name in listed
        one = stage.client.models.retrieve(name)
        assert (one.id, one.object) == (name, "model")
        assert isinstance(one.created, int)
        assert one.owned_by
    return {"listed": listed}


@scenario(*THROUGH_GATEWAY)
def wrong_key(stage: Stage) -> None:
    stranger = openai.OpenAI(base_url=stage.url, api_key="lx-nobody", max_retries=2)
    error = failure_of(
        openai.AuthenticationError,
        lambda: stranger.chat.completions.create(model=stage.models["chat"], messages=stage.says()),
    )
    assert (error.status_code, error.code, error.type) == (401, "invalid_api_key", "invalid_request_error")
    assert error.request_id
    assert error.response.headers["x-should-retry"] == "false"


@scenario(*THROUGH_GATEWAY)
def unknown_model(stage: Stage) -> None:
    create = stage.client.chat.completions.create
    for ask in (
        lambda: create(model="nobody/has-this", messages=stage.says()),
        lambda: create(model="nobody/has-this", messages=stage.says(), stream=True),
        lambda: stage.client.models.retrieve("nobody/has-this"),
    ):
        error = failure_of(openai.NotFoundError, ask)
        assert (error.code, error.type) == ("model_not_found", "invalid_request_error")
        assert error.request_id


@scenario(*THROUGH_GATEWAY)
def bad_field(stage: Stage) -> None:
    good: dict[str, Any] = {"model": stage.models["chat"], "messages": stage.says()}
    bad: list[dict[str, Any]] = [
        {"temperature": "hot"},
        {"messages": [{"role": "root", "content": "x"}]},
        {"messages": []},
    ]
    for wrong in bad:
        error = failure_of(openai.BadRequestError, partial(stage.client.chat.completions.create, **{**good, **wrong}))
        assert error.type == "invalid_request_error"
        assert next(iter(wrong)) in (error.param or ""), error.param
        assert error.request_id


@scenario(*LAB)
def error_in_midstream(stage: Stage) -> None:
    told: list[Any] = []
    answer = stage.client.chat.completions.create(model="up-error-midstream", messages=stage.says(), stream=True)
    error = failure_of(openai.APIError, partial(told.extend, answer))
    assert told, "what came before the failure is delivered"
    assert not isinstance(error, openai.APIConnectionError)


@scenario("gateway")
def upstream_breaks_in_midstream(stage: Stage) -> None:
    seen: list[Any] = []
    answer = stage.client.chat.completions.create(model="up-cut-after-3", messages=stage.says(), stream=True)
    error = failure_of(openai.APIError, partial(seen.extend, answer))
    assert len(seen) == 3, "what came before the failure is delivered"
    assert (error.code, error.type) == ("stream_broken", "server_error"), error.code


@scenario("gateway")
def retries_where_they_help(stage: Stage) -> None:
    eager = openai.OpenAI(base_url=stage.url, api_key=stage.key, max_retries=1)
    expected: dict[str, type[openai.APIStatusError]] = {
        "up-500": openai.InternalServerError,
        "up-400": openai.BadRequestError,
        "up-401": openai.InternalServerError,
    }
    for name, kind in expected.items():
        ask = partial(eager.chat.completions.create, model=name, messages=stage.says(name))
        assert failure_of(kind, ask).request_id


@scenario(*LAB)
def leaving_a_stream(stage: Stage) -> Facts:
    left_s: dict[str, float] = {}
    for name in ("up-steady", "up-stall-after-3"):
        answer = stage.client.chat.completions.create(model=name, messages=stage.says(name), stream=True)
        next(iter(answer))
        left_s[name] = time.monotonic()
        answer.close()
    return {"left_s": left_s}


@scenario(*THROUGH_GATEWAY)
def headers(stage: Stage) -> Facts:
    kept = {"X-Request-ID": "my-trace.7"}
    create = stage.client.chat.completions.with_raw_response.create
    answers = [
        create(model=stage.models["chat"], messages=stage.says(), stream=flag, extra_headers=kept)
        for flag in (False, True)
    ]
    for answer in answers:
        assert answer.headers["x-request-id"] == answer.headers["request-id"] == "my-trace.7"
        assert answer.headers["x-tallygate-backend"]
        assert answer.headers["x-tallygate-model"]
    told = [dict(answer.headers) for answer in answers]
    list(answers[1].parse())
    return {"headers": told}
