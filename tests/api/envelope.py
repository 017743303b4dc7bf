"""What every answer in our own envelope has, whatever is inside."""

from typing import Any

from tests.contract.gateway import Reply


def check_ok(reply: Reply, status: int = 200) -> Any:
    """The data of an answer that went well."""
    assert reply.status == status, reply.body
    assert set(reply.json) == {"status", "data", "meta"}
    assert reply.json["status"] == "ok"
    assert reply.json["meta"]["request_id"] == reply.headers["x-request-id"] == reply.headers["request-id"]
    assert reply.headers["cache-control"] == "no-store"
    return reply.json["data"]


def check_error(reply: Reply, status: int, code: str) -> dict[str, Any]:
    """The error of an answer that did not, with the headers that every refusal bears."""
    assert reply.status == status, reply.body
    assert set(reply.json) == {"status", "error", "meta"}
    assert reply.json["status"] == "error"
    assert reply.json["meta"]["request_id"] == reply.headers["x-request-id"]
    error: dict[str, Any] = reply.json["error"]
    assert error["code"] == code, error
    assert error["message"]
    assert reply.headers["x-should-retry"] == "false"
    return error
