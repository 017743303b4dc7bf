"""How many tokens a request has, without asking for an answer. Takes no slot and no hold.

The provider's own count where its wire has one, else an estimate that says so in a header. A provider that cannot be
reached is an error, not a reason to guess: its count and ours may differ by much.
"""

from collections.abc import Callable, Mapping

from tallygate.dialects.registry import COUNTING
from tallygate.genai.estimate import estimate_input_tokens
from tallygate.genai.peek import Edits
from tallygate.genai.plan import Plan, Target
from tallygate.pipeline.call import Call
from tallygate.pipeline.reading import ERROR_BODY_BYTES_MAX, read_whole
from tallygate.providers.base import Provider
from tallygate.providers.outgoing import outgoing
from tallygate.transport.base import Exit, Timeouts

UNKNOWN_PATH = (404, 405, 501)
"""How a provider answers that speaks the dialect but does not count."""


class Counter:
    """Answers questions for a count. `providers` maps a provider's name to its row."""

    def __init__(self, exit_: Exit, providers: Callable[[], Mapping[str, Provider]], timeouts: Timeouts) -> None:
        self._exit = exit_
        self._providers = providers
        self._timeouts = timeouts

    async def answer(self, call: Call, plan: Plan) -> None:
        """Answer the call's client. Raises UpstreamError, RequestError."""
        target = plan.targets[0]
        provider = self._providers()[target.provider]
        tokens = await self._ask(call, target, provider) if call.dialect.name in provider.speaks else None
        headers = [("x-tallygate-backend", provider.name)]
        if tokens is None:
            tokens = estimate_input_tokens(COUNTING[call.dialect.name].read_request(call.onward.body))
            headers.append(("x-tallygate-usage-source", "estimated"))
        await call.answer(headers, COUNTING[call.dialect.name].write_count(tokens))

    async def _ask(self, call: Call, target: Target, provider: Provider) -> int | None:
        edits = Edits(model=target.model if target.model != call.peek.model else None)
        body = call.dialect.edit(*call.onward, edits)
        request = outgoing(provider, call.dialect.name, body, call.forwarded, stream=False, counting=True)
        with call.departure.watching():
            answer = await self._exit.send(request, provider.find_timeouts(self._timeouts))
            try:
                answered = await read_whole(answer, ERROR_BODY_BYTES_MAX)
            finally:
                answer.close()
        if answer.status in UNKNOWN_PATH:
            return None
        if answer.status != 200:
            raise call.dialect.read_error(answer.status, answered, answer.headers.get("retry-after"))
        return COUNTING[call.dialect.name].read_count(answered)
