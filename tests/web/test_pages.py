"""The page, the browser client and the debug page: what is served, to whom, and under which rules."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncIterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from quart import Response

from tests.databases import new_database
from tests.web.carriers import CARRIERS
from tests.web.sites import MIA, Site
from zena_sse.app import create_app
from zena_sse.settings import Settings
from zena_sse.web.pages import STATIC, TYPES, File, read_files

ELSEWHERE = "https://elsewhere.example"

TREE = {
    "index.html": "<!doctype html><title>Zena</title>" + "<p>again</p>" * 50,
    "manifest.webmanifest": '{"name": "Zena"}',
    "sw.js": "self.addEventListener('install', () => VERSION);\n",
    "jsconfig.json": "{}",
    "notes.md": "not for a browser",
    "client/zena.js": "export const connect = () => {};\n",
    "client/wire/reader.js": "export {};\n",
    "client/events.d.ts": "export {};\n",
    "page/page.js": "document.title = 'Zena';\n",
    "page/page.css": "p { margin: 0; }\n" * 20,
    "icons/zena.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "icons/zena.png": "png",
    "debug/index.html": "<!doctype html><title>Debug</title>",
    "debug/debug.js": "export {};\n",
}
ADDRESSES = {
    "/",
    "/manifest.webmanifest",
    "/sw.js",
    "/client/zena.js",
    "/client/wire/reader.js",
    "/client/events.d.ts",
    "/page/page.js",
    "/page/page.css",
    "/icons/zena.svg",
    "/icons/zena.png",
    "/debug",
    "/debug/debug.js",
}
SHELL = [
    "/",
    "/client/wire/reader.js",
    "/client/zena.js",
    "/icons/zena.png",
    "/icons/zena.svg",
    "/manifest.webmanifest",
    "/page/page.css",
    "/page/page.js",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A `static/` of its own for a test."""
    root = tmp_path / "static"
    for name, text in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
