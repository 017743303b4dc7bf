"""From a plan to an answer: asks one target after another, and passes the answer on as it comes.

In every mode (docs/house.md, Three ways through) the reader sees every event before the client does. What a client
takes for the end is handed back to the hallway, which sends it once the call is settled. Nothing is sent without an
`Admitted`; how a request is made is known to `exchange`; prices, keys and routing rules are not known here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from tallygate.access.admission import Admitted
from tallygate.dialects.registry import FITTING, STREAMING
from tallygate.errors import (
    GuardrailBlocked,
    InternalError,
    InvalidAnswer,
    ProviderTimeout,
    ShuttingDown,
    StreamBroken,
    TallygateError,
)
from tallygate.genai.outcome import Outcome, Status
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.genai.unfold import unfold
from tallygate.pipeline.call import Call, ClientGone
from tallygate.pipeline.exchange import Exchange, exchange_headers, prepare
from tallygate.pipeline.failures import Failures, Turn
from tallygate.pipeline.heartbeat import SILENCE_S, Heartbeat
from tallygate.pipeline.passage import introduced, open_passage
from tallygate.pipeline.reading import ANSWER_BYTES_MAX, ERROR_BODY_BYTES_MAX, read_whole
from tallygate.pipeline.screen import screen_answer
from tallygate.pipeline.watch import Watch
from tallygate.providers.base import Provider
from tallygate.providers.outgoing import outgoing
from tallygate.router.circuits import SERVED, UNKNOWN, judge_error
from tallygate.router.gates import Gates, Ticket
from tallygate.telemetry.log import logger
from tallygate.transport.base import Answer, Exit, Timeouts
from tallygate.transport.fetch import Fetched

AFTER_END_MS = 2_000
"""How long upstream's end of body is waited for once its terminator has been seen."""


Fetch = Callable[[Sequence[str]], Awaitable[Mapping[str, Fetched]]]
"""What each URL leads to. Raises RequestError."""


class Relayed(Struct, frozen=True):
    """How a call went, and what is still owed to its client: the closing bytes, or the error."""

    outcome: Outcome
    headers: tuple[tuple[str, str], ...] = ()
    closing: bytes = b""
    error: TallygateError | None = None
    client_gone: bool = False


