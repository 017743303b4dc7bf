"""The operator's own patterns: kind ``regex``."""

from tallygate.access.guardrails.patterns import Expressions
from tallygate.access.guardrails.settings import GuardrailSettings


def make(settings: GuardrailSettings) -> Expressions:
    """The check. Raises BadPattern."""
    return Expressions(settings.deny, settings.allow)
