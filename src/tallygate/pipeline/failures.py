"""What went wrong at the targets of one call, and what follows from it: who is asked next, and what the client is told.

Nothing is sent or written here.
"""

from tallygate.errors import (
    NoTarget,
    NothingFits,
    PayloadTooLarge,
    ProviderRejected,
    TallygateError,
    UnsupportedParameter,
    UpstreamError,
)
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.router.choice import refuse


class Failures:
    """The failed attempts at the targets of a plan, in order. Nearly every call has none."""

    __slots__ = ("_error", "_plan", "_refused", "_unfit")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._error: TallygateError | None = None
        self._unfit: tuple[Excluded, ...] = ()
        self._refused: tuple[str, ...] = ()

    @property
    def noted(self) -> bool:
        """True once an attempt has failed."""
        return self._error is not None or bool(self._unfit)

    def note(self, target: Target, error: TallygateError) -> bool:
        """An attempt has failed. Returns whether another target may serve what this one could not.

        What a provider refuses as the caller's mistake, equals would refuse as well; but another model may be able to
        read more, or have other rules.
        """
        if isinstance(error, NothingFits):
            self._unfit = (*self._unfit, Excluded(target, error.message, "require_parameters"))
            return True
        self._error = error
        if self._plan.others and isinstance(error, ProviderRejected | PayloadTooLarge):
            self._refused = (*self._refused, target.sold_as)
            return True
        return isinstance(error, UpstreamError | UnsupportedParameter)

    def is_spared(self, target: Target) -> bool:
        """Whether a target is not worth asking: an equal has refused the request."""
        return target.sold_as in self._refused

    def find_error(self) -> TallygateError:
        """What the client is told: the last failure; why nobody was asked, if nobody was."""
        if self._error is None and self._unfit:
            names = (self._plan.request_model, *self._plan.others)
            return refuse(names, (*self._plan.excluded, *self._unfit))
        return self._error or NoTarget()
