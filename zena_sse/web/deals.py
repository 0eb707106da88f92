"""`/deals`: what the agent has under way, the coldest first."""

from __future__ import annotations

from typing import Annotated

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_response, tag

from zena_sse.deals.reading import DealDetail, DealPage, get_deal, list_deals
from zena_sse.storage.port import Storage
from zena_sse.web.identity import Identity
from zena_sse.web.json import read_query, reply


class DealQuery(msgspec.Struct, frozen=True):
    """How many deals, and where the last page ended."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    after: Annotated[str, msgspec.Meta(max_length=200)] | None = None


def deal_routes(identity: Identity, storage: Storage) -> Blueprint:
    """The routes of deals."""
    routes = Blueprint("deals", __name__)

    @routes.get("/deals")
    @tag(["reads"])
    @document_querystring(DealQuery)
    @document_response(DealPage)
    async def get_deals() -> Response:
        """Open deals: the highest risk first, then the longest silence."""
        principal = await identity.principal(request.scope)
        query = read_query(DealQuery)
        return reply(await storage.read(list_deals, principal.user_id, query.limit, query.after))

    @routes.get("/deals/<deal_id>")
    @tag(["reads"])
    @document_response(DealDetail)
    async def get_one_deal(deal_id: str) -> Response:
        """One deal, open or closed, with its timeline and the ids of its threads."""
        principal = await identity.principal(request.scope)
        return reply(await storage.read(get_deal, principal.user_id, deal_id))

    return routes
