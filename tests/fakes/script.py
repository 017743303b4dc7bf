"""A play written into a user's message, which any fake provider performs: how a program with real tools is led.

A line `script: [STEP, ...]` of a user's message, in JSON, says what the assistant does in each turn after it. A step is
`{"think": text, "say": text, "calls": [{"name": ..., "input": {...}}]}`, each part as one likes.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

Step = dict[str, Any]

_LINE = re.compile(r"^script: (\[.*\])$", re.MULTILINE)


def step_of(turns: Sequence[tuple[str, str]]) -> Step | None:
    """The step due now, from the role and the text of each message; None where nobody wrote a script.

    Assistant messages in a row are one turn. Raises IndexError when the script is over.
    """
    step: list[Step] | None = None
    played, before = 0, ""
    for role, text in turns:
        if role == "user" and (found := _LINE.search(text)):
            step, played = json.loads(found[1]), 0
        elif role == "assistant" and before != "assistant":
            played += 1
        before = role
    return None if step is None else step[played]
