"""The guardrails of one call: which of them apply, what they say of its request and of its answer, and what they did.

One `Guard` is made for each call and knows only plain values.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NoReturn, TypeVar, cast

from msgspec import Struct

from tallygate.access.guardrails.answers import StreamGuard
from tallygate.access.guardrails.base import FactCheck, Facts, TextCheck
from tallygate.access.guardrails.facts import Models, Tools, matches
from tallygate.access.guardrails.settings import Action, Stage
from tallygate.access.guardrails.texts import count_answer, count_request, edit_answer, edit_chat, edit_embed
from tallygate.access.guardrails.window import Effort, Quotes, Window
from tallygate.errors import GuardrailBlocked
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.details import Guarded
from tallygate.genai.embeddings import EmbedRequest
from tallygate.genai.operation import Request, Response

_Request = TypeVar("_Request", bound=Request)
_Response = TypeVar("_Response", bound=Response)

_BETWEEN: Final = "\n\0\n"
"""Stands between texts that are looked through at once: nothing that is looked for has it inside."""


_SPELT: Final = (b"\\u", b"base64", b"text/")
"""Signs that a text may be spelt by numbers, or be a document's that came encoded."""
_ESCAPES: Final = (
    # A character that cannot stand in JSON holds the place of a backslash meanwhile.
    ("\\\\", "\0"), ('\\"', '"'), ("\\/", "/"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\b", "\b"),
    ("\\f", "\f"), ("\0", "\\"),
)  # fmt: skip


class Rule(Struct, frozen=True, kw_only=True):
    """One guardrail, ready: its settings, and its check of texts or of facts."""

    name: str
    on: tuple[Stage, ...]
    action: Action
    texts: TextCheck | None = None
    facts: FactCheck | None = None
    look_back: int = 256
    replacement: str = ""
    workspaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def applies(self, workspace_id: str, key_id: str, models: Sequence[str]) -> bool:
        """Whether it stands for this caller and, of several names, for one of them."""
        return (
            (not self.workspaces or matches(workspace_id, self.workspaces))
            and (not self.keys or matches(key_id, self.keys))
            and (not self.models or any(matches(model, self.models) for model in models))
        )


class Guard:
    """The rules of one call, in their order, and the tally of what they did."""

    def __init__(self, rules: Sequence[Rule], models: tuple[str, ...]) -> None:
        self._input = [rule for rule in rules if "input" in rule.on]
        self._output = [rule for rule in rules if "output" in rule.on]
        self._models = models
        self._tally: Counter[tuple[Stage, str, Action]] = Counter()
        self._efforts: dict[tuple[Stage, str], Effort] = {}

    @property
    def reads_input(self) -> bool:
        """Whether the request must be read for its rules: names of models are known without."""
        return bool(self._reading())

    @property
    def guards_output(self) -> bool:
        """Whether anything stands between the answer and its caller."""
        return bool(self._output)

    @property
    def holds_output(self) -> bool:
        """Whether something may be put in the place of what the model says, or end it: then what is told is written
        from what was looked at, and from nothing else.
        """
        return any(map(_holds, self._output))

    @property
    def redacted(self) -> tuple[str, ...]:
        """The names of those that have put something in the place of something, in the order they first did."""
        return tuple(dict.fromkeys(name for _, name, action in self._tally if action == "redact"))

    def noted(self) -> tuple[Guarded, ...]:
        """What was done, for the call's record: nothing of what was found. A thread may still be counting."""
        return tuple(Guarded(stage, name, action, count) for (stage, name, action), count in tuple(self._tally.items()))

    @property
    def rewrites_input(self) -> bool:
        """Whether a request that was read goes on written anew, changed or not: a name that stands twice in an object,
        for one, may mean to others what it did not mean here.
        """
        return any(_holds(rule) or isinstance(rule.facts, Tools) for rule in self._input if rule.action != "note")

    def is_clean(self, body: bytes) -> bool:
        """Whether one look at the JSON text of a request tells that there is nothing to find in it. False: nobody knows
        yet. Each text stands in it between quotes, unless it is spelt in a way that only reading undoes.
        """
        if any(rule.texts is None or not getattr(rule.texts, "joins", False) for rule in self._reading()):
            return False
        if any(sign in body for sign in _SPELT):
            return False
        text = body.decode()
        if "\\" in text:
            for escape, char in _ESCAPES:
                text = text.replace(escape, char)
        return not any(_finds(rule, text) for rule in self._reading())

    def _reading(self) -> list[Rule]:
        return [rule for rule in self._input if not isinstance(rule.facts, Models)]

    def check_models(self) -> None:
        """Judge the names that are called. Raises GuardrailBlocked."""
        self._judge(
            "input", [rule for rule in self._input if isinstance(rule.facts, Models)], Facts(models=self._models)
        )

    def check_request(self, request: _Request) -> _Request:
        """The request as it may go on; the same object where nothing in it was changed. Raises GuardrailBlocked."""
        if not isinstance(request, ChatRequest | EmbedRequest):
            return request
        edit_all: Any = edit_chat if isinstance(request, ChatRequest) else edit_embed
        texts: list[str] = []
        edit_all(request, partial(_gather, texts))
        rules = self._reading()
        self._judge("input", rules, count_request(request, texts, self._models))
        if isinstance(request, EmbedRequest) and request.inputs and not isinstance(request.inputs[0], str):
            self._refuse_unread(rules)
        for rule in _find_dirty(rules, texts):
            request = edit_all(request, partial(self._edit, "input", rule))
        return request

    def check_answer(self, response: _Response) -> _Response:
        """The answer as it may be told; the same object where nothing in it was changed. Raises GuardrailBlocked."""
        if not isinstance(response, ChatResponse):
            return response
        texts: list[str] = []
        told = edit_answer(response, partial(_gather, texts))
        self._judge("output", self._output, count_answer(response, texts))
        for rule in _find_dirty(self._output, texts):
            told = edit_answer(told, partial(self._edit, "output", rule))
        return cast("_Response", told) if self.holds_output else response

    def open_stream(self) -> StreamGuard:
        """What stands between a stream's events and its caller."""
        texts = [rule for rule in self._output if rule.texts is not None]
        facts = [rule for rule in self._output if rule.facts is not None]
        return StreamGuard(
            open_windows=lambda quoted: [self._open(rule, quoted=quoted) for rule in texts if _holds(rule)],
            open_notes=lambda: [self._open(rule, quoted=False) for rule in texts if not _holds(rule)],
            judge=partial(self._judge, "output", facts) if facts else None,
        )

    def _judge(self, stage: Stage, rules: Sequence[Rule], facts: Facts) -> None:
        for rule in rules:
            if rule.facts is not None and not rule.facts.permits(facts):
                self._decide(stage, rule)

    def _refuse_unread(self, rules: Sequence[Rule]) -> None:
        """What cannot be read cannot be let through by who would have looked for something in it."""
        for rule in rules:
            if _holds(rule):
                self._refuse("input", rule)
            elif rule.texts is not None:
                self._decide("input", rule)

    def _decide(self, stage: Stage, rule: Rule) -> str | None:
        """Something was found: what stands in its place, None for itself. Raises GuardrailBlocked."""
        if rule.action == "block":
            self._refuse(stage, rule)
        self._tally[stage, rule.name, rule.action] += 1
        return rule.replacement if rule.action == "redact" else None

    def _refuse(self, stage: Stage, rule: Rule) -> NoReturn:
        self._tally[stage, rule.name, "block"] += 1
        raise GuardrailBlocked(
            f"The guardrail `{rule.name}` does not let this {_WORDS[stage]} pass (stage: {stage}).",
            details={"stage": stage, "guardrail": rule.name},
        )

    def _open(self, rule: Rule, *, quoted: bool, stage: Stage = "output") -> Window:
        assert rule.texts is not None, "only rules that look at texts are asked to"
        quotes = Quotes() if quoted and rule.action == "redact" else None
        effort = self._efforts.get((stage, rule.name))
        if effort is None:
            effort = self._efforts[stage, rule.name] = Effort(partial(self._refuse, stage, rule))
        return Window(rule.texts, rule.look_back, partial(self._decide, stage, rule), effort, quotes)

    def _edit(self, stage: Stage, rule: Rule, text: str, *, quoted: bool = False) -> str:
        edited = self._open(rule, quoted=quoted, stage=stage).whole(text)
        return text if edited == text else edited


_WORDS: Final[dict[Stage, str]] = {"input": "request", "output": "answer"}


def _holds(rule: Rule) -> bool:
    """Whether what a rule finds must not be told: then the answer waits for it."""
    return rule.texts is not None and rule.action != "note"


def _gather(texts: list[str], text: str, *, quoted: bool = False) -> str:  # noqa: ARG001 - as every edit
    texts.append(text)
    return text


def _find_dirty(rules: Sequence[Rule], texts: list[str]) -> list[Rule]:
    """The rules that must look at each text by itself. Nearly always all texts are clean, which one look tells.

    Once one of them may have changed something, those behind it look at what it has left.
    """
    looking = [rule for rule in rules if rule.texts is not None]
    joined = _BETWEEN.join(texts)
    for at, rule in enumerate(looking):
        if not getattr(rule.texts, "joins", False) or _finds(rule, joined):
            return looking[at:]
    return []


def _finds(rule: Rule, text: str) -> bool:
    assert rule.texts is not None, "only rules that look at texts are asked to"
    return next(iter(rule.texts.find(text, 0)), None) is not None
