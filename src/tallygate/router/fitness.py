"""Which targets of a plan can do what a chat request asks, decided before anything is held.

A target that is known to lack something is left out; where that leaves none, the caller learns which field asks too
much. Of what nobody knows the provider decides. Pure, and for nearly every call one look into a table.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec.structs import replace

from tallygate.dialects.spelling import BEYOND_WORDS, spell_need
from tallygate.errors import UnsupportedParameter
from tallygate.genai.catalog import Capability
from tallygate.genai.chat import ChatRequest
from tallygate.genai.needs import Need, find_needs, lacks
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.router.abilities import Abilities

Read = Callable[[bytes], object]

CANNOT: Final[Mapping[Capability, str]] = {
    "vision": "see pictures",
    "audio": "hear sounds",
    "pdf": "read documents",
    "tools": "call tools",
    "json_mode": "answer in JSON without a schema",
    "json_schema": "answer by a JSON schema",
    "reasoning": "think before it answers",
}

_MEMBERS: Final[Mapping[Capability, frozenset[str]]] = {
    "tools": frozenset({"tools", "functions"}),
    "json_mode": frozenset({"response_format", "text"}),
    "json_schema": frozenset({"response_format", "text", "output_config"}),
    "reasoning": frozenset({"reasoning", "reasoning_effort", "thinking"}),
}
"""Top-level members of the wires without which a capability is not asked for."""

_MARKS: Final[Mapping[Capability, tuple[bytes, ...]]] = {
    "vision": (b"image",),
    "audio": (b"audio",),
    "pdf": (b"file", b"document"),
}
"""What stands in every body that has such a part."""

_UNSAYABLE: Final = {dialect: beyond.lacking for dialect, beyond in BEYOND_WORDS.items()}
"""What callers cannot ask for in a dialect, whatever they say."""

_ESCAPED: Final = b"\\u00"
"""How JSON may hide a plain letter."""


def keep_able(plan: Plan, abilities: Abilities, peek: Peek, body: bytes, dialect: str, read: Read) -> Plan:
    """The plan without targets that are known to lack what the request asks for.

    `peek` is of `body`, which is in `dialect`; `read` its reader. Raises UnsupportedParameter with the caller's own
    field if no target is left, and what `read` raises.
    """
    missing = abilities.lacking(plan)
    if missing and dialect in _UNSAYABLE:
        missing -= _UNSAYABLE[dialect]
    if not missing or not _may_ask(missing, peek, body):
        return plan
    request = read(body)
    if not isinstance(request, ChatRequest):
        return plan
    needs = (need for need in find_needs(request) if need.capability in missing)
    spelt = {need: path for need in needs if (path := spell_need(need, dialect, body))}
    return _keep(plan, abilities, spelt) if spelt else plan


def _may_ask(missing: AbstractSet[Capability], peek: Peek, body: bytes) -> bool:
    """False if the request certainly asks for none of these, by its outline."""
    for capability in missing:
        members = _MEMBERS.get(capability)
        if members is not None and not members.isdisjoint(peek.spans):
            return True
        if any(mark in body for mark in _MARKS.get(capability, ())):
            return True
    return not missing.isdisjoint(_MARKS) and _ESCAPED in body


def _keep(plan: Plan, abilities: Abilities, spelt: Mapping[Need, str]) -> Plan:
    kept: list[Target] = []
    excluded: list[Excluded] = []
    wanting: list[tuple[Need, ...]] = []
    for target in plan.targets:
        lacking = lacks(abilities.of_target(plan, target), tuple(spelt))
        if not lacking:
            kept.append(target)
            continue
        wanting.append(lacking)
        asked = " and ".join(f"cannot {CANNOT[need.capability]}, which `{spelt[need]}` asks for" for need in lacking)
        excluded.append(Excluded(target, asked, "capability"))
    if kept:
        return replace(plan, targets=tuple(kept), excluded=(*plan.excluded, *excluded)) if excluded else plan
    need = next((need for need in wanting[0] if all(need in lacking for lacking in wanting)), wanting[0][0])
    raise UnsupportedParameter(
        f"The model {plan.request_model} cannot {CANNOT[need.capability]}, which `{spelt[need]}` asks for.",
        param=spelt[need],
    )
