"""Cookie sessions against a real database, and the cookie itself."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.security.principal import Principal
from zena_sse.security.sessions import (
    MAXIMUM_COOKIE_HEADER,
    SECRET_BYTES,
    SESSIONS_PER_USER,
    clear_cookie_header,
    close_session,
    cookie_name,
    digest_of,
    drop_expired_sessions,
    find_session,
    open_session,
    read_cookie,
    set_cookie_header,
)
from zena_sse.storage.migrate import migrate
from zena_sse.storage.sqlite import SqliteConnection
from zena_sse.storage.unit import Unit

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECRET = secrets.token_urlsafe(SECRET_BYTES)
DIGEST = digest_of(SECRET)
JO = Principal(user_id="jo@example.com", role="operator", expires_at=NOW + timedelta(hours=8))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sessions") / "zena.db"
    migrate(path)
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Unit]:
    """A unit of work over a fresh database; a test moves its `now`."""
    connection = SqliteConnection(Path(shutil.copy(migrated, tmp_path)), ())
    yield Unit(connection, NOW, new_epoch=lambda: "5f3a91c2")
    connection.close()


def test_a_session_is_who_opened_it_by_cookie_under_its_digest(database: Unit) -> None:
    open_session(database, DIGEST, JO)
    found = find_session(database, DIGEST)
    assert found == msgspec.structs.replace(JO, session=DIGEST, how="cookie")
    assert found is not None
    assert found.expires_at.tzinfo is not None


def test_a_session_ends_when_its_credential_would_have(database: Unit) -> None:
    open_session(database, DIGEST, JO)
    database.now = JO.expires_at - timedelta(milliseconds=1)
    assert find_session(database, DIGEST) is not None
    database.now = JO.expires_at
    assert find_session(database, DIGEST) is None


def test_signing_out_ends_a_session_once(database: Unit) -> None:
    open_session(database, DIGEST, JO)
    assert close_session(database, DIGEST) is True
    assert find_session(database, DIGEST) is None
    assert close_session(database, DIGEST) is False


def test_signing_out_leaves_other_sessions_alone(database: Unit) -> None:
    other = digest_of(secrets.token_urlsafe(SECRET_BYTES))
    open_session(database, DIGEST, JO)
    open_session(database, other, JO)
    close_session(database, DIGEST)
    assert find_session(database, other) is not None


def test_only_the_digest_is_stored(database: Unit, tmp_path: Path) -> None:
    open_session(database, DIGEST, JO)
    assert find_session(database, SECRET) is None
    stored = (tmp_path / "zena.db").read_bytes()
    assert DIGEST.encode() in stored
    assert SECRET.encode() not in stored


def test_the_stored_digest_signs_nobody_in() -> None:
    assert read_cookie(f"zena_session={DIGEST}", secure=False) is None
    assert digest_of(DIGEST) != DIGEST


def test_the_oldest_of_too_many_sessions_of_a_user_ends(database: Unit) -> None:
    other = msgspec.structs.replace(JO, user_id="mia@example.com")
    open_session(database, digest_of("mia's"), other)
    digests = [digest_of(f"secret{number}") for number in range(SESSIONS_PER_USER + 1)]
    ended = []
    for digest in digests:
        database.now += timedelta(seconds=1)
        ended += open_session(database, digest, JO)
    assert ended == digests[:1]
    assert find_session(database, digests[0]) is None
    assert all(find_session(database, digest) for digest in [*digests[1:], digest_of("mia's")])


def test_only_expired_sessions_are_dropped(database: Unit) -> None:
    later = digest_of("later")
    open_session(database, DIGEST, JO)
    open_session(database, later, msgspec.structs.replace(JO, expires_at=NOW + timedelta(hours=9)))
    database.now = NOW + timedelta(hours=8)
    assert drop_expired_sessions(database) == 1
    assert database.all(str, "SELECT digest FROM sessions") == [later]


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_that_is_set_is_the_cookie_that_is_read(secure: bool) -> None:
    set_cookie = set_cookie_header(SECRET, max_age=60, secure=secure)
    pair = set_cookie.split(";")[0]
    assert read_cookie(pair, secure=secure) == SECRET
    assert read_cookie(pair, secure=not secure) is None


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() -> None:
    attributes = "; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    assert set_cookie_header(SECRET, max_age=60, secure=False) == f"zena_session={SECRET}{attributes}"
    assert (
        set_cookie_header(SECRET, max_age=60, secure=True)
        == f"__Host-zena_session={SECRET}{attributes}; Secure"
    )


@pytest.mark.parametrize("secure", [True, False])
def test_clearing_ends_the_same_cookie_at_once(secure: bool) -> None:
    cleared = clear_cookie_header(secure=secure)
    assert cleared.startswith(f"{cookie_name(secure=secure)}=; Path=/; Max-Age=0;")
    assert read_cookie(cleared, secure=secure) is None


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"zena_session={SECRET}", SECRET),
        (f"theme=dark; zena_session={SECRET}; lang=en", SECRET),
        (f"theme=dark;zena_session={SECRET}", SECRET),
        (f"zena_session=old; zena_session={SECRET}", SECRET),
        ("", None),
        ("zena_session", None),
        ("zena_session=", None),
        (f"zena_session={SECRET}x", None),
        (f"zena_session={SECRET[:-1]}", None),
        (f"zena_session={SECRET[:-1]}/", None),
        (f"zena_session={SECRET[:-1]}\n", None),
        (f"my_zena_session={SECRET}", None),
        (f"Zena_Session={SECRET}", None),
        (f"__Host-zena_session={SECRET}", None),
        ("a=" + "b" * MAXIMUM_COOKIE_HEADER + f"; zena_session={SECRET}", None),
    ],
)
def test_only_a_whole_secret_under_the_right_name_is_read(header: str, found: str | None) -> None:
    assert read_cookie(header, secure=False) == found


@given(st.text())
def test_no_cookie_header_whatever_is_taken_for_a_session(header: str) -> None:
    assert read_cookie(header, secure=True) is None
