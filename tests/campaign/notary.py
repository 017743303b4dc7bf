"""Looks after receipts while a campaign runs: a stranger watches the log, a caller keeps some receipts, and after each
cycle the judge sees what the database, the high-water file, the stranger and the caller have.
"""

import random
import time

from tests.campaign.evidence import Attempt, Evidence
from tests.campaign.judge import Violation
from tests.campaign.keeper import Keeper
from tests.campaign.log_book import LogBook, read_log_at_rest
from tests.campaign.log_judge import judge_checkpoints, judge_growth, judge_receipts, judge_told
from tests.campaign.plan import Plan
from tests.campaign.stage import Stage
from tests.campaign.stranger import Stranger

SAMPLE = 6
"""So many receipts are fetched after each cycle, of that cycle or any before."""


class Notary:
    """One for a stage. `plans` are the calls that were made, by their nonces; `stranger` looks while it is
    entered.
    """

    def __init__(self, stage: Stage, source: random.Random, recover_s: float) -> None:
        self._stage, self._source, self._recover_s = stage, source, recover_s
        self.keeper = Keeper(stage.gateways.gateway.ask("GET", "/.well-known/tallygate-receipts.json").body)
        self.stranger = Stranger(lambda: stage.gateways.ports, self.keeper.vkey)
        self.plans: dict[str, Plan] = {}
        self._log: LogBook | None = None

    def judge(self, evidence: Evidence) -> list[Violation]:
        """After a cycle, when no call is open and every gateway stands."""
        log = read_log_at_rest(self._stage.gateways.url, self._recover_s)
        found = judge_receipts(evidence.book, log)
        found += judge_told(evidence, log)
        found += judge_growth(self._log, log) if self._log else []
        self._log = log
        found += self._keep_some(evidence)
        marks = [path.read_bytes() for path in self._stage.gateways.marks]
        kept = [one.checkpoint for one in self.keeper.kept]
        found += judge_checkpoints(log, [*self.stranger.seen, *kept, *marks], self.keeper.vkey)
        return found + self.stranger.found

    def conclude(self) -> list[Violation]:
        """At the end: what is kept is verified with no gateway's help, and each checkpoint led to the last."""
        return [*self.keeper.verify_all(), *self.stranger.prove(self._stage.gateways.ports[0])]

    def count(self) -> dict[str, int]:
        """How much was seen so far."""
        log = self._log
        return {
            "receipts": len(log.receipts) if log else 0,
            "leaves": log.log["size"] if log else 0,
            "published": len(log.checkpoints) if log else 0,
            "checkpoints seen": len(self.stranger.seen),
            "looks at the log": self.stranger.looks,
            "bundles": len(self.keeper.kept),
        }

    def _keep_some(self, evidence: Evidence) -> list[Violation]:
        attempts = [one for call in evidence.calls.values() for one in call.attempts if one.receipt]
        until_s = time.monotonic() + self._recover_s
        return [
            Violation("P6", attempt.name, f"its receipt cannot be had: {said}")
            for attempt in self._source.sample(attempts, min(SAMPLE, len(attempts)))
            if (said := self._fetch(attempt, until_s))
        ]

    def _fetch(self, attempt: Attempt, until_s: float) -> str:
        key, plan = self._stage.keys[attempt.who], self.plans[attempt.nonce]
        return self.keeper.fetch(attempt, plan, key, lambda: self._stage.gateways.ports, until_s)
