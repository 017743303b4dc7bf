"""The gateway with its money taken out, to measure what the money costs: no quote, no hold, no settlement.

Everything else is as shipped. Takes the arguments of `tallygate`; only the benchmark starts this.
"""

from msgspec import structs

from tallygate import app
from tallygate.access.admission import Admitted, Asked, Turnstile
from tallygate.access.principal import Principal
from tallygate.cli import main
from tallygate.dialects.base import Dialect
from tallygate.genai.book import Hold
from tallygate.genai.items import Bound
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan
from tallygate.ledger.prices import price_free
from tallygate.ledger.quote import Quote
from tallygate.pipeline.call import Call
from tallygate.pipeline.commitments import Commitments
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.relay import Relayed
from tallygate.pipeline.replay import Keeping
from tallygate.pipeline.run import Steps

NOTHING = Quote(price_free("sale", "bench"), "", Bound(0))
HOLD = Hold(
    id="bench",
    workspace_id="",
    user_id="",
    key_id="",
    epoch="",
    model="",
    price_version="",
    amount_nusd=0,
    output_tokens_max=0,
    opened_at_ns=0,
)


class OpenGate(Turnstile):
    """Lets everybody pass."""

    async def admit(self, principal: Principal, asked: Asked, rest: object) -> Admitted:  # noqa: ARG002 - its shape
        """Everybody passes."""
        return Admitted(principal.key_id, asked.quote, HOLD)


class NoBill(Finisher):
    """Writes nothing down."""

    async def finish(
        self,
        call: Call,  # noqa: ARG002 - its shape
        admitted: Admitted,  # noqa: ARG002
        relayed: Relayed,
        commitments: Commitments,  # noqa: ARG002
        keeping: Keeping | None = None,  # noqa: ARG002
    ) -> Relayed:
        """Nothing is owed, and nothing is put down."""
        return relayed


def quote(plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Quote:  # noqa: ARG001 - its shape
    """No question is asked."""
    return NOTHING


class MoneylessWorker(app.Worker):
    """A worker whose steps cost nothing."""

    def _join_steps(self) -> Steps:
        steps = super()._join_steps()
        gate = OpenGate(steps.turnstile.admit, steps.identify, keep_s=60)  # pyright: ignore[reportArgumentType]
        finisher = NoBill(self._writer.settle, self._supply.count_costs, self._issuer)
        return structs.replace(steps, quote=quote, turnstile=gate, finisher=finisher)


if __name__ == "__main__":
    app.Worker = MoneylessWorker
    main()
