"""A secret that the gateway makes for itself at the first start and keeps in a file for its user alone.

The file appears whole or not at all and is never overwritten, so of several processes that start at once all end up
with the same secret, and a crash leaves nothing half written.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


class BadSecret(Exception):
    """A secret given by the operator, or its file, cannot be used. The text is ready to print and shows no secret."""


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """The text in the file without surrounding blanks; a file that is missing is made with mode 0600 and `make()`.

    Raises BadSecret when it can be neither read nor made.
    """
    try:
        if not path.exists():
            _create(path, make())
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise BadSecret(f"The file {path} can be neither read nor made: {error}.") from error


def _create(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails where the name is taken: another process was first, and its secret holds.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
