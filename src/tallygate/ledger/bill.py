"""What a finished call comes to: whose count is believed, what is counted or estimated where there is none, and what
costs nothing. Each rule is a row of docs/reference/settlement.md.

Pure. That no more is paid than was held is the fold's business; a guess of ours is cut to the hold here, because nobody
may bear a loss that was only guessed.
"""

from msgspec import Struct, structs

from tallygate.genai.book import Hold
from tallygate.genai.details import UsageSource
from tallygate.genai.items import Bound
from tallygate.genai.outcome import Outcome
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.ledger.money import AMOUNT_MAX, count_affordable
from tallygate.ledger.prices import Price, charge

BYTES_PER_TOKEN = 4
"""Of UTF-8 text, as tokenizers of today's models come to on prose. The caller's favour is meant where it is off."""


class Bill(Struct, frozen=True):
    """The usage that is charged for, who counted it, and the amount. `amount_nusd` may be more than was held if the
    provider's count says so.
    """

    usage: Usage
    source: UsageSource
    amount_nusd: int


def draw_up(outcome: Outcome, price: Price, bound: Bound, hold: Hold, body_bytes: int) -> Bill:
    """The bill of a call of which something was sent, at the price that its hold pins. `body_bytes`: of its request."""
    if is_waived(outcome):
        reported = outcome.usage
        return Bill(reported or Usage(), "counted" if reported is None else "provider", 0)
    if outcome.status == "ok" and outcome.usage is not None:
        usage, source = outcome.usage, "provider"
    else:
        usage, source = _complete(outcome, price, bound, body_bytes)
    amount_max_nusd = AMOUNT_MAX if source == "provider" else hold.amount_nusd
    return Bill(usage, source, min(charge(price, usage), amount_max_nusd))


def is_waived(outcome: Outcome) -> bool:
    """Whether a call costs nothing: it failed, or its answer says nothing and gives no good reason for its end.

    A client who leaves an answer that has not begun is no such case: what it asked has been read.
    """
    if outcome.status in ("failed", "refused"):
        return True
    if outcome.status == "cancelled" or outcome.produced:
        return False
    return all(reason == "error" for reason in outcome.finish_reasons)


def list_used(outcome: Outcome, bill: Bill) -> list[tuple[Target, Usage]]:
    """What each attempt used at its provider, as far as anybody knows: for what the house owes.

    The last one used what is charged for, even if its provider never said so; the others what they reported.
    """
    used = [(attempt.target, attempt.usage) for attempt in outcome.attempts]
    if used and not is_waived(outcome):
        used[-1] = (used[-1][0], bill.usage)
    return [(target, usage) for target, usage in used if usage is not None]


def _complete(outcome: Outcome, price: Price, bound: Bound, body_bytes: int) -> tuple[Usage, UsageSource]:
    """The provider's counts so far, and ours where they say nothing or less than was handed on."""
    reported = outcome.usage or Usage()
    counted = max(-(-outcome.output_bytes // BYTES_PER_TOKEN), int(outcome.produced and outcome.in_tokens))
    usage = structs.replace(
        reported,
        input_tokens=reported.input_tokens or _estimate_input(price, bound, body_bytes),
        output_tokens=max(reported.output_tokens, counted),
    )
    if usage == outcome.usage:
        return usage, "provider"
    return usage, "counted" if counted else "estimated"


def _estimate_input(price: Price, bound: Bound, body_bytes: int) -> int:
    """The request's bytes as tokens, but no more than the input that the hold was made for: media are few tokens in
    many bytes.
    """
    tokens = -(-body_bytes // BYTES_PER_TOKEN)
    rate_pusd = price.rates_for(tokens).rate("input") or 0
    return min(tokens, count_affordable(bound.fixed_nusd, rate_pusd)) if rate_pusd else tokens
