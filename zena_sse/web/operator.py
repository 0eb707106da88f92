"""What only the operator may ask, over the socket in the data directory."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from quart import Blueprint, Response, request
from quart_schema import hide

from zena_sse.contract.decoding import decode_json
from zena_sse.errors import NotFound
from zena_sse.security.principal import Role
from zena_sse.security.tokens import Tokens
from zena_sse.web.identity import is_operator
from zena_sse.web.json import read_body, reply


class TokenRequest(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A token to sign; `ttl` in seconds."""

    user_id: str
    role: Role = "agent"
    ttl: Annotated[int, msgspec.Meta(ge=1)] = 3600


class SignedToken(msgspec.Struct, frozen=True):
    """A signed JWT."""

    token: str


def operator_routes(tokens: Tokens) -> Blueprint:
    """The routes of the operator's socket."""
    routes = Blueprint("operator", __name__)

    @routes.post("/operator/tokens")
    @hide
    async def post_token() -> Response:
        """Sign a token; from anywhere but the socket there is nothing here."""
        if not is_operator(request.scope):
            raise NotFound
        asked = decode_json(await read_body(), TokenRequest)
        return reply(SignedToken(tokens.sign(asked.user_id, asked.role, timedelta(seconds=asked.ttl))), 201)

    return routes
