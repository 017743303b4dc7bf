"""What opens doors: kind ``secrets``. Keys as their issuers publish their looks for scanners, private keys, signed
tokens; keys of this gateway prove themselves by their checksum.
"""

from collections.abc import Mapping
from typing import Final

from tallygate.access.guardrails.patterns import Shapes, Verify
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.access.keys import CHECKSUM_SYMBOLS, checksum

_PEM: Final = r"[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"

SHAPES: Final[Mapping[str, str]] = {
    "private_key": rf"-----BEGIN {_PEM}(?:(?:\s|\\[nr])*(?:Proc-Type|DEK-Info|Version|Comment): [^\n\\]{{0,100}})*"
    rf"(?:[A-Za-z0-9+/=\s]|\\[nr])*(?:-----END {_PEM})?",
    # A JOSE header always begins with one of few names (RFC 7515, section 4.1).
    "jwt": r"\beyJ(?:hbGci|0eXAi|raWQi|jdHki|lbmMi|4NXQi|qa3Ui)[A-Za-z0-9_.-]*",
    "gateway_key": r"\b[A-Za-z][A-Za-z0-9_-]{0,15}[ka]_[0-9A-Za-z]{38}\b",
    "sk_key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "aws_key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "github_token": r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{22,}",
    "gitlab_token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "google_key": r"\bAIza[0-9A-Za-z_-]{35}",
    "slack_token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "stripe_key": r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}",
    "hf_token": r"\bhf_[A-Za-z0-9]{30,}",
}


def is_gateway_key(text: str) -> bool:
    """Whether the checksum of a key is right, under whichever prefix it was made."""
    return checksum(text[:-CHECKSUM_SYMBOLS]) == text[-CHECKSUM_SYMBOLS:]


VERIFY: Final[Mapping[str, Verify]] = {"gateway_key": is_gateway_key}


def make(settings: GuardrailSettings) -> Shapes:
    """The check. Raises BadPattern for an `allow` that cannot be used."""
    chosen = {name: shape for name, shape in SHAPES.items() if not settings.find or name in settings.find}
    return Shapes(chosen, VERIFY, settings.allow)
