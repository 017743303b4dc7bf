"""What a connection asks of whatever is served behind it: where a request goes, and its answer."""

from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from tallygate.api.door import Reply, Request
from tallygate.api.exchange import Exchange
from tallygate.api.head import Head
from tallygate.errors import TallygateError


class Place(Protocol):
    """Where a request goes. What else it says is for the doors that gave it."""

    @property
    def slots(self) -> Mapping[str, str]:
        """What the path says in the places that the table leaves open."""
        ...


class Doors(Protocol):
    """What a request leads to. It is handed back the place that it gave, of whatever kind that is."""

    def match(self, head: Head) -> Place:
        """Where a request goes, judged by its head. Raises RequestError."""
        ...

    def is_call(self, matched: Any) -> bool:
        """True where a model answers: a client that leaves ends what was begun for it."""
        ...

    def refuse(self, error: TallygateError, path: str, request_id: str) -> Reply:
        """An error in the words of the address it was asked at; an empty path if that is not known."""
        ...

    def serve(self, matched: Any, request: Request, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request to its end. Never raises."""
        ...
