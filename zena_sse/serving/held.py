"""Frames that wait for their socket."""

from __future__ import annotations


class Held:
    """Keeps frames in their order; of those of a kind only the newest."""

    __slots__ = ("_frames", "_kinds", "size")

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._kinds: dict[str, int] | None = None  # where the newest of each kind is
        self.size = 0  # bytes

    def add(self, frame: bytes, kind: str) -> None:
        """Take a frame; it replaces the one of its kind that is there. Without a kind it is kept as it is."""
        if kind:
            self._replace(kind)
        self._frames.append(frame)
        self.size += len(frame)

    def take(self) -> bytes:
        """All of it, joined; nothing is left."""
        data = b"".join(self._frames)
        self._frames.clear()
        self._kinds = None
        self.size = 0
        return data

    def _replace(self, kind: str) -> None:
        if self._kinds is None:
            self._kinds = {}
        if (place := self._kinds.get(kind)) is not None:
            self.size -= len(self._frames[place])
            self._frames[place] = b""
        self._kinds[kind] = len(self._frames)
