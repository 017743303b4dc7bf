"""What a start says, once: where the gateway listens, what it found and why not more, and lines that work when pasted.

Only text is made here; what there is to say comes from `app.Opened`. The words `listening on URL` are a contract:
scripts wait for them.
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tallygate.app import Opened
from tallygate.genai.secret import Secret

MODELS_SHOWN_MAX = 6
QUESTION = "Say hello"


def compose(opened: Opened, command: Sequence[str]) -> str:
    """The whole banner. `command` is how this very program was called, for the lines that call it again."""
    parts = [f"Tallygate is listening on {opened.url}", _providers(opened), _models(opened), _key(opened, command)]
    if opened.first_key is not None and opened.models:
        parts.append(_lines_to_paste(opened.url, opened.first_key, opened.models[0]))
    return "\n\n".join(part for part in parts if part) + "\n"


def called_as() -> list[str]:
    """This program's own name as it can be typed here."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return [sys.executable, "-m", "tallygate"]
    return [sys.argv[0]]


def _providers(opened: Opened) -> str:
    lines = ["Providers"]
    size = max((len(name) for name, _ in _rows(opened)), default=0)
    lines += [f"  {name:<{size}}  {reason}" for name, reason in _rows(opened)]
    if not opened.discover:
        lines.append("  Engines on this machine are not looked for: `discover` is off.")
    return "\n".join(lines)


def _rows(opened: Opened) -> list[tuple[str, str]]:
    found = [(f"+ {item.provider.title}", item.reason) for item in opened.found]
    missing = [(f"- {item.title}", item.reason) for item in opened.missing]
    return found + missing


def _models(opened: Opened) -> str:
    count = len(opened.models)
    shown = ", ".join(opened.models[:MODELS_SHOWN_MAX])
    more = f" and {count - MODELS_SHOWN_MAX} more" if count > MODELS_SHOWN_MAX else ""
    lines = [f"Models\n  {shown}{more}" if count else "Models\n  none yet"]
    if not any(item.provider.quality == "real" for item in opened.found):
        lines += [
            "  No provider was found, so these are the built-in test models: they answer, but they do not think.",
            "  Set a provider's key in the environment and start again, or start an engine such as Ollama.",
        ]
    return "\n".join(lines)


def _key(opened: Opened, command: Sequence[str]) -> str:
    if opened.first_key is not None:
        return f"Your API key, shown only this once\n  {opened.first_key.reveal()}"
    where = ["--data", str(opened.data)]
    if opened.config is not None:
        where += ["--config", str(opened.config)]
    return "Another API key\n  " + shlex.join([*command, "keys", "create", "--workspace", "default", *where])


def _lines_to_paste(url: str, key: Secret, model: str) -> str:
    secret = key.reveal()
    messages = [{"role": "user", "content": QUESTION}]
    body = msgspec.json.encode({"model": model, "messages": messages}).decode()
    script = (
        "from openai import OpenAI; "
        f'answer = OpenAI(base_url="{url}/v1", api_key="{secret}").chat.completions.create('
        f"model={msgspec.json.encode(model).decode()}, messages={msgspec.json.encode(messages).decode()}); "
        "print(answer.choices[0].message.content)"
    )
    headers = f"-H 'Authorization: Bearer {secret}' -H 'Content-Type: application/json'"
    # A client that finds two keys sends both, and would be refused.
    settings = f"env -u ANTHROPIC_API_KEY ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN={secret}"
    lines = [
        f"curl {url}/v1/chat/completions {headers} -d {shlex.quote(body)}",
        f"python3 -c {shlex.quote(script)}  # pip install openai",
        f"{settings} claude --model {shlex.quote(model)}",
    ]
    return "Paste one of these\n" + "\n\n".join(f"  {line}" for line in lines)
