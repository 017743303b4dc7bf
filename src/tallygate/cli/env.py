"""Print the settings of clients, ready to paste.

One entry per client, as its own documentation spells them; the gateway's address and prefix come from the
configuration. What is no variable and no file is a comment, so that the output can go through `eval` or be pasted.
"""

import ipaddress
import shlex
from collections.abc import Callable
from typing import Annotated

import typer
from msgspec import Struct

from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.options import AsJson, ConfigFile
from tallygate.cli.terminal.table import print_json
from tallygate.config import Settings

app = typer.Typer(add_completion=False)


class Target(Struct, frozen=True):
    """What the clients are told: the address without a path or a slash at the end, the key, and a model to name."""

    base_url: str
    key: str
    model: str | None

    @property
    def model_shown(self) -> str:
        """The model, or a word to put one in its place."""
        return self.model or "MODEL"


class Client(Struct, frozen=True):
    """One client: what to put in its environment (None: take the variable away), then its file, then remarks."""

    title: str
    variables: dict[str, str | None]
    remarks: tuple[str, ...] = ()
    file: str = ""
    text: str = ""


def _openai(target: Target) -> Client:
    return Client(
        title="OpenAI SDKs and whatever is built on them",
        variables={"OPENAI_BASE_URL": f"{target.base_url}/v1", "OPENAI_API_KEY": target.key},
        remarks=("aider and litellm read the address from OPENAI_API_BASE instead.",),
    )


def _anthropic(target: Target) -> Client:
    # Two different keys in one request are refused, and the SDKs send both variables when both are there.
    return Client(
        title="Anthropic SDKs",
        variables={
            "ANTHROPIC_BASE_URL": target.base_url,
            "ANTHROPIC_API_KEY": target.key,
            "ANTHROPIC_AUTH_TOKEN": None,
        },
    )


def _claude_code(target: Target) -> Client:
    variables: dict[str, str | None] = {
        "ANTHROPIC_BASE_URL": target.base_url,
        "ANTHROPIC_AUTH_TOKEN": target.key,
        "ANTHROPIC_API_KEY": None,
    }
    if target.model is None:
        return Client(
            title="Claude Code",
            variables=variables,
            remarks=("To run it on a model of another name: tallygate env claude-code --model NAME",),
        )
    for size in ("OPUS", "SONNET", "HAIKU"):
        variables[f"ANTHROPIC_DEFAULT_{size}_MODEL"] = target.model
    return Client(title="Claude Code", variables=variables)


def _codex(target: Target) -> Client:
    return Client(
        title="Codex",
        variables={"TALLYGATE_API_KEY": target.key},
        file="~/.codex/config.toml",
        text=(
            f"model = {_quote(target.model_shown)}\n"
            'model_provider = "tallygate"\n'
            "\n"
            "[model_providers.tallygate]\n"
            'name = "Tallygate"\n'
            f"base_url = {_quote(target.base_url + '/v1')}\n"
            'env_key = "TALLYGATE_API_KEY"\n'
            'wire_api = "responses"\n'
        ),
    )


def _gemini(target: Target) -> Client:
    # GOOGLE_API_KEY would win over GEMINI_API_KEY in Google's SDK.
    return Client(
        title="Google GenAI SDKs and the Gemini CLI",
        variables={
            "GOOGLE_GEMINI_BASE_URL": target.base_url,
            "GEMINI_API_KEY": target.key,
            "GOOGLE_API_KEY": None,
        },
    )


def _ollama(target: Target) -> Client:
    return Client(
        title="Ollama SDKs",
        variables={"OLLAMA_HOST": target.base_url, "OLLAMA_API_KEY": target.key},
        remarks=("The Python SDK sends the key by itself; give others the header Authorization: Bearer KEY.",),
    )


