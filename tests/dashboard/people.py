"""Who can sign in to the pages of the tests' gateway, and the admin API by which more is made."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from tests.contract.gateway import TALLYGATE, Gateway

ADMIN_KEY: Final = "an-admin-key-that-is-long-enough-1"
PASSWORD: Final = "correct horse battery staple"
PEOPLE: Final = {"owner": "admin", "olga": "operator", "mia": "member", "vera": "viewer"}
"""The users of the first workspace and their roles."""

MODELS: Final = """
[models.priced]
targets = ["mock/echo"]
price = { input = "0.25", output = "1.50" }
"""


class Admin:
    """The admin API."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """What it says of something that was made."""
        sent = [("Content-Type", "application/json")]
        reply = self.gateway.ask("POST", path, json.dumps(body).encode(), sent, key=ADMIN_KEY)
        assert reply.status in (200, 201), reply.body
        return reply.json["data"]


def set_password(env: Mapping[str, str], user: str, password: str = PASSWORD, workspace: str = "default") -> None:
    """By the command line, as an operator would."""
    command = [TALLYGATE, "users", "password", user, "--workspace", workspace, "--stdin"]
    done = subprocess.run(
        command, env={**os.environ, **env}, input=f"{password}\n", text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
