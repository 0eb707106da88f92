"""`POST /commands/<type>` and `POST /commands`: what a client wants."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from quart import Blueprint, Response, request
from quart_schema import tag

from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.decoding import decode_json
from zena_sse.contract.events import read_tab
from zena_sse.contract.replies import BatchEntry, BatchOutcome
from zena_sse.dispatch import Caller, Dispatch, Outcome
from zena_sse.errors import InvalidPayload, InvalidQuery, ZenaError
from zena_sse.metrics import Metrics
from zena_sse.web.identity import Identity
from zena_sse.web.json import read_body, reply
from zena_sse.web.problems import problem_of

BATCH_LIMIT = 100
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class _Run:
    """Runs one command of one request, and counts it."""

    def __init__(self, dispatch: Dispatch, metrics: Metrics) -> None:
        self._dispatch = dispatch
        self._metrics = metrics

    async def __call__(self, caller: Caller, command: str, body: bytes, *, keyed: bool) -> Outcome:
        label = command if command in COMMANDS else "unknown"
        try:
            if not _KEY.fullmatch(caller.command_id):
                raise InvalidQuery("An idempotency key has 1 to 128 printable ASCII characters, no spaces.")
            outcome = await self._dispatch.run(caller, command, body, keyed=keyed)
        except ZenaError as error:
            self._metrics.commands.labels(label, error.code).inc()
            raise
        self._metrics.commands.labels(label, "replayed" if outcome.replayed else "done").inc()
        return outcome


def command_routes(
    identity: Identity, dispatch: Dispatch, new_id: Callable[[], str], metrics: Metrics
) -> Blueprint:
    """The routes of commands."""
    routes = Blueprint("commands", __name__)
    run = _Run(dispatch, metrics)

    @routes.post("/commands/<command>")
    @tag(["commands"])
    async def post_command(command: str) -> Response:
        """Run one command."""
        principal = await identity.principal(request.scope)
        key = request.headers.get("Idempotency-Key")
        caller = Caller(principal.user_id, key or new_id(), _tab())
        outcome = await run(caller, command, await read_body(), keyed=bool(key))
        response = reply(outcome.answer, 202)
        if outcome.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    @routes.post("/commands")
    @tag(["commands"])
    async def post_commands() -> Response:
        """Run what an offline client has queued, in order; one that fails does not stop the rest."""
        principal = await identity.principal(request.scope)
        entries = decode_json(await read_body(), list[msgspec.Raw])
        if len(entries) > BATCH_LIMIT:
            raise InvalidPayload(f"A batch has at most {BATCH_LIMIT} commands, this one {len(entries)}.")
        outcomes = []
        for raw in entries:
            caller = Caller(principal.user_id, new_id(), _tab())
            try:
                entry: BatchEntry = decode_json(bytes(raw), BatchEntry)
                caller = msgspec.structs.replace(caller, command_id=entry.command_id or caller.command_id)
                done = await run(caller, entry.type, bytes(entry.payload), keyed=bool(entry.command_id))
            except ZenaError as error:
                outcomes.append(_failed(caller, error))
            else:
                outcomes.append(_succeeded(done))
        return reply(outcomes)

    return routes


def _tab() -> str | None:
    """The tab that asks, which need not be told what it does itself."""
    return read_tab(request.args.get("tab"))


def _succeeded(done: Outcome) -> BatchOutcome:
    answer = done.answer
    return BatchOutcome(
        command_id=answer.command_id, status=202, cursor=answer.cursor, result=msgspec.Raw(answer.result)
    )


def _failed(caller: Caller, error: ZenaError) -> BatchOutcome:
    return BatchOutcome(command_id=caller.command_id, status=error.status, problem=problem_of(error))
