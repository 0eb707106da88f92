"""Who is let in: every credential, and everything that is none."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.web.sites import MIA, NOAH, Site
from zena_sse.security.limits import Rate

SECRET = secrets.token_hex(32)
OTHER_PAGE = "https://evil.example"


def signed(key: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """A token as our issuer would make it, but for the changes; a claim that is None is left out."""
    now = int(time.time())
    claims = {"iss": "zena", "aud": "zena-sse", "sub": MIA, "iat": now, "exp": now + 600} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


REFUSED: dict[str, Callable[[], dict[str, str]]] = {
    "nothing": dict,
    "another scheme": lambda: {"Authorization": "Basic bWlhOm1pYQ=="},
    "no token": lambda: {"Authorization": "Bearer"},
    "rubbish": lambda: {"Authorization": "Bearer rubbish"},
    "expired": lambda: {"Authorization": f"Bearer {signed(exp=int(time.time()) - 1)}"},
    "another issuer": lambda: {"Authorization": f"Bearer {signed(iss='somebody')}"},
    "another audience": lambda: {"Authorization": f"Bearer {signed(aud='something')}"},
    "another key": lambda: {"Authorization": f"Bearer {signed(key='k' * 40)}"},
    "another algorithm": lambda: {"Authorization": f"Bearer {signed(algorithm='HS512')}"},
    "unsigned": lambda: {"Authorization": f"Bearer {jwt.encode({'sub': MIA}, '', 'none')}"},
    "no expiry": lambda: {"Authorization": f"Bearer {signed(exp=None)}"},
    "no user": lambda: {"Authorization": f"Bearer {signed(sub=None)}"},
    "a user's id that is none": lambda: {"Authorization": f"Bearer {signed(sub='mia' + chr(10))}"},
    "not valid yet": lambda: {"Authorization": f"Bearer {signed(nbf=int(time.time()) + 300)}"},
    "a token and rubbish": lambda: {"Authorization": f"Bearer {signed()} x"},
    "an unknown session": lambda: {"Cookie": f"zena_session={'A' * 43}"},
    "the cookie of https over http": lambda: {"Cookie": f"__Host-zena_session={'A' * 43}"},
    "a malformed cookie": lambda: {"Cookie": "zena_session=%00; zena_session"},
    "the operator's header": lambda: {"Zena-User": MIA},
}


@pytest.mark.parametrize("changes", [{"jwt_secret": SECRET}])
async def test_whoever_has_no_good_credential_is_refused_in_the_same_way_everywhere(site: Site) -> None:
    for name, headers in REFUSED.items():
        for method, path in (("GET", "/me"), ("GET", "/events"), ("HEAD", "/events"), ("POST", "/tickets")):
            response = await site.client.open(path, method=method, headers=headers())
            assert response.status_code == 401, (name, path)
            assert response.headers["WWW-Authenticate"].startswith("Bearer"), (name, path)
            assert response.headers["Content-Type"] == "application/problem+json"
            if method != "HEAD":
                problem = await response.get_json()
                assert (problem["code"], problem["retryable"]) == ("unauthenticated", False)
    assert len(site.zena.hub) == 0


@pytest.mark.parametrize("changes", [{"jwt_secret": SECRET}])
async def test_tokens_of_our_issuer_are_taken(site: Site) -> None:
    for scheme in ("Bearer", "bearer"):
        response = await site.client.get("/me", headers={"Authorization": f"{scheme} {signed()}"})
        me = await response.get_json()
        assert (me["userId"], me["role"], me["how"]) == (MIA, "agent", "bearer")


async def test_the_first_credential_that_is_there_counts_even_if_it_is_bad(site: Site) -> None:
    cookie = await site.cookie(MIA)
    both = await site.client.get("/me", headers=cookie | site.bearer(NOAH))
    assert (await both.get_json())["userId"] == NOAH
    bad = await site.client.get("/me", headers=cookie | {"Authorization": "Bearer rubbish"})
    assert bad.status_code == 401


@pytest.mark.parametrize("changes", [{"trusted_hops": 1}])
async def test_an_address_that_guesses_is_told_to_wait_and_whoever_has_a_good_credential_is_not(
    site: Site,
) -> None:
    site.zena.limits._failures = Rate(3, 60.0, lambda: 0.0)
    bad = {"Authorization": "Bearer rubbish", "X-Forwarded-For": "192.0.2.1"}
    for _ in range(3):
        assert (await site.client.get("/me", headers=bad)).status_code == 401
    for path in ("/me", "/events"):
        response = await site.client.get(path, headers=bad)
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "20"
        assert (await response.get_json())["code"] == "too_many_requests"
    good = site.bearer() | {"X-Forwarded-For": "192.0.2.1"}
    assert (await site.client.get("/me", headers=good)).status_code == 200
    elsewhere = bad | {"X-Forwarded-For": "192.0.2.2"}
    assert (await site.client.get("/me", headers=elsewhere)).status_code == 401


async def test_bad_credentials_through_a_proxy_of_this_machine_silence_nobody(site: Site) -> None:
    site.zena.limits._failures = Rate(3, 60.0, lambda: 0.0)
    for _ in range(5):
        response = await site.client.get("/me", headers={"Authorization": "Bearer rubbish"})
        assert response.status_code == 401
    assert (await site.client.get("/me", headers=site.bearer())).status_code == 200


async def test_a_session_that_ended_is_not_remembered_as_good(site: Site) -> None:
    cookie = await site.cookie()
    assert (await site.client.get("/me", headers=cookie)).status_code == 200
    await site.client.delete("/session", headers=cookie)
    assert (await site.client.get("/me", headers=cookie)).status_code == 401


# --- cookies --------------------------------------------------------------------------------------


async def test_a_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use(site: Site) -> None:
    response = await site.client.post("/session", headers=site.bearer())
    assert response.status_code == 201
    cookie = response.headers["Set-Cookie"]
    found = re.fullmatch(
        r"zena_session=([A-Za-z0-9_-]{43}); Path=/; Max-Age=(\d+); HttpOnly; SameSite=Strict", cookie
    )
    assert found is not None, cookie
    assert 3590 <= int(found[2]) <= 3600
    me = await site.client.get("/me", headers={"Cookie": f"other=1; zena_session={found[1]}"})
    assert (await me.get_json())["how"] == "cookie"
    gone = await site.client.delete("/session", headers={"Cookie": f"zena_session={found[1]}"})
    assert gone.status_code == 204
    assert "Max-Age=0" in gone.headers["Set-Cookie"]
    after = await site.client.get("/me", headers={"Cookie": f"zena_session={found[1]}"})
    assert after.status_code == 401


@pytest.mark.parametrize("changes", [{"trusted_hops": 1}])
async def test_over_https_the_cookie_is_bound_to_this_host(site: Site) -> None:
    https = {"X-Forwarded-Proto": "http, https"}
    response = await site.client.post("/session", headers=site.bearer() | https)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-zena_session=")
    assert cookie.endswith("; Secure")
    assert "Domain" not in cookie
    pair = {"Cookie": cookie.partition(";")[0]}
    assert (await site.client.get("/me", headers=pair | https)).status_code == 200
    assert (await site.client.get("/me", headers=pair)).status_code == 401


async def test_a_proxy_that_is_not_trusted_says_nothing_about_https(site: Site) -> None:
    response = await site.client.post("/session", headers=site.bearer() | {"X-Forwarded-Proto": "https"})
    assert response.headers["Set-Cookie"].startswith("zena_session=")


async def test_a_session_is_opened_with_a_bearer_token_only(site: Site) -> None:
    response = await site.client.post("/session", headers=await site.cookie())
    assert response.status_code == 401


async def test_signing_out_twice_is_fine_and_clears_the_cookie(site: Site) -> None:
    cookie = await site.cookie()
    for _ in range(2):
        response = await site.client.delete("/session", headers=cookie)
        assert response.status_code == 204
        assert "Max-Age=0" in response.headers["Set-Cookie"]


async def test_signing_out_ends_the_session_whatever_else_the_request_carries(site: Site) -> None:
    cookie = await site.cookie()
    assert (await site.client.delete("/session", headers=cookie | site.bearer())).status_code == 204
    assert (await site.client.get("/me", headers=cookie)).status_code == 401


@pytest.mark.parametrize("origin", [OTHER_PAGE, "null", "http://[", "https://localhost.evil.example", "x"])
async def test_a_cookie_that_another_page_made_the_browser_send_moves_nothing(
    site: Site, origin: str
) -> None:
    headers = await site.cookie() | {"Origin": origin}
    for method, path in (("POST", "/commands/typing.start"), ("DELETE", "/session"), ("POST", "/tickets")):
        response = await site.client.open(path, method=method, headers=headers, json={"where": "t"})
        assert response.status_code == 403, path
        assert (await response.get_json())["code"] == "forbidden"
    assert (await site.client.get("/me", headers=headers)).status_code == 200


async def test_our_own_page_may_use_its_cookie_and_another_page_a_token(site: Site) -> None:
    cookie = await site.cookie()
    for headers in (cookie | {"Origin": "http://localhost"}, cookie, site.bearer() | {"Origin": OTHER_PAGE}):
        response = await site.client.post("/commands/typing.start", headers=headers, json={"where": "t"})
        assert response.status_code == 202


# --- in the address -------------------------------------------------------------------------------


async def test_a_ticket_opens_one_stream(site: Site) -> None:
    response = await site.client.post("/tickets", headers=site.bearer())
    assert response.status_code == 201
    ticket = (await response.get_json())["ticket"]
    async with site.client.request(f"/events?ticket={ticket}") as connection:
        await connection.send_complete()
        assert b"stream.ready" in await connection.receive()
        again = await site.client.get(f"/events?ticket={ticket}")
        assert again.status_code == 401
        await connection.disconnect()


async def test_a_ticket_opens_nothing_but_a_stream(site: Site) -> None:
    response = await site.client.post("/tickets", headers=site.bearer())
    ticket = (await response.get_json())["ticket"]
    assert (await site.client.get(f"/me?ticket={ticket}")).status_code == 401
    assert (await site.client.get("/events?ticket=rubbish")).status_code == 401


async def test_a_token_in_the_address_is_refused(site: Site) -> None:
    response = await site.client.get(f"/events?token={site.token()}")
    assert response.status_code == 401


@pytest.mark.parametrize("changes", [{"allow_url_token": True}])
async def test_where_the_operator_allows_it_a_token_in_the_address_opens_a_stream_and_no_more(
    site: Site,
) -> None:
    assert (await site.client.head(f"/events?token={site.token()}")).status_code == 200
    assert (await site.client.head("/events?token=rubbish")).status_code == 401
    assert (await site.client.get(f"/me?token={site.token()}")).status_code == 401
