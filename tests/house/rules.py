"""The rules that one file can keep or break by itself: each takes a file and yields lines with what is wrong there.

The order is that of CONTRIBUTING.md. `RULES` is what the tests run; each rule has a planted breach in
`test_rules.py`.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache

from tests.house.source import (
    PACKAGE,
    Source,
    functions_of,
    imports_of,
    length_of,
    read_sources,
    strings_of,
)

Breaches = Iterator[tuple[int, str]]
Rule = Callable[[Source], Breaches]

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
SENTENCES_MAX = 5

MAY_IMPORT_LATE = {f"{PACKAGE}/cli/__init__.py"}
ROOT_ROOM = "app"
"""Composition imports late what only a first start needs, or few ever ask for."""
HTTP_CLIENTS = ("aiohttp", "httpx", "httpx2", "requests", "urllib3", "http.client", "urllib.request")
DIALECTS = {"anthropic_messages", "gemini", "ollama", "openai_chat", "openai_media", "openai_responses", "unified"}

MAY_SEND = {f"{PACKAGE}/pipeline/{name}.py" for name in ("relay", "count")}

_BAD_MODULES = re.compile(r"^_?(utils?|helpers?|common|misc|core|managers?|handlers?|services?)$")
_BAD_CLASSES = re.compile(r"^_?(Base($|[A-Z])|\w*(Manager|Handler|Service|Utils?|Helpers?)$)")
_SQL = re.compile(
    r"\b(SELECT\s[^;]*\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|PRAGMA\s+\w+|BEGIN\s+IMMEDIATE"
    r"|(CREATE|ALTER|DROP)\s+(UNIQUE\s+)?(TABLE|INDEX|DATABASE|SCHEMA))\b",
    re.DOTALL,
)
_OPENERS = {
    "create_connection", "create_unix_connection", "open_connection", "open_unix_connection", "sock_connect",
}  # fmt: skip
_LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b|\b[Ss]tub(s|bed)?\b")
_SENTENCE_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!etc)[.!?][)`'\"*]*(\s|$)")


def file_length(source: Source) -> Breaches:
    """A file has at most 400 lines."""
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield FILE_LINES_MAX, f"the file has {lines} lines; {FILE_LINES_MAX} are allowed"


def function_length(source: Source) -> Breaches:
    """A function has at most 70 lines."""
    for function in functions_of(source.tree):
        if length_of(function) > FUNCTION_LINES_MAX:
            yield function.lineno, f"{function.name} has {length_of(function)} lines; {FUNCTION_LINES_MAX} are allowed"


def imports_on_top(source: Source) -> Breaches:
    """Imports stand at the top, where a reader sees them and a cycle shows.

    A room's registry may load the files of its own room by name.
    """
    if source.path in MAY_IMPORT_LATE or source.room == ROOT_ROOM:
        return
    loads_by_name = not source.room or source.path.endswith("/registry.py")
    by_name: set[str] = set() if loads_by_name else {"import_module", "__import__"}
    for function in functions_of(source.tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, f"{function.name} imports inside itself"
            elif isinstance(node, ast.Call) and _name_of(node.func) in by_name:
                yield node.lineno, f"{function.name} imports by name"


def names(source: Source) -> Breaches:
    """A name says what a thing is for."""
    for part in source.path.removesuffix(".py").split("/"):
        if _BAD_MODULES.match(part):
            yield 1, f"'{part}' is a place for anything; name it after what is in it"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and _BAD_CLASSES.match(node.name):
            yield node.lineno, f"the class name {node.name} does not say what it is"


def opening(source: Source) -> Breaches:
    """A file opens with one to five sentences about itself."""
    text = ast.get_docstring(source.tree)
    if text is None:
        yield 1, "the file does not open with a docstring"
    elif not 1 <= len(_SENTENCE_END.findall(text)) <= SENTENCES_MAX:
        yield 1, f"the opening has {len(_SENTENCE_END.findall(text))} sentences; one to {SENTENCES_MAX} are allowed"


def public_docstrings(source: Source) -> Breaches:
    """A public function or class says what it takes, gives and raises."""
    if not source.room or "/migrations/" in source.path:
        return
    for node in source.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield node.lineno, f"{node.name} has no docstring"


def settings_structs(source: Source) -> Breaches:
    """A settings struct is frozen and by name only, refuses what it does not know, and has a default for everything."""
    if not source.room or not source.path.endswith("/settings.py"):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef) or "Struct" not in {_name_of(base) for base in node.bases}:
            continue
        switched_on = {word.arg for word in node.keywords if isinstance(word.value, ast.Constant) and word.value.value}
        if missing := {"frozen", "kw_only", "forbid_unknown_fields"} - switched_on:
            yield node.lineno, f"{node.name} lacks {', '.join(sorted(missing))}"
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and field.value is None:
                yield field.lineno, f"{node.name}.{_name_of(field.target)} has no default"


def sql_in_store(source: Source) -> Breaches:
    """Only store spells SQL; other rooms call its named functions."""
    if source.room and source.room != "store":
        yield from _words(source, _SQL, "SQL outside store")


def gen_ai_in_telemetry(source: Source) -> Breaches:
    """Only telemetry spells the names of the OpenTelemetry conventions, which still move."""
    if source.room and source.room != "telemetry":
        yield from _words(source, re.compile(r"\bgen_ai\."), "a gen_ai name outside telemetry")


def http_client_in_transport(source: Source) -> Breaches:
    """Only transport opens outgoing connections; the SDK has its own client."""
    if not source.room or source.room in {"transport", "client"}:
        return
    for line, name in imports_of(source.tree):
        if any(f"{name}.".startswith(f"{client}.") for client in HTTP_CLIENTS):
            yield line, f"imports {name}, an HTTP client, outside transport"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in _OPENERS:
            yield node.lineno, f"opens a connection with {node.attr} outside transport"


def provider_names(source: Source) -> Breaches:
    """No provider is named outside providers: shared code that knows one is where gateways begin to rot."""
    if not source.room or source.room == "providers" or source.path == f"{PACKAGE}/cli/env.py":
        return
    for line, text in strings_of(source.tree):
        for name in known_providers():
            lowered = text.lower()
            if text not in DIALECTS and (lowered == name or lowered.startswith((f"{name}/", f"{name}_api_key"))):
                yield line, f"names the provider {name} ('{text}') outside providers"


def json_by_msgspec(source: Source) -> Breaches:
    """JSON on a request's way is msgspec's: the standard library's reader takes NaN and lone surrogates."""
    if not source.room or source.room in {"cli", "config"}:
        return
    for line, name in imports_of(source.tree):
        if f"{name}.".startswith("json."):
            yield line, "imports the standard library's json; msgspec.json is stricter"


