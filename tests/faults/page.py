"""The page docs/reference/faults.md as the table says it.

python -m tests.faults.page    writes the page anew
"""

from tests.fakes.process import ROOT
from tests.faults.table import FAULTS, Ending, Fault

PAGE = ROOT / "docs/reference/faults.md"

GROUPS = {
    "connect": "The connection",
    "status": "The status",
    "headers": "The head and the framing",
    "body": "The body",
    "stream": "The shape of a stream",
    "time": "Time, and the end",
    "usage": "The counts",
    "identity": "Names",
}

OPENING = """# Faults

What a client sees when a provider goes wrong. A test makes every one of these faults, whole and streamed, from each
dialect to each, and holds the gateway to this page. Three rules are behind it:

- **An answer that looks complete is complete.** Whatever breaks upstream, no client gets a terminator, or a whole
  answer, that the provider did not finish.
- **Before the first event it is an error answer, after it an error event.** A stream that has begun keeps its status
  200; its last event is then the error, and no terminator follows.
- **The words are ours.** What a provider's page says about its machines does not go on.

*Served* means status 200 and a complete answer. *Error event* means that the stream began and ends so. Codes are those
of [Errors](errors.md); Anthropic's clients get the same as a type: `overloaded_error` with status 529 for `overloaded`,
`timeout_error` for `timeout`, `invalid_request_error` for `provider_rejected`, `request_too_large` for
`payload_too_large`, and `api_error` for the rest.
"""


def write_page() -> str:
    """The whole page."""
    parts = [OPENING]
    for group, title in GROUPS.items():
        rows = [_row(fault) for fault in FAULTS.values() if fault.group == group and (fault.whole or fault.stream)]
        parts.append(f"## {title}\n\n| the provider | whole | streamed |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(fault: Fault) -> str:
    only = f" ({fault.wires[0].title().replace('Openai', 'OpenAI')})" if len(fault.wires) == 1 else ""
    return f"| {fault.says}{only} | {_cell(fault.whole, fault)} | {_cell(fault.stream, fault)} |"


def _cell(ending: Ending | None, fault: Fault) -> str:
    if ending is None:
        return "-"
    text = _words(ending)
    if fault.also is not None and fault.also != ending:
        text += f", or {_words(fault.also)} if nothing had been passed on"
    if fault.verbatim is not None:
        text += f"; {_words(fault.verbatim)} to clients of the same dialect"
    return text


def _words(ending: Ending) -> str:
    if ending.kind == "served":
        return "served"
    return f"{ending.status if ending.kind == 'refused' else 'error event'} `{ending.code}`"


if __name__ == "__main__":
    PAGE.write_text(write_page())
