"""Everything known about one finished call, at the bottom of the house so that money, proof and telemetry can each read
it and none needs to know the hallway. Made by `pipeline.watch`.
"""

from typing import Literal

from msgspec import Struct

from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage

Status = Literal["ok", "partial", "cancelled", "failed", "refused"]
"""`ok`: served to its end; `partial`: the provider broke off after content; `cancelled`: the client left,
or called it off before its answer began; `failed`: no content was delivered; `refused`: never dispatched."""


class Attempt(Struct, frozen=True):
    """One try at one target. `error_code` is empty for the one that answered; `usage` is what the provider reported.
    It lasted from `began_ns` to `ended_ns` after the request's arrival.
    """

    target: Target
    status: int = 0
    error_code: str = ""
    usage: Usage | None = None
    began_ns: int = 0
    ended_ns: int = 0


class Outcome(Struct, frozen=True):
    """One call's end. Times are nanoseconds on the process's monotonic clock, relative to the request's arrival.

    `sent`: a request went out to a provider. `usage` is the count of the provider that served, or None where it gave
    none. `produced` and `output_bytes` (UTF-8) are of what the model said, as far as it was handed on; `in_tokens`: it
    was made of tokens of output. `chunks_delivered` counts writes that were handed to the client's transport.
    """

    call_id: str
    operation: str
    status: Status
    request_model: str
    sent: bool = False
    served: Target | None = None
    response_model: str = ""
    usage: Usage | None = None
    finish_reasons: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    dropped: tuple[str, ...] = ()
    error_code: str = ""
    produced: bool = False
    in_tokens: bool = True
    output_bytes: int = 0
    chunks_delivered: int = 0
    first_chunk_ns: int | None = None
    duration_ns: int = 0