async def small(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """An app that serves that one."""
    files = read_files(tree)
    monkeypatch.setattr("zena_sse.app.read_files", lambda: files)
    new_database(tmp_path)
    settings = Settings(data_dir=tmp_path, jwt_secret="s" * 32, allowed_origins=ELSEWHERE)
    app = create_app(settings, background=False)
    await app.startup()
    try:
        yield Site(app, settings)
    finally:
        await app.shutdown()


def worker_of(files: Mapping[str, File]) -> tuple[str, list[str]]:
    """The version and the files that the worker is given."""
    version, names = files["/sw.js"].plain.body.decode().splitlines()[:2]
    found = re.fullmatch(r'const VERSION = "([0-9a-f]{16})";', version)
    listed = re.fullmatch(r"const FILES = (\[.*\]);", names)
    assert found is not None
    assert listed is not None
    return found[1], json.loads(listed[1])


def varies_by(response: Response) -> set[str]:
    return {name.strip() for line in response.headers.getlist("Vary") for name in line.split(",")}


# --- what is served -----------------------------------------------------------------------------


async def test_files_are_served_where_the_layout_says_and_others_are_not(small: Site) -> None:
    for address in ADDRESSES:
        response = await small.client.get(address, headers=small.bearer(MIA, "operator"))
        assert response.status_code == 200, address
    for address in ("/index.html", "/jsconfig.json", "/notes.md", "/debug/index.html", "/static/index.html"):
        response = await small.client.get(address, headers=small.bearer(MIA, "operator"))
        assert response.status_code == 404, address


@pytest.mark.parametrize(
    "path",
    [
        "/page/nothing.js",
        "/page/",
        "/client",
        "/client/../jsconfig.json",
        "/client/%2e%2e/jsconfig.json",
        "/client/..%2fjsconfig.json",
        "/client//etc/passwd",
        "/client/%2fetc/passwd",
        "/page/%00",
        "/page/page.js/",
        "/icons/..\\jsconfig.json",
    ],
)
async def test_what_is_not_there_is_a_problem_like_everywhere(small: Site, path: str) -> None:
    response = await small.client.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (await response.get_json())["code"] == "not_found"


async def test_types_are_what_browsers_insist_on(small: Site) -> None:
    expected = {
        "/": "text/html; charset=utf-8",
        "/client/zena.js": "text/javascript; charset=utf-8",
        "/sw.js": "text/javascript; charset=utf-8",
        "/client/events.d.ts": "text/plain; charset=utf-8",
        "/page/page.css": "text/css; charset=utf-8",
        "/icons/zena.svg": "image/svg+xml",
        "/icons/zena.png": "image/png",
        "/manifest.webmanifest": "application/manifest+json",
    }
    for address, content_type in expected.items():
        response = await small.client.get(address)
        assert response.headers["Content-Type"] == content_type
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_document_that_names_no_icon_has_ours(tree: Path) -> None:
    (tree / "icons" / "icon-192.png").write_text("ours")
    read_files.cache_clear()
    assert read_files(tree)["/favicon.ico"].plain.body == b"ours"
    assert "/favicon.ico" not in worker_of(read_files(tree))[1]


def test_every_file_that_ships_has_a_type_or_is_for_those_who_work_on_it() -> None:
    others = {path.name for path in STATIC.rglob("*") if path.is_file() and path.suffix not in TYPES}
    assert others <= {"jsconfig.json", "jsconfig.worker.json"}


# --- encodings and caches -----------------------------------------------------------------------


async def test_a_file_is_packed_for_whoever_takes_it_so_and_only_if_that_is_smaller(small: Site) -> None:
    for accepted in ("gzip", "br;q=1, gzip;q=0.5", "*"):
        response = await small.client.get("/", headers={"Accept-Encoding": accepted})
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await response.get_data(as_text=False)).decode() == TREE["index.html"]
    for accepted in ("", "identity", "br", "gzip;q=0"):
        response = await small.client.get("/", headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in response.headers
        assert await response.get_data(as_text=True) == TREE["index.html"]
    small_one = await small.client.get("/icons/zena.png", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small_one.headers
    for address in ("/", "/icons/zena.png"):
        assert "Accept-Encoding" in varies_by(await small.client.get(address))


async def test_what_a_browser_has_is_not_sent_again(small: Site) -> None:
    tags = {}
    for accepted in ("gzip", "identity"):
        headers = {"Accept-Encoding": accepted}
        first = await small.client.get("/page/page.css", headers=headers)
        assert first.headers["Cache-Control"] == "no-cache"
        tags[accepted] = first.headers["ETag"]
        for asked in (tags[accepted], f'"another", W/{tags[accepted]}', "*"):
            again = await small.client.get("/page/page.css", headers=headers | {"If-None-Match": asked})
            assert (again.status_code, await again.get_data(as_text=True)) == (304, "")
            assert again.headers["ETag"] == tags[accepted]
            assert again.headers["X-Content-Type-Options"] == first.headers["X-Content-Type-Options"]
    assert tags["gzip"] != tags["identity"]
    other = {"Accept-Encoding": "gzip", "If-None-Match": tags["identity"]}
    assert (await small.client.get("/page/page.css", headers=other)).status_code == 200


def test_a_tag_changes_with_the_file(tree: Path) -> None:
    before = read_files(tree)["/page/page.js"].plain.etag
    (tree / "page" / "page.js").write_text("document.title = 'Zina';\n")
    read_files.cache_clear()
    assert read_files(tree)["/page/page.js"].plain.etag != before


@pytest.mark.parametrize("carrier", list(CARRIERS))
async def test_head_has_the_headers_and_no_body(tmp_path: Path, carrier: str) -> None:
    new_database(tmp_path)
    settings = Settings(data_dir=tmp_path, jwt_secret="s" * 32)
    async with (
        CARRIERS[carrier](create_app(settings, background=False), settings) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client,
    ):
        got, head = await client.get("/"), await client.head("/")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


# --- the worker ---------------------------------------------------------------------------------


async def test_the_worker_is_told_what_the_shell_consists_of(small: Site, tree: Path) -> None:
    response = await small.client.get("/sw.js")
    text = await response.get_data(as_text=True)
    assert text.endswith(TREE["sw.js"])
    assert worker_of(read_files(tree))[1] == SHELL


@pytest.mark.parametrize("changed", ["index.html", "client/zena.js", "page/page.css", "icons/zena.png"])
def test_a_deploy_that_changes_the_shell_changes_the_workers_version(tree: Path, changed: str) -> None:
    before, _ = worker_of(read_files(tree))
    (tree / changed).write_text(TREE[changed] + " ")
    read_files.cache_clear()
    assert worker_of(read_files(tree))[0] != before


@pytest.mark.parametrize("changed", ["debug/debug.js", "client/events.d.ts", "notes.md"])
def test_what_is_not_in_the_shell_leaves_the_version(tree: Path, changed: str) -> None:
    before, _ = worker_of(read_files(tree))
    (tree / changed).write_text(TREE[changed] + " ")
    read_files.cache_clear()
    assert worker_of(read_files(tree))[0] == before


# --- the rules of a browser ---------------------------------------------------------------------


async def test_nothing_runs_or_is_shown_but_what_comes_from_here(small: Site) -> None:
    for address in ("/", "/debug", "/sw.js", "/icons/zena.svg"):
        response = await small.client.get(address, headers=small.bearer(MIA, "operator"))
        policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["img-src"] == "'self' data:"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in response.headers["Permissions-Policy"]


class Inline(HTMLParser):
    """Finds what the policy would refuse, and what is loaded from where."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.refused += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.refused.append(tag)
        self.loaded += [value for name in ("src", "href") if (value := given.get(name))]


@pytest.mark.parametrize(
    "page", sorted(STATIC.rglob("*.html")), ids=lambda page: str(page.relative_to(STATIC))
)
def test_a_page_has_nothing_in_line_and_loads_only_what_is_served(page: Path) -> None:
    found = Inline()
    found.feed(page.read_text())
    assert found.refused == []
    assert {address for address in found.loaded if not address.startswith(("#", "data:"))} <= set(
        read_files()
    )


async def test_a_page_of_any_origin_may_import_the_client_and_nothing_else(small: Site) -> None:
    for origin in ("https://nobody.example", "null"):
        response = await small.client.get("/client/zena.js", headers={"Origin": origin})
        assert response.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    response = await small.client.get("/page/page.js", headers={"Origin": "https://nobody.example"})
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_an_allowed_origin_is_named_once_though_anybody_may_import_the_client(small: Site) -> None:
    response = await small.client.get("/client/zena.js", headers={"Origin": ELSEWHERE})
    assert response.headers.getlist("Access-Control-Allow-Origin") == [ELSEWHERE]
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert varies_by(response) == {"Accept-Encoding", "Origin"}


# --- the debug page -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/debug", "/debug/debug.js"])
async def test_the_debug_page_is_there_for_operators_only(small: Site, path: str) -> None:
    nobody: list[dict[str, str]] = [
        {},
        small.bearer(),
        small.bearer(MIA, "publisher"),
        await small.cookie(),
        {"Authorization": "Bearer nonsense"},
    ]
    for headers in nobody:
        response = await small.client.get(path, headers=headers)
        assert response.status_code == 404
        assert (await response.get_json())["code"] == "not_found"
    assert (await small.client.get(path, headers=small.bearer(MIA, "operator"))).status_code == 200


async def test_an_operator_who_signed_in_opens_the_debug_page_by_cookie(small: Site) -> None:
    signed_in = await small.client.post("/session", headers=small.bearer(MIA, "operator"))
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    assert (await small.client.get("/debug", headers={"Cookie": cookie})).status_code == 200
