"""How many attempts there may be beyond one for each call, in this process: a bucket that every call fills a little and
every further attempt empties. It keeps a gateway from adding to an outage. No clock: what counts is calls.
"""

from typing import Final

from tallygate.router.settings import RouterSettings

_WHOLE: Final = 100
"""One attempt: the bucket is counted in hundredths."""


class Retries:
    """The budget of further attempts. It begins full, and is full after some time without any."""

    __slots__ = ("_left", "_rules")

    def __init__(self, rules: RouterSettings) -> None:
        self._rules = rules
        self._left = rules.retry_burst * _WHOLE

    def use(self, rules: RouterSettings) -> None:
        """Go by these rules from now on."""
        self._rules = rules

    def earn(self) -> None:
        """One more call has come."""
        most = self._rules.retry_burst * _WHOLE
        if self._left != most:
            self._left = min(self._left + self._rules.retry_percent, most)

    def spend(self) -> bool:
        """Whether the same target may be asked once more. If so it is paid for."""
        if self._left < _WHOLE:
            return False
        self._left -= _WHOLE
        return True

    def take_over(self) -> None:
        """Another target was asked. Nobody is kept from one that may be well, but it leaves less for asking again."""
        self._left = max(0, self._left - _WHOLE)