class Relay:
    """Walks a plan's targets. `providers` maps a provider's name to its row and may be replaced as a whole at run
    time; `fetch` gets media behind URLs; `gates` knows who may be asked; a stream that is silent for `silence_s` gets a
    sign of life.
    """

    def __init__(
        self,
        exit_: Exit,
        providers: Callable[[], Mapping[str, Provider]],
        timeouts: Timeouts,
        *,
        fetch: Fetch,
        gates: Gates,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._exit = exit_
        self._providers = providers
        self._timeouts = timeouts
        self._fetch = fetch
        self._gates = gates
        self._silence_s = silence_s

    async def serve(self, call: Call, plan: Plan, admitted: Admitted, watch: Watch) -> Relayed:
        """Ask the targets in order until one answers. Never raises what a call can survive: the error is in the
        result.
        """
        failures = Failures(plan, self._gates)
        self._gates.retries.earn()
        while (turn := failures.find_next(call.find_left_ms())) is not None:
            watch.begin(turn.target)
            tried = await self._try(call, turn, admitted, watch)
            if isinstance(tried, Relayed):
                return tried
            if isinstance(tried, Excluded):
                failures.leave_out(tried)
                continue
            watch.fail(tried)
            if not failures.note(turn.target, tried) or watch.delivered or call.departure.over:
                break
        error = failures.find_error()
        # What a guardrail keeps from its caller was made all the same.
        status: Status = "partial" if watch.delivered or isinstance(error, GuardrailBlocked) else "failed"
        if status == "failed" and error is call.departure.called_off:
            status = "cancelled"
        return Relayed(watch.outcome(status, error.code), error=error)

    async def _try(
        self, call: Call, turn: Turn, admitted: Admitted, watch: Watch
    ) -> Relayed | Excluded | TallygateError:
        """One attempt, or why there was none. Never raises: what went wrong is returned."""
        ticket: Ticket | Excluded | None = None
        verdict = UNKNOWN
        error: TallygateError
        try:
            with call.departure.watching():
                if turn.pause_s is not None:
                    await asyncio.sleep(turn.pause_s)
                if turn.target.provider not in self._providers():
                    # The configuration was read again since the plan was made.
                    return Excluded(turn.target, f"provider {turn.target.provider} is not configured any more")
                ticket = self._gates.enter(turn.target, admitted.hold.workspace_id)
                if isinstance(ticket, Excluded):
                    return ticket
                exchange = await self._prepare(call, turn.target, admitted)
                relayed = await self._attempt(call, exchange, watch, ticket)
                verdict = SERVED
                return relayed
        except ClientGone:
            return Relayed(watch.outcome("cancelled"), client_gone=True)
        except TallygateError as failure:
            error = failure
            # A call that somebody has stopped says nothing of who was serving it.
            verdict = UNKNOWN if call.departure.over else judge_error(failure)
        except asyncio.CancelledError:
            # The event loop ends. This call ends with it, but not without its settlement.
            error = ShuttingDown()
        except Exception:  # noqa: BLE001 - whatever broke, the call comes to its end
            logger.exception("call %s broke inside the gateway", call.id)
            error = InternalError()
        finally:
            if isinstance(ticket, Ticket):
                ticket.end(verdict)
        return error

    async def _prepare(self, call: Call, target: Target, admitted: Admitted) -> Exchange:
        """The request to one target, with the media behind its URLs where the target fetches none itself."""
        provider = self._providers()[target.provider]
        exchange = prepare(call, target, provider, admitted)
        if not exchange.wants_inline:  # nearly always
            return exchange
        fetched = await self._fetch(exchange.wants_inline)
        media = {url: (found.media_type, found.data) for url, found in fetched.items()}
        return prepare(call, target, provider, admitted, media)

    async def _attempt(self, call: Call, exchange: Exchange, watch: Watch, ticket: Ticket) -> Relayed:
        watch.dropped = exchange.dropped
        forwarded = call.forwarded if exchange.dialect is call.dialect else ()
        request = outgoing(exchange.provider, exchange.dialect.name, exchange.body, forwarded, stream=call.peek.stream)
        serve = exchange.provider.serve
        headers = exchange_headers(call, exchange)
        with Heartbeat(call, headers, self._silence_s) as heartbeat:
            watch.send(request.body)
            timeouts = exchange.provider.find_timeouts(self._timeouts)
            answer = await (serve(request) if serve else self._exit.send(request, timeouts))
            try:
                if answer.status >= 300:
                    body = await read_whole(answer, ERROR_BODY_BYTES_MAX)
                    raise exchange.dialect.read_error(answer.status, body, answer.headers.get("retry-after"))
                if not call.peek.stream:
                    return await self._whole(call, exchange, answer, watch, headers)
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind == "application/json":
                    return await self._unfolded(call, exchange, answer, watch)
                if kind == "text/html":
                    raise InvalidAnswer("The provider sent a web page where a stream was asked for.")
                return await self._stream(call, exchange, answer, watch, heartbeat, ticket)
            finally:
                answer.close()

    async def _whole(
        self, call: Call, exchange: Exchange, answer: Answer, watch: Watch, headers: tuple[tuple[str, str], ...]
    ) -> Relayed:
        body = await read_whole(answer, ANSWER_BYTES_MAX)
        response = exchange.dialect.read_response(body)
        watch.see_whole(response)
        response, anew = await screen_answer(call, response, watch, len(body))
        if anew:
            headers = exchange_headers(call, exchange)
        if anew or exchange.dialect is not call.dialect:
            body = call.dialect.write_response(introduced(response, call), call.body)
        elif fitting := FITTING.get(call.dialect.name):
            body = fitting.fit(body, response, call.body)
        return Relayed(watch.outcome("ok"), headers, body)

    async def _unfolded(self, call: Call, exchange: Exchange, answer: Answer, watch: Watch) -> Relayed:
        """A provider that answers a stream request with a whole answer: the client still gets its stream."""
        whole = await read_whole(answer, ANSWER_BYTES_MAX)
        response = STREAMING[exchange.dialect.name].read_response(whole)
        watch.see_whole(response)
        response, _ = await screen_answer(call, response, watch, len(whole))
        writer = call.streaming.writer(include_usage=call.peek.include_usage, asked=call.body)
        body = b"".join(writer.feed(event) for event in unfold(introduced(response, call)))
        return Relayed(watch.outcome("ok"), exchange_headers(call, exchange), body)

    async def _stream(
        self, call: Call, exchange: Exchange, answer: Answer, watch: Watch, heartbeat: Heartbeat, ticket: Ticket
    ) -> Relayed:
        # Each event of each stream passes here: nothing is called that need not be.
        passage = open_passage(call, exchange, watch)
        while not watch.ended:
            data = await answer.read()
            failure = passage.take(data)
            if watch.begun and passage.ready:
                if ticket.is_probe:
                    ticket.prove()
                if not call.started:
                    await heartbeat.start()
                # Counted first: whoever interrupts the wait behind a write finds the bytes handed on already.
                watch.count_chunk()
                await call.client.send(passage.release())
                heartbeat.touch()
            if failure is not None:
                raise failure
        await _await_end(answer)
        return Relayed(watch.outcome("ok"), exchange_headers(call, exchange), passage.release() + passage.held)


async def _await_end(answer: Answer) -> None:
    """Wait shortly for upstream's clean end, so that its connection can serve again; without it the answer still
    counts.
    """
    try:
        async with asyncio.timeout(AFTER_END_MS / 1000):
            while await answer.read():
                pass
    except (TimeoutError, StreamBroken, ProviderTimeout):
        return
