"""What an operator's tools ask: is it alive, is it ready, how much of what; and the contract's documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from quart import Blueprint, Response
from quart_schema import OpenAPIProvider, security_scheme, tag
from quart_schema.typing import Model
from quart_schema.validation import DataSource

from zena_sse import __version__
from zena_sse.contract.asyncapi import asyncapi_document
from zena_sse.contract.schema import Document, struct_schemas
from zena_sse.contract.stream_openapi import finish_openapi
from zena_sse.metrics import Metrics
from zena_sse.web.json import reply


def operation_routes(
    ready: Callable[[], list[str]], openapi: Callable[[], Document], metrics: Metrics
) -> Blueprint:
    """The routes of operations. `ready` lists what is missing; nothing is ready."""
    routes = Blueprint("operations", __name__)
    # Made once: they are the same for everybody, take milliseconds, and anybody may ask.
    openapi_bytes = cache(lambda: msgspec.json.encode(openapi()))
    asyncapi_bytes = cache(lambda: msgspec.json.encode(asyncapi_document(__version__)))

    @routes.get("/healthz")
    @tag(["operations"])
    @security_scheme([])
    async def get_health() -> Response:
        """The process answers."""
        return reply({"status": "ok", "version": __version__})

    @routes.get("/readyz")
    @tag(["operations"])
    @security_scheme([])
    async def get_readiness() -> Response:
        """New streams and commands are welcome; 503 and the reasons otherwise."""
        missing = ready()
        return reply({"ready": not missing, "missing": missing}, 503 if missing else 200)

    @routes.get("/metrics")
    @tag(["operations"])
    @security_scheme([])
    async def get_metrics() -> Response:
        """Figures for Prometheus."""
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/openapi.json")
    @tag(["operations"])
    @security_scheme([])
    async def get_openapi() -> Response:
        """The HTTP side of the contract."""
        return _document(openapi_bytes())

    @routes.get("/asyncapi.json")
    @tag(["operations"])
    @security_scheme([])
    async def get_asyncapi() -> Response:
        """The event side of the contract."""
        return _document(asyncapi_bytes())

    return routes


class OpenApi(OpenAPIProvider):
    """quart-schema's document, made whole: it leaves out Structs inside a Struct, and knows no stream."""

    def schema(self) -> Document:
        """The finished document."""
        return finish_openapi(super().schema())

    def build_request_body(self, model: type[Model], source: DataSource) -> tuple[Document, Document]:
        """With every Struct that the request names."""
        body, found = super().build_request_body(model, source)
        return body, found | _named_by(model)

    def build_response_object(
        self, model: type[Model], headers_model: type[Model] | None
    ) -> tuple[Document, Document]:
        """With every Struct that the response names."""
        response, found = super().build_response_object(model, headers_model)
        return response, found | _named_by(model)


def _document(body: bytes) -> Response:
    return Response(body, content_type="application/json")


def _named_by(model: type[Model]) -> Document:
    return struct_schemas([model]) if issubclass(model, msgspec.Struct) else {}
