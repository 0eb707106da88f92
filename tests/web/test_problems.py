"""Every error, whatever the request, is a problem that a client can read (RFC 9457)."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.web.sites import MIA, Site
from zena_sse.contract.replies import Problem

TYPING = "/commands/typing.start"
KNOWN_PROVIDER = b'{"provider":"gmail","username":"u","password":"p",'
DEEP = b'{"type":"x.y","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

# method, path, body, status, code
BAD: list[tuple[str, str, bytes, int, str]] = [
    ("GET", "/nowhere", b"", 404, "not_found"),
    ("GET", "/page/none.js", b"", 404, "not_found"),
    ("POST", "/", b"", 405, "method_not_allowed"),
    ("GET", "/events/", b"", 404, "not_found"),
    ("GET", "/threads/", b"", 404, "not_found"),
    ("GET", "/threads//x", b"", 404, "not_found"),
    ("GET", "/threads/none", b"", 404, "not_found"),
    ("GET", "/threads/%00", b"", 404, "not_found"),
    ("GET", "/threads/%ff%fe", b"", 404, "not_found"),
    ("GET", "/threads/" + "x" * 5000, b"", 404, "not_found"),
    ("GET", "/static/x", b"", 404, "not_found"),
    ("POST", "/operator/tokens", b'{"userId":"mia"}', 404, "not_found"),
    ("DELETE", "/accounts/none", b"", 404, "not_found"),
    ("POST", "/snapshot", b"", 405, "method_not_allowed"),
    ("PUT", "/commands", b"[]", 405, "method_not_allowed"),
    ("GET", TYPING, b"", 405, "method_not_allowed"),
    ("PATCH", "/me", b"{}", 405, "method_not_allowed"),
    ("POST", "/events", b"", 405, "method_not_allowed"),
    ("BREW", "/events", b"", 405, "method_not_allowed"),
    ("GET", "/threads?limit=0", b"", 400, "invalid_query"),
    ("GET", "/threads?limit=many", b"", 400, "invalid_query"),
    ("GET", "/threads?limit=201", b"", 400, "invalid_query"),
    ("GET", "/threads?list=mine", b"", 400, "invalid_query"),
    ("GET", "/threads?after=nonsense", b"", 400, "invalid_query"),
    ("GET", "/threads?after=%C3%A9", b"", 400, "invalid_query"),
    ("GET", "/threads?after=WyIiXQ", b"", 400, "invalid_query"),
    ("GET", "/events?tab=a%20b", b"", 400, "invalid_query"),
    ("GET", "/events?tab=", b"", 400, "invalid_query"),
    ("GET", "/events?tab=" + "x" * 65, b"", 400, "invalid_query"),
    ("GET", "/events?types=thread", b"", 400, "invalid_query"),
    ("GET", "/events?types=thread.*,", b"", 400, "invalid_query"),
    ("GET", "/events?types=*", b"", 400, "invalid_query"),
    ("GET", "/events?poll=0", b"", 400, "invalid_query"),
    ("GET", "/events?poll=soon", b"", 400, "invalid_query"),
    ("GET", "/events?poll=nan", b"", 400, "invalid_query"),
    ("GET", "/events?poll=1e9", b"", 400, "invalid_query"),
    ("POST", TYPING + "?tab=a%20b", b'{"where":"t"}', 400, "invalid_query"),
    ("POST", "/commands/no.such", b"{}", 404, "unknown_command"),
    ("POST", "/commands/", b"{}", 404, "not_found"),
    ("POST", TYPING, b"", 422, "invalid_payload"),
    ("POST", TYPING, b"{", 400, "malformed_body"),
    ("POST", TYPING, b'{"where":"t"} {}', 400, "malformed_body"),
    ("POST", TYPING, b"where=t", 400, "malformed_body"),
    ("POST", TYPING, b'{"where":"\xff\xfe"}', 400, "malformed_body"),
    ("POST", TYPING, b'{"where":"\xed\xa0\x80"}', 400, "malformed_body"),
    ("POST", TYPING, b'{"where":"\\ud800"}', 400, "malformed_body"),
    ("POST", TYPING, '{"where":"t"}'.encode("utf-16"), 400, "malformed_body"),
    ("POST", TYPING, gzip.compress(b'{"where":"t"}'), 400, "malformed_body"),
    ("POST", TYPING, b"null", 422, "invalid_payload"),
    ("POST", TYPING, b"[]", 422, "invalid_payload"),
    ("POST", TYPING, b"NaN", 400, "malformed_body"),
    ("POST", TYPING, b'{"where":1}', 422, "invalid_payload"),
    ("POST", TYPING, b'{"where":""}', 422, "invalid_payload"),
    ("POST", TYPING, b'{"where":"t","extra":1}', 422, "invalid_payload"),
    ("POST", TYPING, b'{"where":"' + b"x" * 201 + b'"}', 422, "invalid_payload"),
    ("POST", "/commands", b"[" * 100_000, 400, "malformed_body"),
    ("POST", "/commands", b"[" + DEEP + b"]", 400, "malformed_body"),
    ("POST", "/commands", b"", 400, "malformed_body"),
    ("POST", "/commands", b"{}", 422, "invalid_payload"),
    ("POST", f"/users/{MIA}/events", DEEP, 400, "malformed_body"),
    ("POST", f"/users/{MIA}/events", b'{"type":"no.such","payload":{}}', 422, "unknown_event"),
    ("POST", "/accounts", b'{"provider":"telegraph"}', 422, "invalid_payload"),
    ("POST", "/accounts", b'{"provider":"imap","host":"h","username":"u"}', 422, "invalid_payload"),
    ("POST", "/accounts", b'{"provider":"imap","username":"u","password":"p"}', 422, "invalid_payload"),
    ("POST", "/accounts", b'{"provider":"gmail","username":"u","port":0}', 422, "invalid_payload"),
    ("POST", "/accounts", KNOWN_PROVIDER + b'"host":"h"}', 422, "invalid_payload"),
    ("POST", "/accounts", KNOWN_PROVIDER + b'"security":"plain"}', 422, "invalid_payload"),
    ("POST", "/accounts", b'{"provider":"folder","path":"/etc"}', 403, "forbidden"),
    ("POST", "/accounts", b'{"provider":"maildir","path":"/etc"}', 403, "forbidden"),
]  # fmt: skip


def problem_in(response: Any, body: bytes, status: int) -> Problem:
    """What the response says; it must say it as the RFC has it."""
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    problem = msgspec.json.decode(body, type=Problem)
    assert problem.status == status == response.status_code
    assert problem.title
    assert problem.code
    assert {"title", "status", "code", "retryable"} <= msgspec.json.decode(body).keys()
    return problem


async def ask(site: Site, method: str, path: str, body: bytes, **headers: str) -> tuple[Any, bytes]:
    """A response and its body."""
    response = await site.client.open(
        path, method=method, headers=site.bearer("service", "publisher") | headers, data=body or None
    )
    return response, await response.get_data(as_text=False)


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), BAD, ids=range(len(BAD)))
async def test_a_bad_request_is_told_what_is_wrong_with_it(
    site: Site, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    await site.epoch()
    response, answer = await ask(site, method, path, body)
    assert response.status_code == status, answer[:500]
    problem = problem_in(response, answer, status)
    assert (problem.code, problem.retryable) == (code, False)
    assert len(answer) < 2000
    if status == 405:
        assert response.headers["Allow"]


PATHS = ["/events", "/me", "/snapshot", "/threads", "/threads/x", "/commands", TYPING, "/accounts"]
PATHS += ["/session", "/tickets", f"/users/{MIA}/events", "/healthz", "/metrics", "/x", "//", "/%2e%2e/me"]
QUERIES = ["", "?tab=%", "?limit=%00", "?poll=x", "?=&&=", "?types=%ff", "?last_event_id=%0a"]
BODIES = [b"{}", b"[]", b"null", b"1", b'"x"', b"{", b"\xff", b"[{}]", b'{"type":"x","payload":1}']
HEADERS = ["Origin", "Cookie", "Idempotency-Key", "Last-Event-ID", "Content-Type", "X-Forwarded-Proto"]
ODD = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]),
    path=st.sampled_from(PATHS),
    query=st.sampled_from(QUERIES),
    body=st.sampled_from(BODIES),
    headers=st.dictionaries(st.sampled_from(HEADERS), ODD, max_size=3),
)
async def test_whatever_is_asked_is_never_answered_with_a_bug(
    site: Site, method: str, path: str, query: str, body: bytes, headers: dict[str, str]
) -> None:
    if path == "/events" and method in ("GET", "HEAD"):
        query = "?tab=%"  # a good one would be a stream, which does not end
    sent = b"" if method in ("GET", "OPTIONS") else body
    response, answer = await ask(site, method, path + query, sent, **headers)
    assert response.status_code < 500
    if response.status_code >= 400:
        problem_in(response, answer, response.status_code)


async def test_a_database_that_is_not_there_can_be_asked_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(site.zena.storage, "_pool", None)
        response, answer = await ask(site, "GET", "/threads", b"")
    problem = problem_in(response, answer, 503)
    assert (problem.code, problem.retryable) == ("storage_unavailable", True)
    assert response.headers["Retry-After"].isdigit()


async def test_a_bug_of_ours_tells_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the password is hunter2")

    with monkeypatch.context() as patch:
        patch.setattr(site.zena.log, "pages", fail)
        response, answer = await ask(site, "GET", "/snapshot", b"")
    assert problem_in(response, answer, 500).code == "internal"
    assert b"hunter2" not in answer
