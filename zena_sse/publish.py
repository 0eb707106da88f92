"""Publishing from outside a room: other back-end services, and the operator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec
from msgspec.structs import replace

from zena_sse.contract.decoding import decode_json
from zena_sse.contract.events import EVENTS, Event
from zena_sse.errors import NotFound, UnknownEvent
from zena_sse.storage.log import find_position
from zena_sse.storage.port import Transaction


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A declared event, from a service that is allowed to publish."""

    type: str
    payload: msgspec.Raw


def read_publication(publication: Publication) -> Event:
    """The event, checked against its declaration. Raises `UnknownEvent`, `InvalidPayload`."""
    declared = EVENTS.get(publication.type)
    if declared is None or declared.kept == "stream":
        raise UnknownEvent(f"{publication.type!r} is not an event that can be published.")
    return decode_json(bytes(publication.payload), declared)


def publish_all(tx: Transaction, user_id: str, events: Sequence[Event]) -> str:
    """Publish events for a user, all or none; the log's head afterwards. Raises `NotFound`."""
    position = find_position(tx, user_id)
    if position is None:
        raise NotFound(f"There is no user {user_id!r} yet: nobody has signed in or written as them.")
    for durable, run in groupby(events, lambda event: event.kept == "log"):
        if durable:
            position = replace(position, head=tx.publish(user_id, *run))
        else:
            for event in run:
                tx.announce(user_id, event)
    return position.cursor