def money_is_whole(source: Source) -> Breaches:
    """Money is integers: no float, and no division that makes one."""
    if source.room != "ledger":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the float {node.value} in the ledger"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float in the ledger"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "a division that gives a float in the ledger"


def money_comes_first(source: Source) -> Breaches:
    """Only the turnstile makes an `Admitted`, and only the relay and the counter send: nothing goes out unheld."""
    if not source.room:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        if _name_of(node.func) == "Admitted" and source.path != f"{PACKAGE}/access/admission.py":
            yield node.lineno, "makes an Admitted outside the turnstile"
        elif _name_of(node.func) == "outgoing" and source.path not in MAY_SEND:
            yield node.lineno, "writes a request to a provider outside the relay"


def nothing_left_over(source: Source) -> Breaches:
    """Nothing is left to do later in the source: it is done, or it is an issue."""
    if not source.room:
        return
    for number, line in enumerate(source.text.splitlines(), start=1):
        if match := _LEFT_OVER.search(line):
            yield number, f"'{match[0]}' is left over"


RULES: tuple[Rule, ...] = (
    file_length,
    function_length,
    imports_on_top,
    names,
    opening,
    public_docstrings,
    settings_structs,
    sql_in_store,
    gen_ai_in_telemetry,
    http_client_in_transport,
    provider_names,
    json_by_msgspec,
    money_is_whole,
    money_comes_first,
    nothing_left_over,
)


@cache
def known_providers() -> frozenset[str]:
    """The names of all rows in providers, read from the calls that make them."""
    calls = [
        node
        for source in read_sources()
        if source.room == "providers"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and _name_of(node.func) == "Provider"
    ]
    values = [word.value for call in calls for word in call.keywords if word.arg == "name"]
    return frozenset(
        value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)
    )


def _words(source: Source, pattern: re.Pattern[str], sentence: str) -> Breaches:
    for line, text in strings_of(source.tree):
        if match := pattern.search(text):
            yield line, f"{sentence}: '{match[0]}'"


def _name_of(node: ast.AST) -> str:
    """The last part of a dotted name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
