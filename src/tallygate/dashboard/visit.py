"""One request for a page: who asks, for which workspace, with which form; and what pages answer with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct, field

from tallygate.access.keys import Minter
from tallygate.access.sessions import Person, Session, Sessions
from tallygate.api.account import Accounts
from tallygate.api.door import Request
from tallygate.api.models import FindPrice
from tallygate.api.proofs import Proofs
from tallygate.api.query import read_query
from tallygate.dashboard.forms import Form
from tallygate.dashboard.gate import Gate
from tallygate.errors import NotSignedIn
from tallygate.router.health import TargetHealth
from tallygate.router.plan import Catalog
from tallygate.store.database import Database
from tallygate.store.rows import WorkspaceRow
from tallygate.store.writer import Writer


class Rooms(Struct, frozen=True):
    """What the pages ask: the database for whoever administers, a caller's own money, receipts, what is sold, and the
    gate before passwords.
    """

    database: Database
    minter: Minter
    writer: Writer
    accounts: Accounts
    proofs: Proofs
    catalog: Callable[[], Catalog]
    find_price: FindPrice
    gate: Gate
    list_health: Callable[[], Sequence[TargetHealth]]
    version: str


class Page(Struct, frozen=True):
    """A template and what it is filled with."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class Leave(Struct, frozen=True):
    """Off to another page of ours, by GET."""

    to: str
    headers: tuple[tuple[str, str], ...] = ()


class Visit(Struct, frozen=True, kw_only=True):
    """A request, the session behind it, and the workspace that is looked at: an operator chooses one, anybody else is
    in their own. `workspaces` are those there are to choose from.
    """

    rooms: Rooms
    sessions: Sessions
    request: Request
    session: Session | None
    slots: Mapping[str, str]
    form: Form
    workspaces: Sequence[WorkspaceRow] = ()
    workspace: WorkspaceRow | None = None

    @property
    def signed_in(self) -> Session:
        """The session. Raises NotSignedIn."""
        if self.session is None:
            raise NotSignedIn
        return self.session

    @property
    def person(self) -> Person:
        """Who asks. Raises NotSignedIn."""
        return self.signed_in.person

    @property
    def is_enhanced(self) -> bool:
        """Whether only a part of the page was asked for, by a script of the page."""
        return any(name == b"hx-request" for name, _ in self.request.headers)

    def read_query(self, *names: str) -> dict[str, str]:
        """What stands behind the `?`, by an allow list. Raises InvalidValue."""
        return read_query(self.request.query, (*names, "workspace", "done"))

    def at(self, path: str, **parameters: str | int | None) -> str:
        """The address of another page, for the same workspace."""
        chosen: dict[str, str | int] = {name: value for name, value in parameters.items() if value not in (None, "")}
        if self.session is not None and self.person.role == "operator" and self.workspace is not None:
            chosen["workspace"] = self.workspace.id
        return f"{path}?{urlencode(chosen)}" if chosen else path
