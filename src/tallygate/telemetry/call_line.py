"""One line for each finished call, when debugging. No line is written of calls otherwise: figures of them are in
`meter`, and what is worth keeping stands in the book.
"""

import logging

from tallygate.genai.outcome import Outcome
from tallygate.telemetry import names
from tallygate.telemetry.log import logger


def tell_call(outcome: Outcome) -> None:
    """Log one finished call. Costs nothing but a comparison unless the level is debug."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    usage = outcome.usage
    fields: dict[str, object] = {
        names.OPERATION: names.name_operation(outcome.operation),
        names.REQUEST_MODEL: outcome.request_model,
        names.RESPONSE_MODEL: outcome.response_model,
        names.PROVIDER: outcome.served.provider if outcome.served else "",
        names.FINISH_REASONS: ",".join(outcome.finish_reasons),
        names.INPUT_TOKENS: usage.input_tokens if usage else "",
        names.OUTPUT_TOKENS: usage.output_tokens if usage else "",
        names.ERROR_TYPE: outcome.error_code,
        "tallygate.status": outcome.status,
        "tallygate.attempts": len(outcome.attempts),
        "duration_ms": outcome.duration_ns // 1_000_000,
    }
    shown = " ".join(f"{name}={value!r}" for name, value in fields.items() if value != "")
    logger.debug("call %s %s", outcome.call_id, shown, extra={"call_id": outcome.call_id})
