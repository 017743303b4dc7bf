"""Who is at the other end of a connection."""

import asyncio
from typing import Any, cast


def find_peer(transport: asyncio.BaseTransport | None) -> str:
    """The address of the other end, without its port; empty for a socket in the file system or one that is gone."""
    name: object = None if transport is None else transport.get_extra_info("peername")
    return str(cast("tuple[Any, ...]", name)[0]) if isinstance(name, tuple) and name else ""
