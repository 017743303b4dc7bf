"""A provider's own words made fit to be shown to a caller who is not the provider's customer.

The gateway's keys, accounts and addresses may stand in them, and anything may stand in a hostile provider's. What looks
like one of these is replaced; better a word too many than a key. Not a filter for content.
"""

import re
from typing import Final

MESSAGE_CHARACTERS_MAX: Final = 500
REMOVED: Final = "[removed]"

# Longer texts are cut before any pattern looks at them, so that no pattern has much to look at.
_LOOKED_AT_MAX: Final = 2_048

_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # What a crash tells of the machine it happened on: the trace with all after it, files, addresses, inner names.
        r"\btraceback \(most recent call last\).*",
        r"\bfile [\"'][^\"']*[\"'], line \d+(?:, in \w+)?",
        r"(?<![\w.:/])/(?:app|bin|data|etc|home|mnt|opt|proc|root|srv|tmp|usr|var)/[\w./@+-]+",
        r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?![\w.]\w)|\blocalhost(?::\d+)?\b",
        r"\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.(?:internal|intranet|lan|local|localdomain|svc)\b(?:\.\w{1,63}){0,2}",
        # URLs with a user, or with a query: signatures and keys live there.
        r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'<>]*[@?][^\s\"'<>]*",
        # A named secret: a header or a member of it, with whatever follows.
        r"\b(?:proxy-)?authorization\b[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?[^\s\"',;]+",
        r"\b(?:bearer|basic)\s+[^\s\"',;]+",
        r"\b(?:\w{1,32}-){0,2}api[-_ ]?key\b[^:=\s]{0,2}(?:\s+(?:provided|given|used|is))?\s*[:=]\s*[\"']?[^\s\"',;]+",
        r"\b(?:(?:access|auth|refresh|session)[-_ ]?token|secret|password|cookie)[\"']?\s*[:=]\s*[\"']?[^\s\"',;]+",
        # Keys and accounts by the way they begin.
        r"\b(?:sk|pk|rk|lx|xai|gsk|hf|pplx|nvapi|r8|ghp|glpat|csk|fw|tgp|org|proj|acct)[-_](?=[\w*.-]{0,128}[\d*])[\w*.-]{6,}",
        r"\bAIza[\w*-]{8,}",
        r"\bya29\.[\w.-]{8,}",
        r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
        # Long runs without a gap: a hash, or letters and digits in no order. Names of models have gaps or are shorter.
        r"\b[0-9a-f]{32,}\b",
        r"(?<![\w/+])(?=[\w/+]*\d)(?=[\w/+]*[a-z])[\w/+]{40,}={0,2}",
    )
)

_BREAKS: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")


def redact(text: str) -> str:
    """`text` as one line of at most 500 characters, without control characters, keys, or URLs that carry a secret."""
    line = _BREAKS.sub(" ", text[:_LOOKED_AT_MAX]).strip()
    for pattern in _PATTERNS:
        line = pattern.sub(REMOVED, line)
    return line if len(line) <= MESSAGE_CHARACTERS_MAX else line[: MESSAGE_CHARACTERS_MAX - 1].rstrip() + "…"
