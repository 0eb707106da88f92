"""What a bearer token must be, one rule a line."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.errors import ConfigurationError, InvalidPayload, Unauthenticated
from zena_sse.security.principal import USER_ID, Principal, Role, is_user_id
from zena_sse.security.tokens import LATEST, MAXIMUM_TOKEN_BYTES, Tokens

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef"
OTHER_SECRET = "fedcba9876543210fedcba9876543210"
PUBLIC_KEY = f"-----BEGIN PUBLIC KEY-----\n{'x' * 64}\n-----END PUBLIC KEY-----"
SECOND = int(NOW.timestamp())
GOOD: dict[str, object] = {
    "iss": "zena",
    "aud": "zena-sse",
    "sub": "agent-7",
    "iat": SECOND,
    "exp": SECOND + 600,
}


def tokens(at: datetime = NOW, secret: str = SECRET, algorithm: str = "HS256") -> Tokens:
    return Tokens(secret, algorithm, "zena", "zena-sse", clock=lambda: at)


def signed(payload: bytes, secret: str = SECRET, algorithm: str = "HS256") -> str:
    """A token made by another hand: its signature is right, whatever it says."""
    return jwt.PyJWS().encode(payload, secret, algorithm)


def saying(**claims: object) -> str:
    return signed(json.dumps(GOOD | claims).encode())


def without(claim: str) -> str:
    return signed(json.dumps({k: v for k, v in GOOD.items() if k != claim}).encode())


def unsigned(header: object, signature: str = "") -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, GOOD)
    ]
    return ".".join([*parts, signature])


def refusal(token: str, at: datetime = NOW) -> str:
    with pytest.raises(Unauthenticated) as raised:
        tokens(at).verify(token)
    return str(raised.value)


def test_a_good_token_is_its_user_until_it_expires() -> None:
    assert tokens().verify(saying()) == Principal(
        user_id="agent-7", role="agent", expires_at=NOW + timedelta(minutes=10), session=None, how="bearer"
    )


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"exp": SECOND}, "expired", id="expired this very moment"),
        pytest.param({"exp": SECOND - 1}, "expired", id="expired"),
        pytest.param({"iss": "somebody"}, "another issuer", id="foreign issuer"),
        pytest.param({"iss": ["zena"]}, "$.iss", id="a list of issuers"),
        pytest.param({"aud": "other"}, "another audience", id="foreign audience"),
        pytest.param({"aud": "zena-sse-2"}, "another audience", id="audience that begins alike"),
        pytest.param({"aud": []}, "another audience", id="no audience"),
        pytest.param({"aud": [1]}, "$.aud", id="audience of a wrong kind"),
        pytest.param({"nbf": SECOND + 31}, "not valid yet", id="not valid yet"),
        pytest.param({"iat": SECOND + 31}, "not valid yet", id="issued in the future"),
        pytest.param({"exp": float(SECOND + 600)}, "$.exp", id="exp a float"),
        pytest.param({"exp": SECOND + 600.5}, "$.exp", id="exp a fraction"),
        pytest.param({"exp": True}, "$.exp", id="exp a boolean"),
        pytest.param({"exp": str(SECOND + 600)}, "$.exp", id="exp a text"),
        pytest.param({"exp": None}, "$.exp", id="exp null"),
        pytest.param({"exp": LATEST + 1}, "$.exp", id="exp beyond the year 3000"),
        pytest.param({"exp": 10**18}, "$.exp", id="exp beyond a datetime"),
        pytest.param({"exp": 10**400}, "$.exp", id="exp beyond a float"),
        pytest.param({"exp": float("inf")}, "malformed", id="exp infinite"),
        pytest.param({"exp": -1}, "$.exp", id="exp before 1970"),
        pytest.param({"iat": "now"}, "$.iat", id="iat a text"),
        pytest.param({"nbf": 1.5}, "$.nbf", id="nbf a fraction"),
        pytest.param({"role": 7}, "$.role", id="role a number"),
        pytest.param({"sub": ""}, "$.sub", id="sub empty"),
        pytest.param({"sub": 7}, "$.sub", id="sub a number"),
        pytest.param({"sub": "x" * 65}, "$.sub", id="sub too long"),
        pytest.param({"sub": "agent\n"}, "$.sub", id="sub ends with a line feed"),
        pytest.param({"sub": "a\r\nid: 1"}, "$.sub", id="sub with line ends"),
        pytest.param({"sub": "a\x00b"}, "$.sub", id="sub with a NUL"),
        pytest.param({"sub": "a\u2028b"}, "$.sub", id="sub with a line separator"),
        pytest.param({"sub": "agent seven"}, "$.sub", id="sub with a space"),
        pytest.param({"sub": ".."}, "$.sub", id="sub a step in a path"),
        pytest.param({"sub": "a/b"}, "$.sub", id="sub with a slash"),
    ],
)
def test_a_claim_that_is_wrong_is_refused_and_named(claims: dict[str, object], reason: str) -> None:
    assert reason in refusal(saying(**claims))


@pytest.mark.parametrize("claim", sorted(GOOD))
def test_a_token_that_lacks_a_required_claim_is_refused(claim: str) -> None:
    assert f"`{claim}`" in refusal(without(claim))


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param(signed(json.dumps(GOOD).encode(), OTHER_SECRET), "signature", id="another secret"),
        pytest.param(saying()[:-4] + "AAAA", "signature", id="changed signature"),
        pytest.param(unsigned({"alg": "HS256"}), "signature", id="no signature"),
        pytest.param(unsigned({"alg": "none"}), "HS256", id="alg none"),
        pytest.param(unsigned({"alg": "NONE"}), "HS256", id="alg NONE"),
        pytest.param(unsigned({"alg": "RS256"}, "AAAA"), "HS256", id="alg RS256"),
        pytest.param(unsigned({"alg": ["HS256"]}), "HS256", id="alg a list"),
        pytest.param(unsigned({}), "HS256", id="no alg"),
        pytest.param(signed(json.dumps(GOOD).encode(), SECRET * 2, "HS512"), "HS256", id="another HMAC"),
        pytest.param(unsigned({"alg": "HS256", "b64": False, "crit": ["b64"]}), "malformed", id="detached"),
        pytest.param(unsigned({"alg": "HS256", "crit": ["x"], "x": 1}), "malformed", id="unknown crit"),
        pytest.param(unsigned(["HS256"]), "malformed", id="header a list"),
        pytest.param("", "malformed", id="empty"),
        pytest.param("..", "malformed", id="only dots"),
        pytest.param("garbage", "malformed", id="garbage"),
        pytest.param("a.b.c.d", "malformed", id="four parts"),
        pytest.param(saying() + " ", "malformed", id="space at the end"),
        pytest.param("\udcff" + saying(), "malformed", id="no text"),
        pytest.param(signed(b"[]"), "object", id="claims a list"),
        pytest.param(signed(b"{"), "malformed", id="claims cut off"),
        pytest.param(signed(b'{"iss":"\xff"}'), "malformed", id="claims no UTF-8"),
        pytest.param(signed(b'{"iss":"\\ud800"}'), "malformed", id="claims with half a character"),
        pytest.param(signed(b'{"x":' + b"[" * 5000), "malformed", id="claims nested without end"),
    ],
)
def test_a_token_that_is_not_ours_is_refused(token: str, reason: str) -> None:
    assert reason in refusal(token)


def test_a_huge_token_is_refused_though_its_signature_is_right() -> None:
    longest = "x" * (MAXIMUM_TOKEN_BYTES - 300)
    assert len(saying(padding=longest)) > MAXIMUM_TOKEN_BYTES
    assert refusal(saying(padding=longest)) == "The token is malformed."


def test_no_refusal_repeats_the_token() -> None:
    for token in (saying(sub="se cret"), saying(iss="se cret"), saying(exp="se cret"), "se cret"):
        assert "se cret" not in refusal(token)
        assert token not in refusal(token)


@pytest.mark.parametrize("claims", [{"iat": SECOND + 30}, {"nbf": SECOND + 30}, {"nbf": SECOND - 999}])
def test_an_issuers_clock_may_be_half_a_minute_ahead(claims: dict[str, object]) -> None:
    assert tokens().verify(saying(**claims)).user_id == "agent-7"


@pytest.mark.parametrize(
    ("claimed", "role"),
    [
        ("publisher", "publisher"),
        ("operator", "operator"),
        ("agent", "agent"),
        ("admin", "agent"),
        (None, "agent"),
    ],
)
def test_an_unknown_role_gives_no_rights(claimed: str | None, role: Role) -> None:
    assert tokens().verify(saying(role=claimed)).role == role


def test_a_token_may_be_for_several_audiences() -> None:
    assert tokens().verify(saying(aud=["api", "zena-sse"])).user_id == "agent-7"


@pytest.mark.parametrize(
    "user_id",
    [
        "7",
        "jo.meyer+zena@example.com",
        "3f2b8c1e-90ab-4d7e-8f00-1234567890ab",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "urn:agent:7",
        "-nanoid_V1StGXR8_Z5jdHi6B",
    ],
)
def test_ids_that_people_already_have_pass(user_id: str) -> None:
    assert is_user_id(user_id)


@pytest.mark.parametrize(
    ("secret", "algorithm", "named"),
    [
        ("x" * 31, "HS256", "ZENA_JWT_SECRET"),
        ("x" * 63, "HS512", "ZENA_JWT_SECRET"),
        ("", "HS256", "ZENA_JWT_SECRET"),
        (PUBLIC_KEY, "HS256", "ZENA_JWT_SECRET"),
        (SECRET, "none", "ZENA_JWT_ALGORITHM"),
        (SECRET, "RS256", "ZENA_JWT_ALGORITHM"),
    ],
)
def test_a_secret_or_algorithm_that_will_not_do_stops_the_start(
    secret: str, algorithm: str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as raised:
        tokens(secret=secret, algorithm=algorithm)
    assert not secret or secret not in str(raised.value)


@pytest.mark.parametrize(
    "sign",
    [
        lambda: tokens().sign("two words", "agent", timedelta(hours=1)),
        lambda: tokens().sign("", "agent", timedelta(hours=1)),
        lambda: tokens().sign("agent-7", "agent", timedelta.max),
    ],
)
def test_what_could_not_be_verified_is_not_signed(sign: Callable[[], str]) -> None:
    with pytest.raises(InvalidPayload):
        sign()


def test_a_token_is_refused_from_the_second_it_expires() -> None:
    token = tokens().sign("agent-7", "agent", timedelta(seconds=60))
    assert tokens(NOW + timedelta(seconds=59)).verify(token).expires_at == NOW + timedelta(seconds=60)
    assert "expired" in refusal(token, at=NOW + timedelta(seconds=60))


@given(
    user_id=st.from_regex(USER_ID, fullmatch=True),
    role=st.sampled_from(["agent", "publisher", "operator"]),
    seconds=st.integers(min_value=1, max_value=10**9),
    algorithm=st.sampled_from(["HS256", "HS384", "HS512"]),
)
def test_what_is_signed_is_verified(user_id: str, role: Role, seconds: int, algorithm: str) -> None:
    ours = tokens(secret=SECRET * 2, algorithm=algorithm)
    ttl = timedelta(seconds=seconds)
    assert ours.verify(ours.sign(user_id, role, ttl)) == Principal(
        user_id=user_id, role=role, expires_at=NOW + ttl
    )


@given(token=st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_no_text_whatever_crashes_the_verification(token: str) -> None:
    assert refusal(token)


@given(payload=st.binary())
def test_no_signed_bytes_whatever_crash_the_verification(payload: bytes) -> None:
    assert refusal(signed(payload))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4
)


@given(claim=st.sampled_from([*GOOD, "nbf", "role"]), value=json_values)
def test_no_claim_whatever_crashes_the_verification(claim: str, value: object) -> None:
    try:
        principal = tokens().verify(saying(**{claim: value}))
    except Unauthenticated:
        return
    assert is_user_id(principal.user_id)
    assert principal.expires_at > NOW


# --- tokens that were verified before ----------------------------------------------------------


class Bench:
    """Tokens on a clock that moves, and how often one was really verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        self.tokens = Tokens(SECRET, "HS256", "zena", "zena-sse", clock=lambda: self.now)
        self.verified = 0
        verify = self.tokens._signatures.decode_complete

        def count(*arguments: Any) -> dict[str, Any]:
            self.verified += 1
            return verify(*arguments)

        monkeypatch.setattr(self.tokens._signatures, "decode_complete", count)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_token_that_was_seen_before_is_not_verified_again(bench: Bench) -> None:
    token = saying()
    first = bench.tokens.verify(token)
    assert [bench.tokens.verify(token) for _ in range(3)] == [first] * 3
    assert bench.verified == 1
    assert bench.tokens.verify(saying(sub="agent-8")).user_id == "agent-8"
    assert bench.verified == 2


