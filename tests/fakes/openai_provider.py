"""A provider that speaks OpenAI's chat wire, in a process of its own: what the gateway's contract tests call upstream.

python -m tests.fakes.openai_provider --key KEY
"""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

from tests.fakes import openai_answers as said
from tests.fakes.behaviours import Behaviour, answer, behaviour_of, fail
from tests.fakes.provider import Incoming, Provider, main

MODELS = ("up-echo", "up-think", "labs/up-slash")
DONE = b"data: [DONE]\n\n"


class OpenAI(Provider):
    """The provider's language."""

    opening_frames = 1

    def own_headers(self, call: Incoming) -> list[tuple[str, str]]:
        return [
            ("x-request-id", f"lab-req-{call.number}"),
            ("set-cookie", "lab=cookie"),
            ("openai-organization", "lab-org"),
        ]

    def whole_body(self, call: Incoming) -> bytes:
        return json.dumps(said.whole(call.json, call.number), ensure_ascii=False).encode()

    def frames(self, call: Incoming) -> list[bytes]:
        return [*(event(chunk) for chunk in said.chunks(call.json, call.number)), DONE]

    def error_body(self, call: Incoming, status: int, message: str) -> bytes:
        error = {"message": message, "type": "lab_error", "param": "messages", "code": "lab_code"}
        return json.dumps({"error": error}).encode()

    def error_frame(self, call: Incoming) -> bytes:
        return event({"error": {"message": "lab broke", "type": "server_error", "param": None, "code": "lab_code"}})

    def last_user_text(self, call: Incoming) -> str:
        return said.last_user_text(call.json)

    def route(self, call: Incoming) -> Awaitable[None]:
        if call.header("authorization") != f"Bearer {self.key}":
            return fail(call, 401)
        if (call.method, call.path) == ("GET", "/v1/models"):
            listed = [{"id": name, "object": "model", "created": said.CREATED_S, "owned_by": "lab"} for name in MODELS]
            return call.whole(200, json.dumps({"object": "list", "data": listed}).encode())
        if call.method != "POST" or call.path not in ("/v1/chat/completions", "/v1/embeddings"):
            return fail(call, 404)
        call.json = json.loads(call.body)
        if call.path == "/v1/embeddings":
            return call.whole(200, json.dumps(said.embeddings(call.json)).encode())
        behave = OWN_BEHAVIOURS.get(call.json["model"]) or behaviour_of(call.json["model"])
        return behave(call)


def event(chunk: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


async def no_done(call: Incoming) -> None:
    """Everything but `[DONE]`."""
    call.open_stream()
    for frame in call.provider.frames(call)[:-1]:
        await call.send(frame)
    await call.close_stream()


async def usage_unasked(call: Incoming) -> None:
    """Usage at the end of a stream whether or not it was asked for."""
    call.json = {**call.json, "stream_options": {"include_usage": True}}
    await answer(call)


OWN_BEHAVIOURS: dict[str, Behaviour] = {"up-nodone": no_done, "up-usage-unasked": usage_unasked}

if __name__ == "__main__":
    asyncio.run(main(OpenAI))
