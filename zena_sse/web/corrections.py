"""`PUT /threads/{id}`: the user says what a thread is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from quart import Blueprint, Response, request
from quart_schema import document_request, document_response, tag

from zena_sse.contract.decoding import decode_json
from zena_sse.mail.threads import ThreadItem, get_item
from zena_sse.storage.port import Storage
from zena_sse.triage.corrections import ThreadCorrection
from zena_sse.web.identity import Identity
from zena_sse.web.json import read_body, reply

# Notes what a user says of one of their threads.
Correct = Callable[[str, str, ThreadCorrection], Awaitable[None]]


def correction_routes(identity: Identity, storage: Storage, correct: Correct) -> Blueprint:
    """The route of corrections."""
    routes = Blueprint("corrections", __name__)

    @routes.put("/threads/<thread_id>")
    @tag(["reads"])
    @document_request(ThreadCorrection)
    @document_response(ThreadItem)
    async def put_thread(thread_id: str) -> Response:
        """Correct classification or category; null gives the question back. No later mail overrules it."""
        user_id = (await identity.principal(request.scope)).user_id
        said = decode_json(await read_body(), ThreadCorrection)
        await correct(user_id, thread_id, said)
        return reply(await storage.read(get_item, user_id, thread_id))

    return routes