def test_token_that_was_seen_before_expires_like_any_other(bench: Bench) -> None:
    token = saying()
    bench.tokens.verify(token)
    bench.now += timedelta(seconds=599)
    bench.tokens.verify(token)
    bench.now += timedelta(seconds=1)
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="expired"):
            bench.tokens.verify(token)


def test_token_that_was_refused_is_judged_anew(bench: Bench) -> None:
    token = saying(nbf=SECOND + 60)
    with pytest.raises(Unauthenticated, match="not valid yet"):
        bench.tokens.verify(token)
    bench.now += timedelta(seconds=60)
    assert bench.tokens.verify(token).user_id == "agent-7"


def test_token_that_is_nearly_one_that_was_seen_before_is_refused(bench: Bench) -> None:
    token = saying()
    bench.tokens.verify(token)
    header, payload, signature = token.split(".")
    forged = json.dumps(GOOD | {"sub": "agent-1"}).encode()
    other = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    for attempt in (f"{header}.{other}.{signature}", f"{header}.{payload}.", token[:-1], f" {token}"):
        with pytest.raises(Unauthenticated):
            bench.tokens.verify(attempt)


def test_after_a_revocation_every_token_is_verified_anew(bench: Bench) -> None:
    token = saying()
    bench.tokens.verify(token)
    bench.tokens.forget()
    bench.tokens.verify(token)
    assert bench.verified == 2


def test_verified_tokens_are_remembered_in_a_bounded_number_and_the_newest_for_sure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zena_sse.security.tokens.VERIFIED", 3)
    seen = [saying(sub=f"agent-{number}") for number in range(10)]
    for number, token in enumerate(seen, start=1):
        bench.tokens.verify(token)
        for recent in seen[max(0, number - 3) : number]:
            bench.tokens.verify(recent)
        assert bench.verified == number
        assert len(bench.tokens._recent) + len(bench.tokens._older) <= 6
    bench.tokens.verify(seen[0])
    assert bench.verified == 11
