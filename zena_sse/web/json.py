"""JSON in and out, by the declarations."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from quart import Response, request

from zena_sse.errors import InvalidQuery

T = TypeVar("T")


async def read_body() -> bytes:
    """The request's body as it came."""
    data: str | bytes = await request.get_data(as_text=False)
    return data if isinstance(data, bytes) else data.encode()


def read_query(into: type[T]) -> T:
    """The query string as it was declared. Raises `InvalidQuery`."""
    try:
        return msgspec.convert(request.args.to_dict(), into, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidQuery(str(error)) from None


def reply(value: object, status: int = 200) -> Response:
    """A value as JSON. Answers belong to one user: no cache keeps them."""
    return Response(
        msgspec.json.encode(value),
        status=status,
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
