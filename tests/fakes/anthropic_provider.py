"""A provider that speaks Anthropic's Messages wire, in a process of its own; its addresses are those of the vendor.

It is as strict as the vendor (`anthropic_rules`), so that a gateway that lets foreign fields through is found out.

    python -m tests.fakes.anthropic_provider --key KEY
"""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

from tests.fakes import anthropic_answers as said
from tests.fakes.anthropic_rules import Refused, check, need
from tests.fakes.behaviours import behaviour_of, fail
from tests.fakes.provider import Incoming, Provider, main

MODELS = ("up-echo", "up-think")
LISTED = {"type": "model", "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active"}
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic(Provider):
    """The provider's language."""

    opening_frames = 3

    def own_headers(self, call: Incoming) -> list[tuple[str, str]]:
        return [
            ("request-id", f"req_lab_{call.number}"),
            ("set-cookie", "lab=cookie"),
            ("anthropic-organization-id", "lab-org"),
            ("anthropic-ratelimit-requests-limit", "50"),
        ]

    def whole_body(self, call: Incoming) -> bytes:
        return json.dumps(said.whole(call.json, call.number), ensure_ascii=False).encode()

    def frames(self, call: Incoming) -> list[bytes]:
        return [event(told) for told in said.events(call.json, call.number)]

    def error_body(self, call: Incoming, status: int, message: str) -> bytes:
        return json.dumps(self._error(call, KINDS.get(status, "api_error"), message)).encode()

    def error_frame(self, call: Incoming) -> bytes:
        return event(self._error(call, "overloaded_error", "lab broke"))

    def last_user_text(self, call: Incoming) -> str:
        return said.last_user_text(call.json)

    def route(self, call: Incoming) -> Awaitable[None]:
        path = call.path.partition("?")[0]
        if self.key not in {call.header("x-api-key"), call.header("authorization").removeprefix("Bearer ")}:
            return fail(call, 401)
        if (call.method, path) == ("GET", "/v1/models"):
            listed = [{"id": name, "display_name": name.title(), **LISTED} for name in MODELS]
            page = {"data": listed, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
            return call.whole(200, json.dumps(page).encode())
        if call.method != "POST" or path not in {"/v1/messages", "/v1/messages/count_tokens"}:
            return fail(call, 404)
        call.json = json.loads(call.body)
        try:
            return self._serve(call, counting=path.endswith("count_tokens"))
        except Refused as error:
            return call.whole(400, self.error_body(call, 400, str(error)))

    def _serve(self, call: Incoming, *, counting: bool) -> Awaitable[None]:
        check(call.json, call.header("anthropic-version"), call.header("anthropic-beta"))
        if counting:
            need("max_tokens" not in call.json, "max_tokens: Extra inputs are not permitted")
            return call.whole(200, json.dumps({"input_tokens": said.input_tokens(call.json)}).encode())
        max_tokens = call.json.get("max_tokens")
        need(isinstance(max_tokens, int) and max_tokens > 0, "max_tokens: Field required")
        return behaviour_of(call.json["model"])(call)

    def _error(self, call: Incoming, kind: str, message: str) -> dict[str, Any]:
        return {
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": f"req_lab_{call.number}",
        }


def event(told: dict[str, Any]) -> bytes:
    """One server-sent event, named by its type."""
    return f"event: {told['type']}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


if __name__ == "__main__":
    asyncio.run(main(Anthropic))
