"""Serves the pages: finds the session, asks whether its role reaches, lets the page be made, and renders it.

Every page that is not for anybody passes here. What a page shows or does is decided in `pages`.
"""

import asyncio
import hmac
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec.structs import replace

from tallygate.access.sessions import Session, Sessions
from tallygate.api.door import Reply, Request
from tallygate.dashboard.cookies import read_token
from tallygate.dashboard.forms import Form
from tallygate.dashboard.house import GUARDED, HTML, NOT_KEPT
from tallygate.dashboard.index import PAGES
from tallygate.dashboard.navigation import list_links
from tallygate.dashboard.rendering import Renderer
from tallygate.dashboard.rights import is_at_least, require
from tallygate.dashboard.statics import load_assets, serve_asset
from tallygate.dashboard.urls import NOWHERE, ROOT, Place
from tallygate.dashboard.visit import Leave, Page, Rooms, Visit
from tallygate.errors import NotFound, NotSignedIn, PermissionDenied, TallygateError
from tallygate.pipeline.call import error_headers
from tallygate.store.credit import list_balances
from tallygate.store.pages import Page as Cut
from tallygate.store.rows import ACTIVE, WorkspaceRow
from tallygate.store.tenants import list_workspaces

WORKSPACES_MAX: Final = 500
STATIC: Final = f"{ROOT}/static/{{name}}"


class Window:
    """The pages of one process (house.Window)."""

    def __init__(self, rooms: Rooms, sessions: Sessions) -> None:
        self._rooms = rooms
        self._sessions = sessions
        self._assets = load_assets()
        self._renderer = Renderer(self._assets, rooms.version)

    def close(self) -> None:
        """Let go of the database."""
        self._rooms.database.close()

    async def serve(self, place: Place, request: Request) -> Reply:
        """One page, or the page of what went wrong."""
        visit = Visit(
            rooms=self._rooms,
            sessions=self._sessions,
            request=request,
            session=None,
            slots=place.slots,
            form=Form(b""),
        )
        try:
            if place.line.path == STATIC:
                return serve_asset(self._assets, place.slots["name"])
            visit = replace(visit, session=await self._find_session(request), form=Form(request.body))
            if place is NOWHERE:
                raise NotFound("There is no page at this address.")
            if place.line.audience != "anybody":
                visit = await self._admit(place, visit)
            return self._answer(visit, await self._make(place, visit))
        except TallygateError as error:
            return self._answer(visit, explain(visit, error))

    async def _find_session(self, request: Request) -> Session | None:
        token = read_token(request.headers)
        return await asyncio.to_thread(self._sessions.find, token) if token else None

    async def _admit(self, place: Place, visit: Visit) -> Visit:
        """Let a signed-in person pass whose role reaches. Raises NotSignedIn, PermissionDenied, NotFound."""
        session = visit.signed_in
        require(session.person, place.line.audience)
        if visit.request.method == "POST":
            given = visit.form.find("form_token").encode("utf-8", "replace")
            if not hmac.compare_digest(given, session.form_token.encode()):
                raise PermissionDenied("This form is of another session. Go back, reload the page, and send it again.")
        return await asyncio.to_thread(choose_workspace, visit)

    async def _make(self, place: Place, visit: Visit) -> Page | Leave | Reply:
        method = "GET" if visit.request.method == "HEAD" else visit.request.method
        return await PAGES[method, place.line.path](visit)

    def _answer(self, visit: Visit, made: Page | Leave | Reply) -> Reply:
        match made:
            case Reply():
                return replace(made, headers=(*GUARDED, NOT_KEPT, *made.headers))
            case Leave():
                return Reply(303, b"", (*GUARDED, NOT_KEPT, ("location", made.to), *made.headers), HTML)
            case Page():
                body = self._renderer.render(made.template, {**surround(visit), **made.values})
                return Reply(made.status, body, (*GUARDED, NOT_KEPT, *made.headers), HTML)


def choose_workspace(visit: Visit) -> Visit:
    """The visit with the workspace it is about. An operator names one in the address, or gets the first.

    Raises NotFound.
    """
    person = visit.person
    if person.role != "operator":
        own = WorkspaceRow(person.workspace_id, person.workspace, ACTIVE, 0, None)
        return replace(visit, workspace=own)
    found = list_workspaces(visit.rooms.database, Cut(WORKSPACES_MAX))
    named = dict(parse_qsl(visit.request.query.decode("latin-1"))).get("workspace", "")
    chosen = next((one for one in found if named in (one.id, one.name)), None) if named else next(iter(found), None)
    if named and chosen is None:
        # Beyond those that there are to choose from, or nowhere.
        (balance,) = list_balances(visit.rooms.database, named)
        chosen = WorkspaceRow(balance.workspace_id, balance.workspace, ACTIVE, 0, None)
    return replace(visit, workspaces=found, workspace=chosen)


def surround(visit: Visit) -> dict[str, Any]:
    """What every page is filled with: who asks, the way to other pages, and the token of its forms."""
    session = visit.session
    values: dict[str, Any] = {
        "at": visit.at,
        "here": visit.request.path,
        "root": ROOT,
        "person": None,
        "workspace": visit.workspace,
        "workspaces": visit.workspaces,
        "done": "",
        "problem": "",
    }
    if session is not None:
        values |= {
            "person": session.person,
            "form_token": session.form_token,
            "links": list_links(visit),
            "reaches": partial(is_at_least, session.person),
        }
    return values


def explain(visit: Visit, error: TallygateError) -> Page:
    """The page of an error. Whoever is not signed in gets the way in, and comes back to where they wanted to go."""
    headers = tuple(error_headers(error))
    if isinstance(error, NotSignedIn):
        request = visit.request
        wanted = f"{request.path}?{request.query.decode('latin-1')}" if request.query else request.path
        values: Mapping[str, Any] = {"next": wanted if request.method != "POST" else ROOT, "user": {}}
        return Page("sign_in.html", values, error.status, headers)
    if "allow" in error.details:
        headers += (("allow", str(error.details["allow"])),)
    values = {"status": error.status, "message": error.message, "request_id": visit.request.request_id}
    return Page("error.html", values, error.status, headers)
