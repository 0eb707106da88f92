"""How many streams there is room for, in all and from one address."""

from __future__ import annotations


class Room:
    """Counts the streams that are open. A stream without an address counts in all only."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._open = 0
        self._by_address: dict[str, int] = {}

    def has_place(self, address: str | None) -> bool:
        """Whether one more may be opened from there."""
        if self._open >= self._most:
            return False
        return address is None or self._by_address.get(address, 0) < self._most_per_address

    def take(self, address: str | None) -> None:
        """A stream is open."""
        self._open += 1
        if address is not None:
            self._by_address[address] = self._by_address.get(address, 0) + 1

    def give_back(self, address: str | None) -> None:
        """It is not any more."""
        self._open -= 1
        if address is not None:
            left = self._by_address.pop(address) - 1
            if left:
                self._by_address[address] = left
