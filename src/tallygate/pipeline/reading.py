"""Reading a provider's whole answer into memory, within bounds."""

from tallygate.errors import InvalidAnswer
from tallygate.transport.base import Answer

ANSWER_BYTES_MAX = 128 * 1024 * 1024
ERROR_BODY_BYTES_MAX = 256 * 1024


async def read_whole(answer: Answer, bytes_max: int) -> bytes:
    """Every byte of the body. Raises InvalidAnswer above `bytes_max`, and what `Answer.read` raises."""
    pieces: list[bytes] = []
    size = 0
    while data := await answer.read():
        pieces.append(data)
        size += len(data)
        if size > bytes_max:
            raise InvalidAnswer("The provider's answer is larger than this gateway takes.")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
