"""Whether keys in use still stand: one question for all the calls that run in a process. Nothing is written here."""

from collections.abc import Iterable
from typing import Final, LiteralString

import msgspec

from tallygate.store.address import Engine
from tallygate.store.driver import DriverConnection
from tallygate.store.rows import ACTIVE

_STANDING: Final[LiteralString] = (
    "SELECT k.id FROM keys k JOIN users u ON u.id = k.user_id JOIN workspaces w ON w.id = k.workspace_id"
    " WHERE k.status = ? AND u.status = ? AND w.status = ? AND (k.expires_at_ns IS NULL OR k.expires_at_ns > ?)"
    " AND k.id IN "
)
_LISTED: Final[dict[Engine, LiteralString]] = {
    Engine.SQLITE: "(SELECT value FROM json_each(?))",
    Engine.POSTGRESQL: "(SELECT jsonb_array_elements_text(CAST(? AS jsonb)))",
}


def find_dead_keys(connection: DriverConnection, key_ids: Iterable[str], now_ns: int) -> frozenset[str]:
    """Those of the keys that are revoked, expired or gone, or whose user or workspace is disabled."""
    asked = frozenset(key_ids)
    listed = msgspec.json.encode(sorted(asked)).decode()
    found = connection.fetch(_STANDING + _LISTED[connection.engine], (ACTIVE, ACTIVE, ACTIVE, now_ns, listed))
    return asked - {key_id for (key_id,) in found}
