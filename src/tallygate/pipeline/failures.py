"""What went wrong at the targets of one call, and what follows from it: who is asked next and when, and what the client
is told.

Nothing is sent or written here. A target is asked twice only where nothing can have been billed: nothing was sent to
it, or it said itself when to come again (docs/reference/routing.md, Asking again).
"""

from typing import Final

from msgspec import Struct

from tallygate.errors import (
    InternalError,
    NoTarget,
    NothingFits,
    PayloadTooLarge,
    ProviderNotConnected,
    ProviderOverloaded,
    ProviderRejected,
    TallygateError,
    UnsupportedParameter,
    UpstreamError,
)
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.router.choice import refuse
from tallygate.router.gates import Gates
from tallygate.router.plan import clean_name

PAUSE_MS: Final = 250
"""How long a provider that could not be reached is given to come back."""

TOLD_MAX: Final = 10
"""How many targets a sentence names. Programs read of all of them."""


class Turn(Struct, frozen=True):
    """Who is asked, and after which pause; None: at once, for nobody was asked before."""

    target: Target
    pause_s: float | None = None


class Failures:
    """The attempts of one call that have failed, and the targets that are left. Nearly every call has none of those."""

    __slots__ = ("_again", "_error", "_gates", "_left", "_lines", "_plan", "_refused", "_retried", "_shut", "_unfit")

    def __init__(self, plan: Plan, gates: Gates) -> None:
        self._plan = plan
        self._gates = gates
        self._left = iter(plan.targets)
        self._error: TallygateError | None = None
        self._lines: tuple[str, ...] = ()
        self._again: tuple[tuple[int, Target], ...] = ()
        self._retried = 0
        self._unfit: tuple[Excluded, ...] = ()
        self._shut: tuple[Excluded, ...] = ()
        self._refused: tuple[str, ...] = ()

    @property
    def noted(self) -> bool:
        """True once an attempt has failed."""
        return self._error is not None or bool(self._unfit)

    def find_next(self, left_ms: float | None = None) -> Turn | None:
        """Who is asked now; None if nobody is left. `left_ms`: until the call must be over, if it must."""
        for target in self._left:
            if target.sold_as in self._refused:
                # An equal has refused the request.
                continue
            if not self.noted:
                return Turn(target)
            self._gates.retries.take_over()
            # A request may be translated for many targets in vain: others have their turn in between.
            return Turn(target, 0)
        return self._find_again(left_ms)

    def _find_again(self, left_ms: float | None) -> Turn | None:
        """Nobody new is left: the one who said that it can be asked soonest, if there is the time and the budget."""
        rules = self._gates.rules
        if not self._again or self._retried >= rules.retries_max:
            return None
        soonest = min(self._again, key=lambda item: item[0])
        wait_ms, target = soonest
        if wait_ms > rules.retry_wait_ms_max or (left_ms is not None and wait_ms >= left_ms):
            return None
        if not self._gates.retries.spend():
            return None
        self._retried += 1
        self._again = tuple(item for item in self._again if item is not soonest)
        return Turn(target, wait_ms / 1000)

    def leave_out(self, excluded: Excluded) -> None:
        """A target was not asked: it may not be, since the plan was made."""
        self._shut = (*self._shut, excluded)

    def note(self, target: Target, error: TallygateError) -> bool:
        """An attempt has failed. Returns whether another one may serve what this one could not.

        What a provider refuses as the caller's mistake, equals would refuse as well; but another model may be able to
        read more, or have other rules.
        """
        if isinstance(error, NothingFits):
            self._unfit = (*self._unfit, Excluded(target, error.message, "require_parameters"))
            return True
        self._error = error
        self._lines = (*self._lines, f"{clean_name(str(target))}: {error.status} {error.code}")
        if isinstance(error, ProviderNotConnected):
            self._again = (*self._again, (PAUSE_MS, target))
        elif isinstance(error, ProviderOverloaded) and error.retry_after_s is not None:
            self._again = (*self._again, (error.retry_after_s * 1000, target))
        if self._plan.others and isinstance(error, ProviderRejected | PayloadTooLarge):
            self._refused = (*self._refused, target.sold_as)
            return True
        return isinstance(error, UpstreamError | UnsupportedParameter)

    def find_error(self) -> TallygateError:
        """What the client is told: the last failure, with everybody who was asked, or not, and why; why nobody was
        asked, if nobody was.
        """
        if self._error is not None:
            return self._tell_all(self._error)
        left_out = (*self._plan.excluded, *self._unfit, *self._shut)
        if not left_out:
            return NoTarget()
        return refuse((self._plan.request_model, *self._plan.others), left_out)

    def _tell_all(self, error: TallygateError) -> TallygateError:
        others = (*self._plan.excluded, *self._unfit, *self._shut)
        lines = (*self._lines, *(f"{clean_name(str(item.target))}: {item.reason}" for item in others))
        if len(lines) > 1 and not isinstance(error, InternalError):
            error.details["attempts"] = lines
            more = f"; and {len(lines) - TOLD_MAX} more" if len(lines) > TOLD_MAX else ""
            error.message = f"{error.message} Each in turn: {'; '.join(lines[:TOLD_MAX])}{more}."
        return error
