"""What the gateway says of itself: one logger, and one line per finished call when debugging. The only file that spells
`gen_ai.` names (OpenTelemetry's GenAI conventions). No prompt, no answer, no key ever passes here.
"""

import logging
import sys
from typing import Final

from tallygate.genai.outcome import Outcome

logger = logging.getLogger("tallygate")


def configure(level: str) -> None:
    """Send the log to standard error, one line a record, from `level` (debug, info, warning, error) upwards."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"))
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


# Where the conventions have another word than this house (opentelemetry.io/docs/specs/semconv/gen-ai).
_OPERATIONS: Final = {"embed": "embeddings"}


def observe(outcome: Outcome) -> None:
    """Record one finished call. Costs nothing but a comparison unless the level is debug."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    usage = outcome.usage
    fields: dict[str, object] = {
        "gen_ai.operation.name": _OPERATIONS.get(outcome.operation, outcome.operation),
        "gen_ai.request.model": outcome.request_model,
        "gen_ai.response.model": outcome.response_model,
        "gen_ai.provider.name": outcome.served.provider if outcome.served else "",
        "gen_ai.response.finish_reasons": ",".join(outcome.finish_reasons),
        "gen_ai.usage.input_tokens": usage.input_tokens if usage else "",
        "gen_ai.usage.output_tokens": usage.output_tokens if usage else "",
        "error.type": outcome.error_code,
        "tallygate.status": outcome.status,
        "tallygate.attempts": len(outcome.attempts),
        "duration_ms": outcome.duration_ns // 1_000_000,
    }
    shown = " ".join(f"{name}={value!r}" for name, value in fields.items() if value != "")
    logger.debug("call %s %s", outcome.call_id, shown)
