"""A file that its maker keeps locked as long as it lives: whoever can lock it too knows that the maker is dead.

The lock is flock(2)'s: the kernel lets go of it when the process ends, however it ends. A stopped process keeps it. It
is not passed on, neither to a program that is started nor to a forked child.
"""

import fcntl
import os
import threading
from pathlib import Path

_held: set[int] = set()
"""Descriptors of the locks of this process. A forked child gets copies, and one copy would keep a lock alive."""

_guard = threading.Lock()


class LockFile:
    """A locked file. Its folder is made if it is missing. Raises OSError where the file system knows no locks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with _guard:
                _held.add(self._descriptor)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
                if _is_same(self._descriptor, path):
                    return
            except OSError:
                self._let_go()
                raise
            # Somebody has found it before it was locked, and has removed it.
            self._let_go()

    def release(self, *, remove: bool) -> None:
        """Let go of the lock. A file that is left behind says that its maker is dead. Raises nothing."""
        if remove:
            remove_file(self._path)
        self._let_go()

    def _let_go(self) -> None:
        with _guard:
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor in _held:
                _held.remove(descriptor)
                os.close(descriptor)


def is_abandoned(path: Path) -> bool:
    """Whether the file is there and nobody keeps it locked. A file that is missing proves nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared: two who look at the same time must not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def remove_file(path: Path) -> None:
    """Remove a lock's file. Raises nothing: one that stays is found again."""
    try:
        path.unlink()
    except OSError:
        return


def _is_same(descriptor: int, path: Path) -> bool:
    """Whether the open file still stands under its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _drop_inherited() -> None:
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()
    _guard.release()


# The guard is held over the fork, so that the child finds the set whole.
os.register_at_fork(before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_drop_inherited)
