"""Calls by the official OpenAI client, whichever major the interpreter has, with its own retries; what came of
them as JSON. Nothing of the gateway is imported here.

    python -m tests.money.openai_call MODEL [URL KEY TEXT]...
"""

import json
import sys
from typing import Any

import openai


def call(model: str, url: str, key: str, text: str) -> dict[str, Any]:
    """The words of the answer, or the names of the error's classes with what it says."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=2, timeout=30)
    messages: list[Any] = [{"role": "user", "content": text}]
    try:
        answer: Any = client.chat.completions.create(model=model, messages=messages, max_tokens=50)
    except openai.APIStatusError as error:
        classes = [each.__name__ for each in type(error).__mro__]
        return {"classes": classes, "status": error.status_code, "message": error.message, "code": error.code}
    return {"said": answer.choices[0].message.content}


if __name__ == "__main__":
    chosen, *rest = sys.argv[1:]
    told = [call(chosen, *rest[place : place + 3]) for place in range(0, len(rest), 3)]
    sys.stdout.write(json.dumps({"version": openai.__version__, "told": told}))
