"""Guardrails on the walk: which of them stand for a call, its request as it may go on, its answer as it may be told.

What a guardrail looks for, and what it does about it, is known to `access.guardrails`; here is when it is asked, and
what then becomes of the call's bytes. A call for which none stands pays one question for all this.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import structs

from tallygate.access.guardrails.rules import Guard
from tallygate.access.principal import Principal
from tallygate.dialects.registry import COUNTING
from tallygate.genai.chat import ChatResponse
from tallygate.genai.operation import Response
from tallygate.genai.plan import Plan
from tallygate.pipeline.call import Call, Onward
from tallygate.pipeline.watch import Watch

Choose = Callable[[str, str, tuple[str, ...]], Guard | None]
"""The guardrails for a workspace, a key and the names that are called."""

DEPTH_GROWTH_MAX: Final = 16
"""By how much a request may nest deeper once it is written anew."""

THREAD_BYTES: Final = 65_536
"""What is larger is looked through in a thread of its own, so that other calls have their turn meanwhile."""


def choose_none(_workspace_id: str, _key_id: str, _models: tuple[str, ...]) -> None:
    """No guardrails."""


class Screen:
    """Has requests looked through before anything is held for them."""

    __slots__ = ("_choose",)

    def __init__(self, choose: Choose = choose_none) -> None:
        self._choose = choose

    async def look(self, call: Call, principal: Principal, plan: Plan) -> None:
        """Decide what goes on of a call. It may be asked again for a caller who was identified anew.

        Raises GuardrailBlocked, and what reading a request raises.
        """
        guard = self._choose(principal.workspace_id, principal.key_id, (plan.request_model, *plan.others))
        call.guard, call.replaced = guard, None
        if guard is None:
            return
        guard.check_models()
        if not guard.reads_input:
            return
        if len(call.body) > THREAD_BYTES:
            call.replaced = await asyncio.to_thread(_look_through, call, guard)
        else:
            call.replaced = _look_through(call, guard)


def _look_through(call: Call, guard: Guard) -> Onward | None:
    """The request as it may go on, written anew from what was looked at; None where it may go as it came."""
    is_chat = call.operation != "embed"
    if is_chat and guard.is_clean(call.body):
        return None
    request = call.dialect.read_request(call.body)
    checked = guard.check_request(request)
    if checked is request and not (is_chat and guard.rewrites_input):
        return None
    if call.operation == "count":
        return _write_count(call, checked)
    written, before = call.dialect.write_request(checked), call.peek
    peek = call.dialect.peek(written.body, before.depth + DEPTH_GROWTH_MAX)
    # What is said to this gateway alone need not be in what it writes for others.
    peek = structs.replace(
        peek,
        stream=before.stream,
        include_usage=before.include_usage,
        routing=before.routing,
        tells_run=before.tells_run,
        own=tuple(name for name in before.own if name in peek.spans),
        dropped=(*before.dropped, *written.dropped),
    )
    return Onward(written.body, peek)


def _write_count(call: Call, request: Any) -> Onward:
    """A question for a count, written anew. Like the one that came, it bounds no answer unless that did."""
    dialect, before = COUNTING[call.dialect.name], call.peek
    if request.output_tokens_max is None:
        request = structs.replace(request, output_tokens_max=1)
    written = call.dialect.write_request(request).body
    members = msgspec.json.decode(written, type=dict[str, msgspec.Raw])
    body = msgspec.json.encode({name: member for name, member in members.items() if name in before.spans})
    return Onward(body, dialect.peek_count(body, before.depth + DEPTH_GROWTH_MAX))


_Response = TypeVar("_Response", bound=Response)


async def screen_answer(call: Call, response: _Response, watch: Watch, answer_bytes: int) -> tuple[_Response, bool]:
    """A whole answer as it may be told, and whether it is to be written anew. `answer_bytes` is how long it came.

    Raises GuardrailBlocked.
    """
    guard = call.guard
    if guard is None or not guard.guards_output:
        return response, False
    if answer_bytes > THREAD_BYTES:
        told = await asyncio.to_thread(guard.check_answer, response)
    else:
        told = guard.check_answer(response)
    if told is not response:
        watch.retell(told)
    return told, guard.holds_output and isinstance(told, ChatResponse)
