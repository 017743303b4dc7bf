"""Which edition of the configuration counts, and the call that has it read again."""

import asyncio
import time
from typing import Any

from msgspec import Struct

from tallygate.api.admin.desk import Desk
from tallygate.api.admin.editions import State
from tallygate.api.body import read_body
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.shown import show_moment
from tallygate.store.audit import Change, note_change


async def show_configuration(desk: Desk, request: Request) -> Reply:
    """Which edition counts in each process, of which file."""
    return envelope_reply(_show(desk.configuration.show()), request)


class Reload(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/admin/reload``: an empty object."""


async def reload(desk: Desk, request: Request) -> Reply:
    """Read the configuration again, all of it or nothing. Raises InvalidConfiguration with all that is wrong."""
    read_body(request.body, Reload, desk.json_depth_max)
    state = await desk.configuration.reload()
    detail = {"edition": state.edition, "digest": state.digest, "changed": list(state.changed)}
    change = Change(desk.actor, time.time_ns())
    await asyncio.to_thread(note_change, desk.database, change, "configuration.reload", state.file or "", detail)
    return envelope_reply({**_show(state), "changed": state.changed}, request)


def _show(state: State) -> dict[str, Any]:
    return {
        "edition": state.edition,
        "issued_at": show_moment(state.issued_at_ns),
        "file": state.file,
        "digest": state.digest,
        "waiting": state.waiting,
        "workers": [{"process": process, "edition": number} for process, number in sorted(state.workers.items())],
    }
