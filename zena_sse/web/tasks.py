"""`/tasks`: what the agent has to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_response, tag

from zena_sse.storage.port import Storage
from zena_sse.tasks.reading import Status, TaskPage, list_tasks
from zena_sse.web.identity import Identity
from zena_sse.web.json import read_query, reply


class TaskQuery(msgspec.Struct, frozen=True):
    """Which tasks, how many, and where the last page ended."""

    status: Status = "open"
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    after: Annotated[str, msgspec.Meta(max_length=200)] | None = None


def task_routes(identity: Identity, storage: Storage, domain_clock: Callable[[], datetime]) -> Blueprint:
    """The routes of tasks; what is overdue is judged by the domain's clock."""
    routes = Blueprint("tasks", __name__)

    @routes.get("/tasks")
    @tag(["reads"])
    @document_querystring(TaskQuery)
    @document_response(TaskPage)
    async def get_tasks() -> Response:
        """Tasks, the first due first; of the completed ones the last done first."""
        principal = await identity.principal(request.scope)
        query = read_query(TaskQuery)
        return reply(
            await storage.read(
                list_tasks, principal.user_id, query.status, domain_clock(), query.limit, query.after
            )
        )

    return routes
