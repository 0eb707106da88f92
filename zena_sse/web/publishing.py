"""`POST /users/{id}/events`: other back-end services publish."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_request, document_response, tag

from zena_sse.contract.decoding import decode_json
from zena_sse.errors import Forbidden, InvalidPayload
from zena_sse.publish import Publication, publish_all, read_publication
from zena_sse.storage.port import Storage
from zena_sse.web.identity import Identity, may_publish
from zena_sse.web.json import read_body, reply

PUBLISH_LIMIT = 100


class Published(msgspec.Struct, frozen=True):
    """The log's head once the events were in it."""

    cursor: str


def publishing_routes(identity: Identity, storage: Storage) -> Blueprint:
    """The routes of publishing."""
    routes = Blueprint("publishing", __name__)

    @routes.post("/users/<user_id>/events")
    @tag(["publishing"])
    @document_request(Publication)
    @document_response(Published, 202)
    async def post_events(user_id: str) -> Response:
        """Publish one declared event, or a list of up to 100, all or none; role `publisher` only."""
        principal = await identity.principal(request.scope)
        if not may_publish(principal):
            raise Forbidden("Publishing needs a token whose role is publisher.")
        body = decode_json(await read_body(), Publication | list[Publication])
        publications: list[Publication] = body if isinstance(body, list) else [body]
        if not 1 <= len(publications) <= PUBLISH_LIMIT:
            raise InvalidPayload(f"A list has 1 to {PUBLISH_LIMIT} events, this one {len(publications)}.")
        events = [read_publication(publication) for publication in publications]
        return reply(Published(await storage.write(publish_all, user_id, events)), 202)

    return routes
