"""Frames that wait for their socket."""

from __future__ import annotations


class Held:
    """Keeps frames in their order; of those of a kind only the newest."""

    __slots__ = ("_frames", "_number", "size")

    def __init__(self) -> None:
        self._frames: dict[str | int, bytes] = {}  # by kind, or by number those that have none
        self._number = 0
        self.size = 0  # bytes

    def add(self, frame: bytes, kind: str) -> None:
        """Take a frame; the one of its kind that is there goes. Without a kind ("") it is kept as it is."""
        self._number += 1
        key = kind or self._number
        self.size += len(frame) - len(self._frames.pop(key, b""))
        self._frames[key] = frame

    def take(self) -> bytes:
        """All of it, joined; nothing is left."""
        data = b"".join(self._frames.values())
        self._frames.clear()
        self.size = 0
        return data
