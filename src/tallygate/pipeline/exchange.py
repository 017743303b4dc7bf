"""One request to one target, prepared: as it came, edited in place, or translated into a dialect the provider speaks.

Three modes (docs/house.md, Three ways through). Nothing is sent here, and no price or rule of routing is known; the cap
that was admitted goes into every request.
"""

from types import MappingProxyType

from msgspec import Struct

from tallygate.access.admission import Admitted
from tallygate.dialects.base import Dialect, Written
from tallygate.dialects.registry import DIALECTS, NAMING, PASSPORTED
from tallygate.errors import NothingFits
from tallygate.genai.inlining import Media
from tallygate.genai.operation import Aim
from tallygate.genai.peek import Edits
from tallygate.genai.plan import Target
from tallygate.ledger.bound import OUTPUT_TOKENS_DEFAULT
from tallygate.pipeline.call import Call
from tallygate.providers.base import Provider

RECEIPT_ID = "x-tallygate-receipt-id"

NO_MEDIA: Media = MappingProxyType({})

DEPTH_GROWTH_MAX = 16
"""By how much a request may nest deeper after its translation."""


class Exchange(Struct, frozen=True):
    """One prepared request to one target: who, in which dialect, the bytes, and what they could not carry.

    `shown_cap` is the bound on the answer, in tokens, where it is tighter than what the caller asked for or would have
    got. `wants_inline` are URLs whose media must be fetched first: then the request is prepared once more.
    """

    target: Target
    provider: Provider
    dialect: Dialect
    body: bytes
    dropped: tuple[str, ...]
    withhold_usage: bool
    shown_cap: int | None = None
    wants_inline: tuple[str, ...] = ()


def prepare(call: Call, target: Target, provider: Provider, admitted: Admitted, media: Media = NO_MEDIA) -> Exchange:
    """The request to one target. `media` is what the URLs it wants inline led to.

    Raises UnsupportedParameter, NothingFits where something would be left out that the caller requires,
    MediaUnavailable for media that is not what the request says, and what reading the call's body raises.
    """
    (source, peek), cap = call.onward, admitted.output_cap
    if call.dialect.name not in provider.speaks:
        return _translate(call, target, provider, admitted, media)
    ask_usage = peek.stream and provider.stream_usage and not peek.include_usage
    is_capped = cap is not None or peek.output_tokens_max is not None
    edits = Edits(
        model=target.model if target.model != peek.model else None,
        output_tokens_max=cap if cap != peek.output_tokens_max else None,
        output_cap_key=provider.output_cap_key if is_capped else None,
        include_usage=ask_usage,
        lift_system=peek.has_system,
        leave_out=peek.own,
    )
    body = source if edits.empty else call.dialect.edit(source, peek, edits)
    withhold_usage = not peek.include_usage
    return Exchange(target, provider, call.dialect, body, (), withhold_usage, _find_shown_cap(call, admitted))


def _translate(call: Call, target: Target, provider: Provider, admitted: Admitted, media: Media) -> Exchange:
    dialect = _choose_dialect(provider, call.operation)
    source, peek = call.onward
    cap = call.peek.output_tokens_max if admitted.output_cap is None else admitted.output_cap
    shown_cap = _find_shown_cap(call, admitted)
    if dialect.needs_output_cap and cap is None:
        cap = shown_cap = provider.output_tokens_default
    aim = Aim(
        model=target.model,
        output_tokens_max=cap,
        include_usage=call.peek.stream and provider.stream_usage,
        trial=any(name == call.dialect.trial_header for name, _ in call.forwarded),
        cache_hints=provider.cache_hints,
        media=media,
    )
    written: Written = dialect.write_request(call.dialect.read_request(source).aimed(aim))
    _require(call, provider, written.dropped)
    body = written.body
    if cap is not None:
        written_peek = dialect.peek(body, call.peek.depth + DEPTH_GROWTH_MAX)
        body = dialect.edit(body, written_peek, Edits(output_cap_key=provider.output_cap_key))
    return Exchange(
        target, provider, dialect, body, (*peek.dropped, *written.dropped), False, shown_cap, written.wants_inline
    )


def _require(call: Call, provider: Provider, dropped: tuple[str, ...]) -> None:
    """Refuse to leave anything out for a caller who wants only those who can honour all of it."""
    routing = call.peek.routing
    if dropped and routing is not None and routing.require_parameters:
        raise NothingFits(f"for provider {provider.name} {', '.join(dropped)} would have to be left out")


def _choose_dialect(provider: Provider, operation: str) -> Dialect:
    """The first dialect of the row in which this can be asked: a plan holds no provider that has none."""
    return next(dialect for name in provider.speaks if (dialect := DIALECTS[name]).operation == operation)


def _find_shown_cap(call: Call, admitted: Admitted) -> int | None:
    """The cap that the answer is held to, where it cuts what the caller named, or what it would have got."""
    cap, wanted, bound = admitted.output_cap, call.peek.output_tokens_max, admitted.quote.bound
    if cap is None:
        return None
    if wanted is not None:
        return cap if cap < wanted else None
    # Nobody knew how long this model's answers may become, or the balance was too short for that.
    return cap if cap < bound.output_tokens_max or cap == OUTPUT_TOKENS_DEFAULT else None


def exchange_headers(call: Call, exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """The headers that tell the client who serves it, and what of its request was changed on the way."""
    headers = [*target_headers(call, exchange.target), *id_headers(call)]
    if exchange.dropped:
        headers.append(("x-tallygate-dropped", ", ".join(exchange.dropped)))
    if call.guard is not None and (redacted := call.guard.redacted):
        headers.append(("x-tallygate-redacted", ", ".join(map(_plain, redacted))))
    if exchange.shown_cap is not None:
        headers.append(("x-tallygate-output-cap", str(exchange.shown_cap)))
    return tuple(headers)


def target_headers(call: Call, target: Target) -> tuple[tuple[str, str], ...]:
    """Who serves, or was asked last."""
    headers = (("x-tallygate-model", _plain(target.model)), ("x-tallygate-backend", target.provider))
    passported = PASSPORTED.get(call.dialect.name)
    if passported is None:
        return headers
    named = passported.passport_headers(call.peek.model, target)
    return (*headers, *((name, _plain(text)) for name, text in named))


def id_headers(call: Call) -> tuple[tuple[str, str], ...]:
    """The call's id, and the answer's where the client's dialect names it."""
    naming = NAMING.get(call.dialect.name)
    return (
        (RECEIPT_ID, call.id),
        *(() if naming is None else ((naming.id_header, naming.name_answer(call.id)),)),
    )


def _plain(text: str) -> str:
    """A model's name as a header value: visible ASCII only, so that no name can end a header line."""
    if len(text) <= 256 and text.isascii() and text.isprintable() and " " not in text:
        return text
    return "".join(char if "!" <= char <= "~" else "?" for char in text[:256])
