"""Signing in and out, and one's own password. Each sign-in has a new session, whatever the browser brought along."""

import asyncio
import re
from typing import Final

from tallygate.access.passwords import give_password, is_password
from tallygate.access.sessions import Person
from tallygate.dashboard.cookies import drop_token, set_token
from tallygate.dashboard.urls import ROOT
from tallygate.dashboard.visit import Leave, Page, Visit
from tallygate.errors import InvalidValue, NotSignedIn, PermissionDenied, TallygateError
from tallygate.genai.secret import Secret
from tallygate.pipeline.call import error_headers

CHECK: Final = f"{ROOT}/sign-in/check"

_LOCAL: Final = re.compile(r"/dashboard(?:/[A-Za-z0-9._~/-]*)?(?:\?[A-Za-z0-9._~&=%+:-]*)?")


async def show_sign_in(visit: Visit) -> Page | Leave:
    """The way in; whoever is in already goes on."""
    wanted = find_next(visit.read_query("next").get("next", ""))
    return Leave(wanted) if visit.session is not None else _show(wanted)


async def sign_in(visit: Visit) -> Page | Leave:
    """With workspace, user and password."""
    values = visit.form.read(("workspace", "user", "password", "next"))
    workspace, user = values.get("workspace", "").strip(), values.get("user", "").strip()
    password = Secret(values.get("password", ""))
    wanted, peer = find_next(values.get("next", "")), visit.request.peer
    try:
        token = await visit.rooms.gate.run(lambda: visit.sessions.sign_in(workspace, user, password, peer))
    except TallygateError as error:
        return _show(wanted, error, {"workspace": workspace, "name": user})
    return await _enter(visit, token, wanted)


async def sign_in_as_admin(visit: Visit) -> Page | Leave:
    """With the admin key."""
    values = visit.form.read(("admin_key", "next"))
    key, wanted = Secret(values.get("admin_key", "").strip()), find_next(values.get("next", ""))
    try:
        token = await asyncio.to_thread(visit.sessions.sign_in_as_admin, key, visit.request.peer)
    except TallygateError as error:
        return _show(wanted, error)
    return await _enter(visit, token, wanted)


async def check_sign_in(visit: Visit) -> Page | Leave:
    """Behind a sign-in: a browser that has not kept the session is told why, instead of asked to sign in for ever."""
    wanted = find_next(visit.read_query("next").get("next", ""))
    return Leave(wanted) if visit.session is not None else Page("no_cookie.html", {"next": wanted})


async def sign_out(visit: Visit) -> Leave:
    """End this session."""
    await asyncio.to_thread(visit.sessions.end, visit.signed_in)
    return Leave(f"{ROOT}/sign-in", (drop_token(),))


async def sign_out_everywhere(visit: Visit) -> Leave:
    """End every session of the same person."""
    await asyncio.to_thread(visit.sessions.end_all, visit.signed_in)
    return Leave(f"{ROOT}/sign-in", (drop_token(),))


async def show_password(visit: Visit) -> Page:
    """The form for a new password of one's own."""
    _need_user(visit.person)
    return Page("password.html")


async def change_password(visit: Visit) -> Page | Leave:
    """Change one's own password. It ends every session, and begins a new one here."""
    _need_user(visit.person)
    values = visit.form.read(("form_token", "old", "new", "again"))
    old, new = Secret(values.get("old", "")), Secret(values.get("new", ""))
    try:
        if values.get("new") != values.get("again"):
            raise InvalidValue("The two new passwords are not the same.", param="again")
        token = await visit.rooms.gate.run(lambda: _change(visit, old, new))
    except (InvalidValue, NotSignedIn) as error:
        return Page("password.html", {"problem": error.message}, 400)
    return Leave(visit.at(ROOT, done="password"), (set_token(token),))


def find_next(text: str) -> str:
    """Where to go after the sign-in: a page of ours, whatever was asked for."""
    return text if _LOCAL.fullmatch(text) and "//" not in text else ROOT


def _change(visit: Visit, old: Secret, new: Secret) -> Secret:
    person, database = visit.person, visit.rooms.database
    holder = visit.sessions.check(person.workspace_id, person.user_id, old, visit.request.peer)
    if is_password(holder.password, new):
        raise InvalidValue("The new password is the old one.", param="new")
    give_password(database, person.workspace_id, person.user_id, new, actor=person.actor)
    return visit.sessions.sign_in(person.workspace_id, person.user_id, new, visit.request.peer)


async def _enter(visit: Visit, token: Secret, wanted: str) -> Leave:
    if visit.session is not None:
        await asyncio.to_thread(visit.sessions.end, visit.session)
    return Leave(f"{CHECK}?next={wanted.replace('?', '%3F').replace('&', '%26')}", (set_token(token),))


def _show(wanted: str, error: TallygateError | None = None, user: dict[str, str] | None = None) -> Page:
    values = {"next": wanted, "user": user or {}, "problem": error.message if error else ""}
    status, headers = (error.status, tuple(error_headers(error))) if error else (200, ())
    return Page("sign_in.html", values, status, headers)


def _need_user(person: Person) -> None:
    if not person.user_id:
        raise PermissionDenied("The admin key has no password: it is kept in the gateway's data folder.")
