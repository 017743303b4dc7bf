"""Records what the official clients really send: runs each against the fake provider of its language, and writes every
request, scrubbed, to `tests/golden/recorded/CLIENT/NN-NAME.json`. Requests that differ in nothing are written once.

    python -m tests.fakes.recorder [CLIENT...]
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.contract import repertoire
from tests.contract.claude_code import DISCOVERY, ClaudeCode, Run, note_task, point_at
from tests.fakes.process import ROOT
from tests.fakes.scrub import scrub
from tests.fakes.upstream import PROVIDER_KEY, Upstream, start_upstream

FOLDER = ROOT / "tests" / "golden" / "recorded"
OPENAI = (
    *("whole", "stream", "stream_says_what_whole_says", "tool_single", "tool_choice_is_honoured"),
    *("tools_parallel_loop", "structured_output", "json_mode", "many_kinds_of_content", "images"),
    *("several_choices_and_logprobs", "unknown_fields_pass"),
)
ANTHROPIC = (
    *("whole", "stream", "stream_helper", "tool_single", "tool_choice_is_honoured", "tools_parallel_loop"),
    *("tool_results_of_many_kinds", "structured_output", "count_tokens", "stop_reasons", "images", "image_by_url"),
    *("image_in_a_tool_result", "document", "system_as_string_and_as_blocks", "system_in_the_middle", "thinking"),
    *("thinking_replayed", "redacted_thinking_replayed", "citations", "blocks_of_server_tools", "betas"),
    *("unknown_fields_pass", "models"),
)
COUNTS_KEPT = 3
"""How many of the many counts of one `/context` are kept."""

Recording = Iterator[tuple[str, dict[str, Any]]]


def record_sdk(upstream: Upstream, python: Path, module: str, root: str, scenarios: tuple[str, ...]) -> Recording:
    """What an SDK sends in each scenario."""
    for name in scenarios:
        mark = upstream.mark()
        told = repertoire.play(python, module, upstream.url + root, PROVIDER_KEY, "upstream", name)
        repertoire.outcome(told, name)
        for entry in upstream.requests_since(mark):
            yield name, scrub(entry)


def record_claude_code(upstream: Upstream) -> Recording:
    """What Claude Code sends for a task of several turns, about its context, and when it may look for models."""
    plain = point_at(upstream.url, PROVIDER_KEY, "claude-lab")
    yield from _record_run(upstream, "task", plain, lambda claude: claude.play(*note_task(claude.project / "note.txt")))
    counts = _record_run(upstream, "context", plain, lambda claude: claude.run("/context"))
    yield from islice(counts, COUNTS_KEPT + 1)
    yield from _record_run(upstream, "discovery", {**plain, **DISCOVERY}, lambda claude: claude.play({"say": "Hi."}))


def _record_run(
    upstream: Upstream, name: str, variables: dict[str, str | None], ask: Callable[[ClaudeCode], Run]
) -> Recording:
    with tempfile.TemporaryDirectory() as home:
        claude = ClaudeCode(Path(home), variables)
        mark = upstream.mark()
        run = ask(claude)
        assert run.code == 0, run
        yield from ((name, scrub(entry, home, own_words=True)) for entry in upstream.requests_since(mark))


PYTHON = Path(sys.executable)
CLIENTS: dict[str, tuple[str, Callable[[Upstream], Recording]]] = {
    "openai3": (
        "openai_provider",
        lambda upstream: record_sdk(upstream, PYTHON, "tests.contract.openai_play", "/v1", OPENAI),
    ),
    "openai1": (
        "openai_provider",
        lambda upstream: record_sdk(
            upstream, ROOT / ".venv-openai1" / "bin" / "python", "tests.contract.openai_play", "/v1", OPENAI
        ),
    ),
    "anthropic2": (
        "anthropic_provider",
        lambda upstream: record_sdk(upstream, PYTHON, "tests.contract.anthropic_play", "", ANTHROPIC),
    ),
    "anthropic0": (
        "anthropic_provider",
        lambda upstream: record_sdk(
            upstream, ROOT / ".venv-anthropic0" / "bin" / "python", "tests.contract.anthropic_play", "", ANTHROPIC
        ),
    ),
    "claude-code": ("anthropic_provider", record_claude_code),
}


def main(chosen: list[str]) -> None:
    """Record the chosen clients, or all of them, anew."""
    for client in chosen or CLIENTS:
        provider, record = CLIENTS[client]
        folder = FOLDER / client
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        seen: set[str] = set()
        with start_upstream(provider) as upstream:
            for name, told in record(upstream):
                text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
                if (alike := text.replace(f"/{name}:", "/:")) not in seen:
                    seen.add(alike)
                    (folder / f"{len(seen):02}-{name}.json").write_text(text)
        sys.stdout.write(f"{client}: {len(seen)} requests\n")


if __name__ == "__main__":
    main(sys.argv[1:])
