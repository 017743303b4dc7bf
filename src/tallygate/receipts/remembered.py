"""What a verifier remembers: for each log the largest checkpoint it has verified, in a file of whoever verifies.

Somebody who is shown two histories of one log sees it only by holding the one against the other. The file keeps each
checkpoint as it was signed, so if a log forks it is one half of the evidence.
"""

import os
from pathlib import Path

import msgspec

from tallygate.receipts import checkpoint, note
from tallygate.receipts.checkpoint import Checkpoint


class BadMemory(Exception):
    """The file is not one of remembered checkpoints. The text is ready to print."""


class Memory:
    """The file. Where there is none, nothing is remembered, and it is made when there is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self, origin: str) -> Checkpoint | None:
        """The checkpoint of a log; None if it was never seen. Raises BadMemory, OSError."""
        signed = self._read().get(origin)
        if signed is None:
            return None
        try:
            remembered = checkpoint.read(note.parse(signed.encode()).text)
        except ValueError as error:
            raise BadMemory(f"In {self._path}, what is remembered of {origin!r} is no checkpoint: {error}.") from None
        if remembered.origin != origin:
            raise BadMemory(f"In {self._path}, what is remembered of {origin!r} is about another log.")
        return remembered

    def keep(self, origin: str, signed: bytes) -> None:
        """Remember a verified checkpoint from now on. The old file or the new one is there, whole. Raises BadMemory,
        OSError.
        """
        kept = {**self._read(), origin: signed.decode()}
        draft = self._path.with_name(f"{self._path.name}.new")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(kept, order="sorted"), indent=2) + b"\n")
        os.replace(draft, self._path)

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadMemory(f"{self._path} is no file of remembered checkpoints: {error}.") from None
