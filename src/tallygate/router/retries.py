"""How many attempts there may be beyond one for each call, in this process: a bucket that every call fills a little and
every further attempt empties. It keeps a gateway from adding to an outage. No clock: what counts is calls.
"""

from tallygate.router.settings import RouterSettings


class Retries:
    """The budget of further attempts. It begins full, and is full after some time without any."""

    __slots__ = ("_left", "_rules")

    def __init__(self, rules: RouterSettings) -> None:
        self.use(rules)
        self._left = float(rules.retry_burst)

    def use(self, rules: RouterSettings) -> None:
        """Go by these rules from now on."""
        self._rules = rules

    def earn(self) -> None:
        """One more call has come."""
        if self._left < self._rules.retry_burst:
            self._left = min(self._left + self._rules.retry_percent / 100, self._rules.retry_burst)

    def spend(self) -> bool:
        """Whether the same target may be asked once more. If so it is paid for."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def take_over(self) -> None:
        """Another target was asked. Nobody is kept from one that may be well, but it leaves less for asking again."""
        self._left = max(0.0, self._left - 1)
