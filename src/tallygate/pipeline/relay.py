"""From a plan to an answer: asks one target after another, and passes the answer on as it comes.

Three modes (docs/house.md, Three ways through): verbatim (bytes through), edited (named keys of the request changed in
place, whole events withheld), translated (another dialect at the far end). In all of them the reader sees every event
before the client does. What a client takes for the end is handed back to the hallway, which sends it once the call is
settled. Nothing is sent without an `Admitted`, whose cap goes into every request; prices, keys and routing rules are
not known here.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct, structs

from tallygate.access.admission import Admitted
from tallygate.dialects.base import Dialect, Frame, Written
from tallygate.dialects.registry import DIALECTS
from tallygate.dialects.sse import is_own_comment
from tallygate.errors import (
    InternalError,
    InvalidAnswer,
    NoTarget,
    ProviderTimeout,
    ShuttingDown,
    StreamBroken,
    TallygateError,
    UnsupportedParameter,
    UpstreamError,
)
from tallygate.genai.chat import ChatResponse
from tallygate.genai.outcome import Outcome, Status
from tallygate.genai.peek import Edits
from tallygate.genai.plan import Plan, Target
from tallygate.genai.stream import Started
from tallygate.genai.unfold import unfold
from tallygate.ledger.bound import OUTPUT_TOKENS_DEFAULT
from tallygate.pipeline.call import Call, ClientGone
from tallygate.pipeline.heartbeat import SILENCE_S, Heartbeat
from tallygate.pipeline.reading import ANSWER_BYTES_MAX, ERROR_BODY_BYTES_MAX, read_whole
from tallygate.pipeline.watch import Watch
from tallygate.providers.base import Provider
from tallygate.providers.outgoing import outgoing
from tallygate.telemetry import logger
from tallygate.transport.base import Answer, Exit, Timeouts

AFTER_END_MS = 2_000
"""How long upstream's end of body is waited for once its terminator has been seen."""

RECEIPT_ID = "x-tallygate-receipt-id"

DEPTH_GROWTH_MAX = 16
"""By how much a request may nest deeper after its translation."""


class Relayed(Struct, frozen=True):
    """How a call went, and what is still owed to its client: the closing bytes, or the error."""

    outcome: Outcome
    headers: tuple[tuple[str, str], ...] = ()
    closing: bytes = b""
    error: TallygateError | None = None
    client_gone: bool = False


class Exchange(Struct, frozen=True):
    """One prepared request to one target: who, in which dialect, the bytes, and what they could not carry.

    `shown_cap` is the bound on the answer, in tokens, where it is tighter than what the caller asked for or would have
    got.
    """

    target: Target
    provider: Provider
    dialect: Dialect
    body: bytes
    dropped: tuple[str, ...]
    withhold_usage: bool
    shown_cap: int | None = None


