"""The application: everything that is wired, behind HTTP."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from quart import Quart
from quart_schema import Info, QuartSchema

from zena_sse import __version__
from zena_sse.ask.answering import Answerer
from zena_sse.contract.schema import Document
from zena_sse.deals.rows import erase_deals
from zena_sse.settings import Settings
from zena_sse.tasks.rows import erase_tasks
from zena_sse.triage.applying import erase_triage
from zena_sse.web.accounts import account_routes
from zena_sse.web.asks import ask_routes
from zena_sse.web.body import BodyGuard, WholeRequest
from zena_sse.web.commands import command_routes
from zena_sse.web.corrections import correction_routes
from zena_sse.web.deals import deal_routes
from zena_sse.web.erasure import erasure_routes
from zena_sse.web.events import EventsEndpoint
from zena_sse.web.operations import OpenApi, operation_routes
from zena_sse.web.operator import operator_routes
from zena_sse.web.origins import Asgi, allow_origins
from zena_sse.web.pages import page_routes, read_files
from zena_sse.web.problems import handle_errors
from zena_sse.web.publishing import publishing_routes
from zena_sse.web.reads import read_routes
from zena_sse.web.sessions import SignIn, session_routes, signing_in
from zena_sse.web.tasks import task_routes
from zena_sse.wiring import Clock, Zena, new_id, now

# What a user has beside mail: each erases some of it.
ROOMS = (erase_triage, erase_deals, erase_tasks)


def create_app(
    settings: Settings,
    domain_clock: Clock = now,
    *,
    background: bool = True,
    answerer: Answerer | None = None,
) -> Quart:
    """The application. `domain_clock` is the time by which mail is judged; it differs in the demo only.

    Without `background` nothing happens but what is asked for: for the command line. Without `answerer`
    questions are answered by ours. Raises `ConfigurationError`, `DataDirectoryInUse`.
    """
    zena = Zena(settings, domain_clock, background=background, answerer=answerer)
    app = Quart(__name__, static_folder=None)
    app.extensions["zena"] = zena
    # The body is counted before Quart sees it.
    app.config["MAX_CONTENT_LENGTH"] = None
    zena.openapi = OpenApi(
        app,
        QuartSchema(
            app,
            openapi_path=None,
            swagger_ui_path=None,
            redoc_ui_path=None,
            scalar_ui_path=None,
            info=Info(title="zena-sse", version=__version__),
        ),
    ).schema
    # Our routes answer with responses: quart-schema has nothing to convert.
    app.__dict__.pop("make_response", None)
    app.asgi_http_class = WholeRequest  # the guard has read the body: no task for it
    app.url_map.merge_slashes = False  # or `//x` is answered with a redirect to whatever Host says
    handle_errors(app)
    allow_origins(app, zena.identity)
    for routes in (
        command_routes(zena.identity, zena.dispatch, new_id, zena.metrics),
        read_routes(zena.identity, zena.storage, zena.log, domain_clock),
        deal_routes(zena.identity, zena.storage),
        task_routes(zena.identity, zena.storage, domain_clock),
        ask_routes(zena.identity, zena.storage),
        correction_routes(zena.identity, zena.storage, zena.correct),
        session_routes(zena.identity, zena.storage, zena.tickets, zena.hub, zena.limits, sign_in_by(zena)),
        account_routes(zena.identity, zena.storage, zena.vault, zena.engine, zena.open_connector, new_id),
        erasure_routes(zena.identity, zena.storage, zena.engine, zena.hub, now, (*ROOMS, zena.runs.erase)),
        publishing_routes(zena.identity, zena.storage),
        operator_routes(zena.tokens),
        operation_routes(zena.missing, zena.openapi, zena.metrics),
        page_routes(zena.identity, read_files()),
    ):
        app.register_blueprint(routes)
    app.before_serving(zena.start)
    app.after_serving(zena.stop)
    quart: Asgi = app.asgi_app  # type: ignore[assignment]  # the same ASGI, typed loosely
    app.asgi_app = BodyGuard(  # type: ignore[assignment,method-assign]  # the documented way to wrap it
        EventsEndpoint(quart, zena.identity, zena.streams, zena.limits), zena.identity
    )
    return app


def sign_in_by(zena: Zena) -> SignIn:
    """What signs a browser in."""
    return signing_in(zena.identity, zena.storage, zena.hub, now, secrets.token_urlsafe)


def openapi_document() -> Document:
    """The HTTP side of the contract, from an app that is made for it and never started."""
    with tempfile.TemporaryDirectory(prefix="zena-contract-") as directory:
        app = create_app(Settings(data_dir=Path(directory), jwt_secret=secrets.token_hex(32)))
        zena: Zena = app.extensions["zena"]
        zena.ownership.release()
        return zena.openapi()
