"""What a form may send: judged by its head before a byte of it is read, then decoded by an allow list of names.

A form that comes from another site is refused whatever else it says: by what the browser tells of where it comes from
(Fetch Metadata and Origin), beside the session's own token, which is checked with the session.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from tallygate.api.framing import too_large
from tallygate.api.head import Head
from tallygate.errors import InvalidValue, LengthRequired, PermissionDenied, UnsupportedEncoding, UnsupportedMediaType

BODY_BYTES_MAX: Final = 64 * 1024
FIELDS_MAX: Final = 200
VALUE_CHARACTERS_MAX: Final = 8_192
FORM_TYPE: Final = b"application/x-www-form-urlencoded"


def check_form(head: Head, public_url: str) -> None:
    """What a request with a form says of it. Raises PermissionDenied, 411, 413 and 415."""
    fields = head.fields
    _check_origin(fields, public_url)
    if fields.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedEncoding
    if head.length is None or (head.length == 0 and b"content-length" not in fields):
        raise LengthRequired("The request has no body of a known length. Send a form with a Content-Length.")
    if head.length > BODY_BYTES_MAX:
        raise too_large(BODY_BYTES_MAX)
    if fields.get(b"content-type", b"").split(b";")[0].strip().lower() != FORM_TYPE:
        raise UnsupportedMediaType(f"The body must be a form, sent as {FORM_TYPE.decode()}.")


def _check_origin(fields: Mapping[bytes, bytes], public_url: str) -> None:
    """Raises PermissionDenied unless the form stands on a page of this gateway."""
    site = fields.get(b"sec-fetch-site", b"same-origin")
    origin = urlsplit(fields.get(b"origin", b"").decode("latin-1").lower())
    own = {fields.get(b"host", b"").decode("latin-1").lower(), urlsplit(public_url.lower()).netloc} - {""}
    if site != b"same-origin" or origin.scheme not in ("http", "https") or origin.netloc not in own:
        raise PermissionDenied("This form does not come from a page of this gateway, so nothing was done.")


class Form:
    """The fields of a form. A name that is not asked for is refused, and so is one that stands twice unless it may."""

    def __init__(self, body: bytes) -> None:
        try:
            self._pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX, separator="&"
            )
        except ValueError:
            raise InvalidValue("The form cannot be read.") from None

    def read(self, names: Sequence[str], several: Sequence[str] = ()) -> dict[str, str]:
        """The values by name, without those that are empty; not stripped. Raises InvalidValue."""
        values: dict[str, str] = {}
        for name, value in self._pairs:
            if name in several:
                continue
            shown = name[:64]
            if name not in names:
                raise InvalidValue(f"{shown!r} is not a field of this form.", param=shown)
            if name in values:
                raise InvalidValue(f"{shown!r} stands twice in the form.", param=shown)
            if len(value) > VALUE_CHARACTERS_MAX:
                raise InvalidValue(f"{shown!r} is too long.", param=shown)
            values[name] = value
        return {name: value for name, value in values.items() if value}

    def list(self, name: str) -> list[str]:
        """Every value of a name that may stand several times."""
        return [value for one, value in self._pairs if one == name]

    def find(self, name: str) -> str:
        """The first value of a name; empty if it is missing."""
        return next((value for one, value in self._pairs if one == name), "")
