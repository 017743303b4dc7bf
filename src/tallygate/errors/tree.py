"""The root of the tree of errors: what every one of them has, whosever fault it is."""

from collections.abc import Mapping
from typing import ClassVar

Fact = str | int | tuple[str, ...]


class TallygateError(Exception):
    """The root: an HTTP status, a stable code, and a sentence.

    `param` is the path of the offending field (``messages[0].role``), `retry_after_s` a whole number of seconds from 1
    to 60, `details` small extra facts for surfaces that have room for them. Without a message the class docstring's
    first line is the message.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retry: ClassVar[bool | None] = None
    """What `x-should-retry` says: False where a retry is pointless, True where it is what we ask for, None where the
    client's own rule is right.
    """

    def __init__(
        self,
        message: str = "",
        *,
        param: str | None = None,
        retry_after_s: int | None = None,
        details: Mapping[str, Fact] | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").split("\n")[0]
        self.param = param
        self.retry_after_s = retry_after_s
        self.details = dict(details or {})
        super().__init__(self.message)
