"""`DELETE /me`: everything that is kept of a user goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from quart import Blueprint, Response, request
from quart_schema import tag

from zena_sse.dispatch import drop_answers_of
from zena_sse.mail.accounts import list_accounts
from zena_sse.mail.engine import Engine
from zena_sse.security.sessions import close_sessions_of
from zena_sse.storage.log import erase_stream, trim_log
from zena_sse.storage.port import Storage, Transaction
from zena_sse.stream.hub import Hub
from zena_sse.web.identity import Identity

# Removes some of what a room keeps of a user, in one unit; whether there may be more.
Erase: TypeAlias = Callable[[Transaction, str], bool]


def erasure_routes(
    identity: Identity,
    storage: Storage,
    engine: Engine,
    hub: Hub,
    clock: Callable[[], datetime],
    rooms: Sequence[Erase],
) -> Blueprint:
    """The route of erasure. `rooms` keep more of a user than mail."""
    routes = Blueprint("erasure", __name__)
    under_way: set[asyncio.Future[None]] = set()

    @routes.delete("/me")
    @tag(["sessions"])
    async def delete_me() -> Response:
        """Erase the user: mailboxes and what was read from them, log, sessions, answers; streams end.

        It is done when this answers; asking again after a failure goes on where it stopped.
        """
        user_id = (await identity.principal(request.scope)).user_id
        erasure = asyncio.ensure_future(erase(user_id))
        under_way.add(erasure)
        erasure.add_done_callback(under_way.discard)
        await asyncio.shield(erasure)  # a client that leaves does not stop it half-way
        return Response(b"", status=204)

    async def erase(user_id: str) -> None:
        accounts = [account.account_id for account in await storage.read(list_accounts, user_id)]
        for account_id in accounts:
            await storage.write(engine.disconnect, user_id, account_id)
        await engine.purged(accounts)
        for erase_some in rooms:
            while await storage.write(erase_some, user_id):
                pass
        while await storage.write(trim_log, user_id, clock(), 0):
            pass
        await storage.write(erase_records, user_id, hub)
        identity.verify_anew()

    return routes


def erase_records(tx: Transaction, user_id: str, hub: Hub) -> None:
    """What is left once the mail is gone. The log ends here, and its streams before another begins."""
    close_sessions_of(tx, user_id)
    drop_answers_of(tx, user_id)
    erase_stream(tx, user_id)

    def end_streams() -> None:
        hub.close(user_id, "revoked")
        hub.forget(user_id)

    tx.after_commit(end_streams)
