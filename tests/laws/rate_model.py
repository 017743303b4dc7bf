"""A limit of requests or tokens in a minute as anybody would reckon it: in exact fractions, from what came to it.

It shares no arithmetic with the ledger, whose whole numbers may be a little stricter, and never more generous.
"""

from fractions import Fraction

from tallygate.genai.book import Hold, Rate

MINUTE_NS = 60 * 10**9


class Bucket:
    """What is in a bucket, what is held in it, and how often time has passed since it was empty."""

    def __init__(self, rate: Rate) -> None:
        self.kind, self.per_minute = rate.kind, rate.per_minute
        self.inside = Fraction(rate.filled_micro, 10**6)
        self.at_ns, self.held, self.events = rate.seen_at_ns, 0, 0

    def copy(self) -> "Bucket":
        twin = object.__new__(Bucket)
        twin.__dict__.update(self.__dict__)
        return twin

    def follow(self, rate: Rate) -> None:
        """An administrator may have changed the rate, and with it what is inside."""
        if rate.per_minute != self.per_minute:
            self.per_minute, self.at_ns, self.events = rate.per_minute, rate.seen_at_ns, 0
            self.inside = Fraction(rate.filled_micro, 10**6)

    def pass_time(self, now_ns: int) -> None:
        if self.at_ns - now_ns > MINUTE_NS:
            self.at_ns = now_ns
        if now_ns <= self.at_ns:
            return
        leaked = Fraction(self.per_minute * (now_ns - self.at_ns), MINUTE_NS)
        self.events = 0 if leaked >= self.inside + self.slack else self.events + 1
        self.inside = max(Fraction(0), self.inside - leaked)
        self.at_ns = now_ns

    def count(self, row: Hold, *, began: bool) -> None:
        """A call has begun, or ended."""
        if began:
            self.pass_time(row.opened_at_ns)
            if self.kind == "requests":
                self.inside += 1
            else:
                self.held += row.rate_tokens
        if row.state == "open":
            return
        self.pass_time(row.ended_at_ns or 0)
        if self.kind == "tokens":
            self.held -= row.rate_tokens
            self.inside += row.input_tokens + row.output_tokens
        elif row.state == "voided":
            age_ns = max(0, (row.ended_at_ns or 0) - row.opened_at_ns)
            left = max(Fraction(0), 1 - Fraction(self.per_minute * age_ns, MINUTE_NS))
            self.inside = max(Fraction(0), self.inside - left)
            self.events += 1

    @property
    def slack(self) -> Fraction:
        """By how much the ledger may be stricter: a nanosecond's leak and a millionth each time it looks."""
        return self.events * (Fraction(self.per_minute, MINUTE_NS) + Fraction(2, 10**6))

    def compare(self, rate: Rate) -> None:
        """The ledger's row holds what came, and no less."""
        assert rate.held_tokens == self.held, "what is held of a rate is not what open calls hold"
        late = Fraction(rate.per_minute * max(0, self.at_ns - rate.seen_at_ns), MINUTE_NS)
        inside = max(Fraction(0), Fraction(rate.filled_micro, 10**6) - late)
        assert self.inside <= inside <= self.inside + self.slack, (rate, float(self.inside))
