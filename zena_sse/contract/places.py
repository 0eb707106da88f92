"""Where a page of a list ended, as `next` says it and `after` brings it back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from zena_sse.errors import InvalidQuery

T = TypeVar("T")


def encode_place(place: tuple[object, ...]) -> str:
    """The place as text that nobody needs to understand."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def decode_place(after: str, into: type[T]) -> T:
    """What `encode_place` made. Raises `InvalidQuery` for what is not ours."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(after + "=" * (-len(after) % 4)), type=into)
    except (ValueError, msgspec.DecodeError):
        raise InvalidQuery("`after` must be what `next` said.") from None
