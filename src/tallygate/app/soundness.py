"""What is wrong with the providers, models and guardrails of a configuration, each with the place where it stands.

What each must be is known to its own room; here it is asked, and its answers are given their place.
"""

import difflib

from tallygate.access.guardrails.registry import find_complaints as find_guardrail_complaints
from tallygate.config.origin import Origin, Problem
from tallygate.config.resolution import Resolved
from tallygate.dialects.registry import DIALECTS
from tallygate.ledger.catalogue import load_catalogue
from tallygate.ledger.pricelist import read_terms, try_terms
from tallygate.providers.complaints import find_complaints
from tallygate.providers.registry import load_rows
from tallygate.router.manners import complain_of_weights
from tallygate.router.naming import complain_of_aliases


def find_problems(resolved: Resolved) -> list[Problem]:
    """What the types of the settings could not see, each with the place where it stands."""
    settings = resolved.settings
    origins = resolved.origins
    rows = load_rows()
    problems = [
        Problem(complaint.path, complaint.sentence, _locate(complaint.path, origins))
        for complaint in find_complaints(settings.providers, rows, DIALECTS)
    ]
    names = {*rows, *settings.providers}
    for name, model in settings.models.items():
        for target in model.targets:
            provider = target.partition("/")[0]
            if provider not in names:
                close = difflib.get_close_matches(provider, names, n=1)
                hint = f'; did you mean "{close[0]}"?' if close else ""
                problems.append(_complain(f'there is no provider "{provider}"{hint}', name, "targets", origins))
        if model.price is not None:
            try:
                try_terms(name, read_terms(model.price))
            except ValueError as error:
                problems.append(_complain(str(error), name, "price", origins))
    catalogue = load_catalogue()
    offered = {model for row in rows.values() if row.quality == "real" for model in row.models}
    problems += [
        _complain(complaint.sentence, complaint.model, "aliases", origins)
        for complaint in complain_of_aliases(
            settings.models, names, lambda name: name in offered or catalogue.has_model(name)
        )
    ]
    problems += [
        _complain(complaint.sentence, complaint.model, "weights", origins)
        for complaint in complain_of_weights(settings.models)
    ]
    problems += [
        Problem(complaint.path, complaint.sentence, _locate(complaint.path, origins))
        for complaint in find_guardrail_complaints(settings.guardrails)
    ]
    return problems


def _complain(sentence: str, name: str, field: str, origins: dict[str, Origin]) -> Problem:
    """What is wrong with one setting of one model."""
    setting = next(key for key in origins if key in (f"models.{name}.{field}", f'models."{name}".{field}'))
    return Problem(setting, sentence, origins[setting])


def _locate(path: str, origins: dict[str, Origin]) -> Origin:
    """The origin of a setting, of the one around it, or of the first one beside it."""
    for setting, origin in origins.items():
        if (path == setting or path.startswith(f"{setting}.")) and origin.kind != "default":
            return origin
    section = ".".join(path.split(".")[:2])
    beside = (origin for setting, origin in origins.items() if setting.startswith(f"{section}."))
    return next((origin for origin in beside if origin.kind != "default"), Origin(kind="default", place="default"))
