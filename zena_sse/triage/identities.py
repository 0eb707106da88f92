"""Ids made of what makes something one: what is found twice, or by a unit that runs again, is the same."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b


def identity(prefix: str, user_id: str, key: str) -> str:
    """The id of what one user has under this key."""
    return prefix + blake2b(f"{user_id}\0{key}".encode(), digest_size=12).hexdigest()


def folded(text: str) -> str:
    """Lower case, without macrons and punctuation, one space between words: `Mānuka  St.` is `manuka st`."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = (letter for letter in plain if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in letters).split())
