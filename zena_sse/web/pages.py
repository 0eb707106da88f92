"""The page, the browser client and the debug page: the files in `static/`, read once, served from memory."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
from quart import Blueprint, Response, request
from quart_schema import hide

from zena_sse.errors import NotFound, Unauthenticated
from zena_sse.web.identity import Identity
from zena_sse.web.json import ONE_WRITE_BYTES

STATIC = Path(__file__).parents[1] / "static"

# What is served, and as what; any other file is for whoever works on them.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
TOP = {
    "index.html": "/",
    "debug/index.html": "/debug",
    "manifest.webmanifest": "/manifest.webmanifest",
    "sw.js": "/sw.js",
}
PUBLIC = ("client", "icons", "page")
ICON = "/icons/icon-192.png"

# Nothing is run, shown or called but what comes from here. Styles may stand in a document: the frames that
# mail is shown in have this policy too, and mail is styled in place.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    # Kept, but asked for each time: 304 costs a round trip, and a deploy is seen at once.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What a document may do, and the worker. The scripts and styles of one are under its own policy; with each of
# them, this would be a third of the first view's bytes.
OF_DOCUMENTS = {
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "; ".join(f"{what} {sources}" for what, sources in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# A page of another origin imports the client; what it may then ask is another matter (`origins`).
FOR_EVERYBODY = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


class Variant(msgspec.Struct, frozen=True):
    """The bytes of a file in one encoding, with the headers that tell of them."""

    body: bytes
    etag: str
    headers: dict[str, str]


class File(msgspec.Struct, frozen=True):
    """A file as it is, and packed if that is smaller."""

    plain: Variant
    packed: Variant | None


def page_routes(identity: Identity, files: Mapping[str, File]) -> Blueprint:
    """The routes of what a browser shows and runs. They are no API: the contract does not list them."""
    routes = Blueprint("pages", __name__)

    @hide
    async def get_file(**_part: str) -> Response:
        """A file, to anybody."""
        return _answer(files)

    @hide
    async def get_debug_file(**_part: str) -> Response:
        """A file of the debug page, to an operator; for all others there is nothing here."""
        try:
            principal = await identity.principal(request.scope)
        except Unauthenticated:
            raise NotFound from None
        if principal.role != "operator":
            raise NotFound
        return _answer(files)

    for rule in (
        "/",
        "/favicon.ico",
        "/manifest.webmanifest",
        "/sw.js",
        *(f"/{folder}/<path:_>" for folder in PUBLIC),
    ):
        routes.add_url_rule(rule, view_func=get_file)
    for rule in ("/debug", "/debug/<path:_>"):
        routes.add_url_rule(rule, view_func=get_debug_file)
    return routes


@cache  # the same for every app of a process
def read_files(root: Path = STATIC) -> Mapping[str, File]:
    """Every file that is served, by its path in an address."""
    found = {
        address: path
        for path in sorted(root.rglob("*"))
        if path.suffix in TYPES and (address := _address(path.relative_to(root))) is not None
    }
    files = {address: _file(address, path.suffix, path.read_bytes()) for address, path in found.items()}
    if (icon := files.get(ICON)) is not None:
        files["/favicon.ico"] = icon  # asked for by whoever shows a document that names none
    if (worker := files.get("/sw.js")) is not None:
        files["/sw.js"] = _file("/sw.js", ".js", _preamble(files) + worker.plain.body)
    return files


def _answer(files: Mapping[str, File]) -> Response:
    """The file that was asked for, in an encoding that the browser takes, unless it has it."""
    file = files.get(request.path)
    if file is None:
        raise NotFound
    takes_packed = file.packed is not None and request.accept_encodings.quality("gzip") > 0
    variant = file.packed if takes_packed and file.packed is not None else file.plain
    if request.if_none_match.contains_weak(variant.etag):
        return Response(b"", status=304, headers=variant.headers)
    response = Response(variant.body, headers=variant.headers)
    if len(variant.body) < ONE_WRITE_BYTES:
        response.timeout = None
    return response


def _address(path: Path) -> str | None:
    """Where a file is served; None for what is not."""
    name = path.as_posix()
    return TOP.get(name) or (f"/{name}" if path.parts[0] in (*PUBLIC, "debug") else None)


def _file(address: str, suffix: str, body: bytes) -> File:
    headers = HEADERS | {"Content-Type": TYPES[suffix]}
    if suffix in {".html", ".svg"} or address == "/sw.js":
        headers |= OF_DOCUMENTS
    if address.startswith("/client/"):
        headers |= FOR_EVERYBODY
    digest = hashlib.sha256(body).hexdigest()[:32]
    plain = _variant(body, digest, headers)
    packed = gzip.compress(body, mtime=0)
    if len(packed) >= len(body):
        return File(plain, None)
    return File(plain, _variant(packed, f"{digest}-gzip", headers | {"Content-Encoding": "gzip"}))


def _variant(body: bytes, etag: str, headers: dict[str, str]) -> Variant:
    return Variant(body, etag, headers | {"ETag": f'"{etag}"'})


def _preamble(files: Mapping[str, File]) -> bytes:
    """What the worker keeps for when there is no network, and a name for it that changes with any of it."""
    shell = sorted(filter(_is_shell, files))
    parts = [f"{address} {files[address].plain.headers}" for address in shell]
    version = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    names = msgspec.json.encode(shell).decode()
    return f'const VERSION = "{version}";\nconst FILES = {names};\n'.encode()


def _is_shell(address: str) -> bool:
    """Whether the page is not whole without it."""
    if address.startswith("/client/"):
        return address.endswith(".js")
    return address in {"/", "/manifest.webmanifest"} or address.startswith(("/page/", "/icons/"))