class Relay:
    """Walks a plan's targets. `providers` maps a provider's name to its row and may be replaced as a whole at run
    time; a stream that is silent for `silence_s` gets a sign of life.
    """

    def __init__(
        self,
        exit_: Exit,
        providers: Callable[[], Mapping[str, Provider]],
        timeouts: Timeouts,
        *,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._exit = exit_
        self._providers = providers
        self._timeouts = timeouts
        self._silence_s = silence_s

    async def serve(self, call: Call, plan: Plan, admitted: Admitted, watch: Watch) -> Relayed:
        """Ask the targets in order until one answers. Never raises what a call can survive: the error is in the
        result.
        """
        error: TallygateError = NoTarget()
        for target in plan.targets:
            watch.begin(target)
            try:
                with call.departure.watching():
                    return await self._attempt(call, self._prepare(call, target, admitted), watch)
            except ClientGone:
                return Relayed(watch.outcome("cancelled"), client_gone=True)
            except TallygateError as failure:
                error = failure
            except asyncio.CancelledError:
                # The event loop ends. This call ends with it, but not without its settlement.
                error = ShuttingDown()
            except Exception:  # noqa: BLE001 - whatever broke, the call comes to its end
                logger.exception("call %s broke inside the gateway", call.id)
                error = InternalError()
            watch.fail(error)
            if watch.delivered or not isinstance(error, UpstreamError | UnsupportedParameter):
                break
        status: Status = "partial" if watch.delivered else "failed"
        return Relayed(watch.outcome(status, error.code), error=error)

    async def _attempt(self, call: Call, exchange: Exchange, watch: Watch) -> Relayed:
        watch.dropped = exchange.dropped
        forwarded = call.forwarded if exchange.dialect is call.dialect else ()
        request = outgoing(exchange.provider, exchange.dialect.name, exchange.body, forwarded, stream=call.peek.stream)
        serve = exchange.provider.serve
        headers = _headers(call, exchange)
        with Heartbeat(call, headers, self._silence_s) as heartbeat:
            watch.send(request.body)
            answer = await (serve(request) if serve else self._exit.send(request, self._timeouts))
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
                return await self._stream(call, exchange, answer, watch, heartbeat)
            finally:
                answer.close()

    def _prepare(self, call: Call, target: Target, admitted: Admitted) -> Exchange:
        provider = self._providers()[target.provider]
        peek, cap = call.peek, admitted.output_cap
        if call.dialect.name not in provider.speaks:
            return _translate(call, target, provider, admitted)
        ask_usage = peek.stream and provider.stream_usage and not peek.include_usage
        is_capped = cap is not None or peek.output_tokens_max is not None
        edits = Edits(
            model=target.model if target.model != peek.model else None,
            output_tokens_max=cap if cap != peek.output_tokens_max else None,
            output_cap_key=provider.output_cap_key if is_capped else None,
            include_usage=ask_usage,
            lift_system=peek.has_system,
        )
        body = call.body if edits.empty else call.dialect.edit(call.body, peek, edits)
        withhold_usage = not peek.include_usage
        return Exchange(target, provider, call.dialect, body, (), withhold_usage, _find_shown_cap(call, admitted))

    async def _whole(
        self, call: Call, exchange: Exchange, answer: Answer, watch: Watch, headers: tuple[tuple[str, str], ...]
    ) -> Relayed:
        body = await read_whole(answer, ANSWER_BYTES_MAX)
        response = exchange.dialect.read_response(body)
        watch.see_whole(response)
        if exchange.dialect is not call.dialect:
            body = call.dialect.write_response(_dated(response), call.body)
        return Relayed(watch.outcome("ok"), headers, body)

    async def _unfolded(self, call: Call, exchange: Exchange, answer: Answer, watch: Watch) -> Relayed:
        """A provider that answers a stream request with a whole answer: the client still gets its stream."""
        response = exchange.dialect.read_response(await read_whole(answer, ANSWER_BYTES_MAX))
        watch.see_whole(response)
        writer = call.dialect.writer(include_usage=call.peek.include_usage, asked=call.body)
        body = b"".join(writer.feed(event) for event in unfold(_dated(response)))
        return Relayed(watch.outcome("ok"), _headers(call, exchange), body)

    async def _stream(
        self, call: Call, exchange: Exchange, answer: Answer, watch: Watch, heartbeat: Heartbeat
    ) -> Relayed:
        passage = Passage(call, exchange, watch)
        while not watch.ended:
            data = await answer.read()
            failure = passage.take(data)
            if watch.begun and passage.ready:
                await heartbeat.start()
                # Counted first: whoever interrupts the wait behind a write finds the bytes handed on already.
                watch.count_chunk()
                await call.client.send(passage.release())
                heartbeat.touch()
            if failure is not None:
                raise failure
        await _await_end(answer)
        return Relayed(watch.outcome("ok"), _headers(call, exchange), passage.release() + passage.held)


class Passage:
    """The bytes of one stream on their way: what may go now (`ready`), what waits until the call is closed (`held`).

    A failure is returned, not raised, because the events before it are the provider's answer and still go out.
    """

    def __init__(self, call: Call, exchange: Exchange, watch: Watch) -> None:
        same = exchange.dialect is call.dialect
        self._reader = exchange.dialect.reader()
        self._writer = None if same else call.dialect.writer(include_usage=call.peek.include_usage, asked=call.body)
        self._withhold_usage = same and exchange.withhold_usage
        self._watch = watch
        self._ready: list[bytes] = []
        self.held = b""

    @property
    def ready(self) -> bool:
        """True if there is something to send now."""
        return bool(self._ready)

    def release(self) -> bytes:
        """What may go now, taken out."""
        ready, self._ready = self._ready, []
        return ready[0] if len(ready) == 1 else b"".join(ready)

    def take(self, data: bytes) -> TallygateError | None:
        """Bytes as they came, empty at their end. Returns what the stream failed with, if it did."""
        try:
            for frame in self._reader.feed(data) if data else self._reader.finish():
                self._watch.see(frame.events)
                self._take_frame(frame)
        except TallygateError as failure:
            return failure
        return None if data or self._watch.ended else StreamBroken()

    def _take_frame(self, frame: Frame) -> None:
        if (frame.only_usage and self._withhold_usage) or is_own_comment(frame.raw):
            return
        piece = frame.raw if self._writer is None else b"".join(map(self._writer.feed, map(_dated, frame.events)))
        if frame.closing:
            self.held += piece
        elif piece:
            # Something follows what looked like the end: the order of the bytes matters more.
            if self.held:
                self._ready.append(self.held)
                self.held = b""
            self._ready.append(piece)


def _translate(call: Call, target: Target, provider: Provider, admitted: Admitted) -> Exchange:
    dialect = DIALECTS[next(iter(provider.speaks))]
    request = call.dialect.read_request(call.body)
    cap = request.output_tokens_max if admitted.output_cap is None else admitted.output_cap
    shown_cap = _find_shown_cap(call, admitted)
    if dialect.needs_output_cap and cap is None:
        cap = shown_cap = provider.output_tokens_default
    request = structs.replace(
        request,
        model=target.model,
        output_tokens_max=cap,
        include_usage=call.peek.stream and provider.stream_usage,
        trial=any(name == call.dialect.trial_header for name, _ in call.forwarded),
    )
    written: Written = dialect.write_request(request)
    if written.wants_inline:
        raise UnsupportedParameter("The provider of this model takes documents and media inline only; send the data.")
    body = written.body
    if request.output_tokens_max is not None:
        written_peek = dialect.peek(body, call.peek.depth + DEPTH_GROWTH_MAX)
        body = dialect.edit(body, written_peek, Edits(output_cap_key=provider.output_cap_key))
    return Exchange(target, provider, dialect, body, written.dropped, False, shown_cap)


def _find_shown_cap(call: Call, admitted: Admitted) -> int | None:
    """The cap that the answer is held to, where it cuts what the caller named, or what it would have got."""
    cap, wanted, bound = admitted.output_cap, call.peek.output_tokens_max, admitted.quote.bound
    if cap is None:
        return None
    if wanted is not None:
        return cap if cap < wanted else None
    # Nobody knew how long this model's answers may become, or the balance was too short for that.
    return cap if cap < bound.output_tokens_max or cap == OUTPUT_TOKENS_DEFAULT else None


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


Dated = TypeVar("Dated")


def _dated(said: Dated) -> Dated:
    """An answer, or the beginning of one, with a time if its own dialect tells none: others promise one."""
    if isinstance(said, ChatResponse | Started) and not said.created_s:
        return structs.replace(said, created_s=int(time.time()))
    return said


def _headers(call: Call, exchange: Exchange) -> tuple[tuple[str, str], ...]:
    headers = [
        ("x-tallygate-model", _plain(exchange.target.model)),
        ("x-tallygate-backend", exchange.provider.name),
        (RECEIPT_ID, call.id),
    ]
    if exchange.dropped:
        headers.append(("x-tallygate-dropped", ", ".join(exchange.dropped)))
    if exchange.shown_cap is not None:
        headers.append(("x-tallygate-output-cap", str(exchange.shown_cap)))
    return tuple(headers)


def _plain(text: str) -> str:
    """A model's name as a header value: visible ASCII only, so that no name can end a header line."""
    if len(text) <= 256 and text.isascii() and text.isprintable() and " " not in text:
        return text
    return "".join(char if "!" <= char <= "~" else "?" for char in text[:256])
