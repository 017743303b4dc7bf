"""Judges by heartbeats which other processes are dead, on this process's own monotonic clock.

Pure: counters and the time come in, names go out. What is counted is silence that was watched. A pause of the watcher,
or of the database for everybody, is nobody's silence, and no wall clock is asked.
"""

from collections.abc import Mapping

from msgspec import Struct


class _Seen(Struct, frozen=True):
    """An epoch when it was last looked at: its counter, how long that has stood still, and up to when that is known."""

    beats: int
    silent_s: float
    at_s: float


class Watch:
    """Looks at everybody's counters about every `look_s` seconds; silence of `lease_s` is death."""

    def __init__(self, *, look_s: float, lease_s: float) -> None:
        self._step_max_s = 2 * look_s
        self._lease_s = lease_s
        self._seen: dict[str, _Seen] = {}
        self._own: tuple[str, int] | None = None

    def look(self, beats: Mapping[str, int], own: str, now_s: float) -> frozenset[str]:
        """Who has been silent for the lease. `beats` are the counters of all living epochs; `own` is the watcher's.

        Time counts only up to a look that finds the watcher's own counter moved: then the others could have written,
        too. One look adds two intervals at most.
        """
        could_beat = own in beats and self._own != (own, beats[own])
        if could_beat:
            self._own = (own, beats[own])
        self._seen = {epoch: self._see(epoch, count, now_s, could_beat) for epoch, count in beats.items()}
        # Our own silence is never counted: a look counts only if our counter has moved.
        return frozenset(epoch for epoch, seen in self._seen.items() if seen.silent_s >= self._lease_s)

    def _see(self, epoch: str, beats: int, now_s: float, could_beat: bool) -> _Seen:
        before = self._seen.get(epoch)
        if before is None or before.beats != beats:
            return _Seen(beats, 0.0, now_s)
        if not could_beat:
            return before
        return _Seen(beats, before.silent_s + min(now_s - before.at_s, self._step_max_s), now_s)
