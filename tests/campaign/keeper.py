"""A caller who keeps the receipts of its calls: fetches the bundle with its openings, and verifies it at home, with our
verifier and with a sceptic's own, against the very bytes that it sent and was given.
"""

import http.client
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature

from tallygate.receipts.commitment import LABELS, Label
from tallygate.receipts.key_set import KeySet
from tallygate.receipts.pinned import read_pinned
from tallygate.receipts.verify import Material, verify
from tests.campaign.evidence import Attempt
from tests.campaign.judge import Violation
from tests.campaign.plan import Plan, write_request
from tests.campaign.stranger import get
from tests.receipts.test_verify_vectors import verify_by_hand

PAUSE_S = 0.05
OWN_COMMENT = re.compile(rb"^: tallygate[^\n]*\n\n", re.MULTILINE)
"""What the gateway says for itself in a stream, which is no part of the answer."""


class Kept(NamedTuple):
    """A bundle, and what its fields are about as far as its owner knows."""

    attempt: str
    bundle: bytes
    opened: dict[Label, bytes]

    @property
    def checkpoint(self) -> bytes:
        """The checkpoint within, as it was signed."""
        return json.loads(self.bundle)["proof"].partition("\n\n")[2].encode()


class Keeper:
    """Keeps receipts under the keys it pinned at the start."""

    def __init__(self, key_set: bytes) -> None:
        self.pinned: KeySet = read_pinned(key_set)
        self.vkey = self.pinned.logs[0].keys[0].vkey
        self.kept: list[Kept] = []

    def fetch(self, attempt: Attempt, plan: Plan, key: str, ports: Callable[[], list[int]], until_s: float) -> str:
        """Get one bundle, asking until it is there. Returns what went wrong; nothing: empty."""
        path, said = f"/v1/receipts/{attempt.receipt}?openings=true", "no answer"
        while time.monotonic() < until_s:
            with suppress(OSError, http.client.HTTPException, IndexError):
                status, body = get(ports()[0], path, key)
                if status == 200:
                    self.kept.append(Kept(attempt.name, body, _name_bytes(attempt, plan, body)))
                    return ""
                said = f"{status} {body[:200]!r}"
                if status not in (202, 503):
                    break
            time.sleep(PAUSE_S)
        return said

    def verify_all(self) -> list[Violation]:
        """Verify what is kept, each bundle by itself."""
        return [violation for kept in self.kept for violation in self._verify(kept)]

    def _verify(self, kept: Kept) -> list[Violation]:
        found: list[Violation] = []
        verdict = verify(kept.bundle, self.pinned, Material(opened=kept.opened))
        unknown = {f"opening {label}" for label in LABELS if label not in kept.opened}
        wrong = [check for check in verdict.checks if check.state != ("missing" if check.name in unknown else "passed")]
        if wrong:
            found.append(Violation("P6", kept.attempt, f"its receipt does not verify: {wrong}"))
        try:
            verify_by_hand(kept.bundle, self.vkey, kept.opened)
        except (AssertionError, InvalidSignature) as error:
            found.append(Violation("P6", kept.attempt, f"a sceptic does not believe its receipt: {error!r}"))
        return found


def _name_bytes(attempt: Attempt, plan: Plan, bundle: bytes) -> dict[Label, bytes]:
    """What was sent is known of every call, what was answered only of those that came to their end; of a call whose
    process died its receipt says neither.
    """
    if json.loads(bundle)["receipt"]["response"]["status"] == "recovered":
        return {}
    opened: dict[Label, bytes] = {"request": write_request(plan)[1]}
    if attempt.served:
        opened["response"] = OWN_COMMENT.sub(b"", attempt.body) if attempt.stream else attempt.body
    return opened