def _llm(target: Target) -> Client:
    return Client(
        title="llm",
        variables={},
        file="extra-openai-models.yaml in the folder of `llm logs path`",
        text=(
            "- model_id: tallygate\n"
            f"  model_name: {_quote(target.model_shown)}\n"
            f"  api_base: {_quote(target.base_url + '/v1')}\n"
            "  api_key_name: tallygate\n"
            "  supports_tools: true\n"
            "  supports_schema: true\n"
        ),
        remarks=(f"Then: llm keys set tallygate --value {shlex.quote(target.key)}", 'And: llm -m tallygate "hello"'),
    )


def _open_webui(target: Target) -> Client:
    return Client(
        title="Open WebUI",
        variables={"OPENAI_API_BASE_URL": f"{target.base_url}/v1", "OPENAI_API_KEY": target.key},
        remarks=(
            "Read at Open WebUI's first start only; later change it under Admin Settings, Connections.",
            "From inside a container this machine is host.docker.internal, and the gateway must listen on 0.0.0.0.",
        ),
    )


def _openrouter(target: Target) -> Client:
    base_url = f"{target.base_url}/api/v1"
    return Client(
        title="OpenRouter SDKs and whatever is built on them",
        # The SDKs read the key only; litellm, and aider with it, the address too.
        variables={"OPENROUTER_API_KEY": target.key, "OPENROUTER_API_BASE": base_url},
        remarks=(
            f"In Python: OpenRouter(server_url={_quote(base_url)})",
            f"In TypeScript: new OpenRouter({{serverURL: {_quote(base_url)}}})",
        ),
    )


CLIENTS: dict[str, Callable[[Target], Client]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "claude-code": _claude_code,
    "codex": _codex,
    "gemini": _gemini,
    "ollama": _ollama,
    "llm": _llm,
    "open-webui": _open_webui,
    "openrouter": _openrouter,
}


@app.command()
def env(
    client: Annotated[
        str | None,
        typer.Argument(metavar="CLIENT", help=f"One of {', '.join(CLIENTS)}. [default: all]", show_default=False),
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="API key. [default: a placeholder]")] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="M", help="Model, for clients whose settings name one.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the settings that point a client at this gateway, ready to paste.

    For a shell: eval "$(tallygate env openai --key KEY)"
    """
    if client is not None and client not in CLIENTS:
        raise Failure(f'"{client}" is not a client known here. Known are: {", ".join(CLIENTS)}.', 2)
    settings = read_settings(config).settings
    target = Target(find_base_url(settings), key or f"{settings.keys.prefix}YOUR-KEY", model)
    shown = {name: make(target) for name, make in CLIENTS.items() if client in (None, name)}
    if as_json:
        print_json(
            [
                {"client": name, "variables": one.variables, "file": one.file, "text": one.text, "remarks": one.remarks}
                for name, one in shown.items()
            ]
        )
        return
    for number, (name, one) in enumerate(shown.items()):
        typer.echo(("\n" if number else "") + _render(name, one))
    if key is None:
        typer.echo(f"\n# Instead of {target.key}, a key from: tallygate keys create --workspace W")
    if model is None and any("MODEL" in one.text for one in shown.values()):
        typer.echo("# Instead of MODEL, a name from: tallygate models list")


def find_base_url(settings: Settings) -> str:
    """Where a client on this machine reaches the gateway: the public URL if one is set."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}.get(settings.server.host, settings.server.host)  # noqa: S104
    try:
        host = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        pass  # a name
    return f"http://{host}:{settings.server.port}"


def _render(name: str, client: Client) -> str:
    lines = [f"# {name}: {client.title}"]
    for variable, value in client.variables.items():
        lines.append(f"unset {variable}" if value is None else f"export {variable}={shlex.quote(value)}")
    if client.text:
        lines += [f"# in {client.file}:", client.text.rstrip("\n")]
    return "\n".join([*lines, *(f"# {remark}" for remark in client.remarks)])


def _quote(text: str) -> str:
    """A string as TOML and YAML both read it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
