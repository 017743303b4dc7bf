"""A browser without a screen, scripts or haste: asks for pages, keeps the cookie, sends forms. It can also send them
wrongly, which no browser lets anybody do.
"""

import re
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

from tests.contract.gateway import Gateway, Reply

FORM = "application/x-www-form-urlencoded"


class Seen(NamedTuple):
    """A page: its status, headers and text."""

    status: int
    headers: dict[str, str]
    text: str


class Visitor:
    """One browser's cookies at one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.origin = f"http://127.0.0.1:{gateway.port}"
        self.cookie = ""
        self.set_cookie = ""
        self.form_token = ""

    def get(self, path: str, **headers: str) -> Seen:
        """A page."""
        return self._look(self.gateway.ask("GET", path, None, self._headers(headers)))

    def post(self, path: str, /, fields: dict[str, str] | bytes, **headers: str | None) -> Seen:
        """Send a form, with the token of the last page that had one. A header of None is left out."""
        body = fields if isinstance(fields, bytes) else urlencode({"form_token": self.form_token, **fields}).encode()
        sent: dict[str, str | None] = {"Content-Type": FORM, "Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in sent.items() if value is not None}
        return self._look(self.gateway.ask("POST", path, body, self._headers(kept)))

    def sign_in(self, workspace: str, user: str, password: str) -> Seen:
        """With a password."""
        values = {"workspace": workspace, "user": user, "password": password}
        return self.post("/dashboard/sign-in", urlencode(values).encode())

    def sign_in_as_admin(self, key: str) -> Seen:
        """With the admin key."""
        return self.post("/dashboard/sign-in/admin-key", urlencode({"admin_key": key}).encode())

    def _headers(self, more: dict[str, str]) -> list[tuple[str, str]]:
        given = {name.replace("_", "-"): value for name, value in more.items()}
        return [*given.items(), *([("Cookie", self.cookie)] if self.cookie else [])]

    def _look(self, reply: Reply) -> Seen:
        self.set_cookie = reply.headers.get("set-cookie", "")
        if self.set_cookie:
            self.cookie = self.set_cookie.split(";")[0]
        seen = Seen(reply.status, reply.headers, reply.body.decode())
        if token := re.search(r'name="form_token" value="([^"]+)"', seen.text):
            self.form_token = unescape(token[1])
        return seen
