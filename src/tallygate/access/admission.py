"""The turnstile: the first of the two transactions of a call. Whoever passes holds the money and a slot; nobody else
can make an `Admitted`, and nothing goes to a provider without one.

What may pass is decided by the fold, in the database (docs/reference/ledger.md, Admission). Here it is only asked,
asked again where that is right, and put into words.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from tallygate.access.claims import digest_request, make_claim
from tallygate.access.permissions import MODELS_USE, require
from tallygate.access.principal import Principal
from tallygate.access.refusals import explain_refusal
from tallygate.errors import IdempotencyAnswerGone, IdempotencyInProgress, StoreUnavailable
from tallygate.genai.book import SLOTS_MAX, Answer, Hold
from tallygate.genai.items import Admission
from tallygate.genai.rate_standing import RateStanding
from tallygate.genai.results import Held, Refused, Replay, Result, Running, Stale
from tallygate.genai.secret import Secret
from tallygate.ledger.quote import Quote
from tallygate.ledger.rates import find_standings

Admit = Callable[[Admission], Awaitable[Result]]
Identify = Callable[[Secret | None, str], Awaitable[Principal]]
Rest = Callable[[float], Awaitable[None]]
"""Waits for so many seconds, and raises if there is nobody left to wait for."""
Stand = Callable[[tuple[RateStanding, ...]], None]
"""Is told how a caller stands with its limits of requests and tokens, if it has some."""

STALE_MAX: Final = 3
"""How often a caller is identified anew: a key that changes faster than that is being changed by a loop."""

PAUSE_S: Final = 0.05
PAUSE_MAX_S: Final = 1.0
"""How often a call is asked about that another one waits for: soon at first, then once a second."""


class Asked(Struct, frozen=True, kw_only=True):
    """What somebody wants to pass with. `address` is method and path; `peer` where it came from; `claim_key` an
    Idempotency-Key's text. The call is booked under the first of `models`, and may be served under each.
    """

    call_id: str
    credential: Secret | None
    address: str
    body: bytes
    models: tuple[str, ...]
    quote: Quote
    claim_key: str | None = None
    peer: str = ""


class Admitted(Struct, frozen=True):
    """A call that may be made, once: its money and its slot are held. Made by the turnstile and nowhere else."""

    key_id: str
    quote: Quote
    hold: Hold

    @property
    def output_cap(self) -> int | None:
        """The cap on the answer, in tokens, that the hold was made for; None where output costs nothing."""
        return self.hold.output_tokens_max if self.quote.bound.output_price_pusd else None


class Answered(Struct, frozen=True):
    """A call that was made before, with the same Idempotency-Key, and where its answer is kept."""

    hold_id: str
    answer: Answer


class Turnstile:
    """Lets calls pass. `admit` is the store's writer, `identify` the doorman; `keep_s` is how long a finished
    Idempotency-Key counts, `wait_s` how long a second call waits for the first one with its key.
    """

    def __init__(
        self, admit: Admit, identify: Identify, *, keep_s: int, slots_max: int = SLOTS_MAX, wait_s: float = 600.0
    ) -> None:
        self._admit = admit
        self._identify = identify
        self._keep_s = keep_s
        self._slots_max = slots_max
        self._wait_s = wait_s

    async def admit(
        self, principal: Principal, asked: Asked, rest: Rest, stand: Stand | None = None
    ) -> Admitted | Answered:
        """Let a call pass, or say that it was answered before. `rest` is only called while nothing is held.

        Raises: InvalidApiKey, PermissionDenied, ModelAccessDenied, InsufficientBalance, BudgetExceeded,
        ConcurrencyLimit, RateLimited, IdempotencyConflict, IdempotencyInProgress, IdempotencyAnswerGone,
        StoreUnavailable, and what `rest` raises.
        """
        digest = b"" if asked.claim_key is None else digest_request(asked.address, asked.body)
        stale, pause_s, waited_s = 0, PAUSE_S, 0.0
        while True:
            match await self._admit(self._write(principal, asked, digest)):
                case Held(hold, rates):
                    if rates and stand is not None:
                        stand(find_standings(rates))
                    return Admitted(principal.key_id, asked.quote, hold)
                case Replay(hold_id, answer):
                    if answer is None:
                        raise IdempotencyAnswerGone
                    return Answered(hold_id, answer)
                case Refused() as refused:
                    if refused.rates and stand is not None:
                        stand(find_standings(refused.rates))
                    raise explain_refusal(refused)
                case Stale():
                    if stale == STALE_MAX:
                        raise StoreUnavailable("This API key keeps changing; try again.", retry_after_s=1)
                    stale += 1
                    principal = await self._identify(asked.credential, asked.peer)
                    for model in asked.models:
                        require(principal, MODELS_USE, model=model)
                case Running():
                    if waited_s >= self._wait_s:
                        raise IdempotencyInProgress
                    await rest(pause_s)
                    waited_s += pause_s
                    pause_s = min(2 * pause_s, PAUSE_MAX_S)
                case result:
                    raise AssertionError(f"an admission does not end in {type(result).__name__}")

    def _write(self, principal: Principal, asked: Asked, digest: bytes) -> Admission:
        """The question to the book. The writer puts its own epoch in."""
        key = asked.claim_key
        return Admission(
            hold_id=asked.call_id,
            epoch="",
            workspace_id=principal.workspace_id,
            user_id=principal.user_id,
            key_id=principal.key_id,
            key_version=principal.key_version,
            model=asked.models[0],
            price_version=asked.quote.price_version,
            bound=asked.quote.bound,
            slots_max=self._slots_max,
            claim=None if key is None else make_claim(principal, key, digest, self._keep_s),
        )
