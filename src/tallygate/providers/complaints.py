"""What is wrong with the settings of providers, in sentences for the person who wrote them.

Pure: the settings' own types have been checked before; here is what only this room can know.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from tallygate.providers.base import Provider
from tallygate.providers.settings import ProviderSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?\Z")
_SIGN_IN = frozenset({"authorization", "x-api-key", "x-goog-api-key"})
_OURS = frozenset({"accept-encoding", "connection", "content-length", "host", "te", "transfer-encoding", "upgrade"})


class Complaint(Struct, frozen=True):
    """One thing that cannot be as it is written. `path` names the setting: ``providers.lab.base_url``."""

    path: str
    sentence: str


def find_complaints(
    settings: Mapping[str, ProviderSettings], known: Mapping[str, Provider], dialects: Collection[str]
) -> list[Complaint]:
    """Everything wrong with ``[providers.…]``. `known` are this room's rows, `dialects` the names of our codecs."""
    return [
        Complaint(f"providers.{name}{'.' if where else ''}{where}", sentence)
        for name, own in settings.items()
        for where, sentence in _complain(name, own, known.get(name), dialects)
    ]


def _complain(
    name: str, own: ProviderSettings, row: Provider | None, dialects: Collection[str]
) -> Iterator[tuple[str, str]]:
    if _NAME.match(name) is None:
        yield "", "a provider's name is made of small letters, digits, dots, dashes and underscores"
    if row is not None and row.serve is not None:
        yield "", f'the name "{name}" is taken by the built-in test provider; choose another'
    if row is None and own.base_url is None:
        yield "base_url", 'is needed for a provider that is not known here, for example base_url = "http://lab:8000"'
    if row is None and not own.speaks:
        yield "speaks", 'is needed: which dialect is spoken where, for example { openai_chat = "/v1/chat/completions" }'
    if own.base_url is not None and (reason := _complain_of_url(own.base_url)):
        yield "base_url", reason
    for dialect in own.speaks:
        if dialect not in dialects:
            yield f"speaks.{dialect}", f'there is no dialect "{dialect}" here; there is {", ".join(sorted(dialects))}'
    if own.api_key_env is not None and own.api_key_file is not None:
        yield "api_key_file", "give the key by api_key_env or by api_key_file, not by both"
    if own.auth == "none" and (own.api_key_env is not None or own.api_key_file is not None):
        yield "auth", 'auth = "none" sends no key, yet one is given'
    for header, value in own.headers.items():
        if reason := _complain_of_header(header, value):
            yield f"headers.{header}", reason


def _complain_of_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
        parts = urlsplit("")
    if not named or not url.isascii() or any(char <= " " or char in '\\"<>^`{|}\x7f' for char in url):
        return "is not a URL that can be called"
    if parts.username is not None:
        return "holds a user name or password; put the key into a variable and name it in api_key_env"
    if parts.query or parts.fragment or url[-1] in "?#":
        return "ends in a query; only an address and perhaps a path can stand here"
    return ""


def _complain_of_header(name: str, value: str) -> str:
    if name.lower() in _SIGN_IN:
        return "a key does not belong into the settings; put it into a variable and name it in api_key_env"
    if name.lower() in _OURS:
        return "is set by the gateway itself"
    if _HEADER_NAME.match(name) is None or _HEADER_VALUE.match(value) is None:
        return "is not a header that can be sent"
    return ""
