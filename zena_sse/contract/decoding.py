"""Reads JSON by its declaration; the client is told what is wrong with it."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, overload

import msgspec

from zena_sse.errors import InvalidPayload, MalformedBody

T = TypeVar("T")


@overload
def decode_json(body: bytes, into: type[T]) -> T: ...
@overload
def decode_json(body: bytes, into: object) -> Any: ...
def decode_json(body: bytes, into: Any) -> Any:
    """What the JSON spells. Raises `MalformedBody`, or `InvalidPayload` when it does not fit."""
    try:
        return _decoder(into).decode(body)
    except msgspec.ValidationError as error:
        raise InvalidPayload(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"This is not valid JSON: {error}") from None


@cache  # there are as many as declarations
def _decoder(into: Any) -> msgspec.json.Decoder[Any]:
    """Looking at a declaration costs more than decoding by it."""
    return msgspec.json.Decoder(into)
