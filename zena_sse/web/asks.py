"""`/asks`: what was asked, and what was answered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_response, tag

from zena_sse.ask.reading import AskItem, AskPage, get_ask, list_asks
from zena_sse.contract.commands import Id
from zena_sse.storage.port import Storage
from zena_sse.web.identity import Identity
from zena_sse.web.json import read_query, reply


class AskQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which asks, how many, and where the last page ended."""

    conversation_id: Id | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    after: Annotated[str, msgspec.Meta(max_length=200)] | None = None


def ask_routes(identity: Identity, storage: Storage) -> Blueprint:
    """The routes of asks."""
    routes = Blueprint("asks", __name__)

    @routes.get("/asks")
    @tag(["reads"])
    @document_querystring(AskQuery)
    @document_response(AskPage)
    async def get_asks() -> Response:
        """Asks, the newest first, with what was said so far; those of one conversation, or all."""
        principal = await identity.principal(request.scope)
        query = read_query(AskQuery)
        return reply(
            await storage.read(list_asks, principal.user_id, query.conversation_id, query.limit, query.after)
        )

    @routes.get("/asks/<ask_id>")
    @tag(["reads"])
    @document_response(AskItem)
    async def get_one_ask(ask_id: str) -> Response:
        """One ask, with what was said so far."""
        principal = await identity.principal(request.scope)
        return reply(await storage.read(get_ask, principal.user_id, ask_id))

    return routes
