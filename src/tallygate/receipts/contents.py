"""Which bytes `response.content` has, by what was asked of the model. Each operation has a file of its own."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from tallygate.genai import stream
from tallygate.receipts.content import Content
from tallygate.receipts.vectors import Vectors


class Contents(Protocol):
    """What one answer says, as it is seen and handed on."""

    def see(self, event: stream.Event) -> None:
        """An event of its stream, in order."""
        ...

    def see_whole(self, response: Any) -> None:
        """A whole answer."""
        ...

    def hand_on(self) -> None:
        """All that was seen is on its way to the client."""
        ...

    def write(self) -> bytes:
        """The bytes, once the answer is over."""
        ...


_OPENERS: Final[Mapping[str, Callable[[], Contents]]] = {"chat": Content, "embed": Vectors}


def open_content(operation: str) -> Contents:
    """The content of an answer that is still to come."""
    return _OPENERS[operation]()
