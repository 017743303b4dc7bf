"""A whole answer of a run, both ways. What is known once the call is settled is told by `telling`."""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tallygate.dialects.fields import Fields, overlay
from tallygate.dialects.openai_chat import response as chat
from tallygate.dialects.run.errors import read_failure
from tallygate.dialects.run.form import BESIDE, REPORTED, to_chat, to_run
from tallygate.dialects.run.names import CARRIED, NAME
from tallygate.dialects.run.request import ECHOED, find_model
from tallygate.dialects.unified.response import leave_out_price
from tallygate.errors import InvalidAnswer
from tallygate.genai.chat import ChatResponse

_RUN: Final = "run"
"""Where an answer's `extra` has what stood beside the members of a run."""
_SAID: Final = ("success", "run_id", "text", "finish_reason", "tokens_in", "tokens_out", REPORTED, *BESIDE)


def read_response(body: bytes) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error that it tells of."""
    members = chat.decode_answer(body)
    if members.get("success") is False:
        raise read_failure(members)
    if members.get("success") is not True:
        raise Fields(members, "", InvalidAnswer).refuse("true or false", "success")
    response = chat.read_response(msgspec.json.encode(to_chat(members)))
    beside = {name: value for name, value in members.items() if name not in _SAID}
    extra = {**response.extra, _RUN: beside} if beside else response.extra
    return replace(response, dialect=NAME, extra=extra)


def write_response(response: ChatResponse, asked: bytes) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for a part that has no place in an answer here."""
    extra = dict(leave_out_price(response.extra))
    beside: dict[str, Any] = {}
    carried = response.dialect
    if carried == NAME:
        beside = extra.pop(_RUN, {})
        carried = CARRIED
    said = msgspec.json.decode(chat.write_response(replace(response, dialect=carried, extra=extra)))
    return msgspec.json.encode(overlay({**to_run(said), **repeat(asked)}, beside))


def repeat(asked: bytes) -> dict[str, Any]:
    """What an answer repeats of its request: the caller's own marks, and the model."""
    if not asked:
        return {}
    members = msgspec.json.decode(asked)
    marks = {name: members[name] for name in ECHOED if members.get(name) is not None}
    return {**marks, "model_passport_id": find_model(members)}
