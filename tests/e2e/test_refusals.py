"""What cannot be done is said in one line on stderr, with exit code 1; what is typed wrong ends with 2."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.e2e.conftest import NewServer
from tests.e2e.programs import Serving
from tests.mailservers import free_port
from zena_sse.cli import main

VIEWED = '{"threadId": "t1", "viewedAt": "2026-11-20T09:00:00Z", "by": "anna"}'

WRONG_USAGE = [
    ["nonsense"],
    ["serve", "--port", "9000"],
    ["demo", "--port", "seventy"],
    ["token"],
    ["token", "--user", "anna", "--role", "emperor"],
    ["token", "--user", "anna", "--ttl", "0"],
    ["account", "add", "folder", "mail"],
    ["account", "add", "--user", "anna", "folder"],
    ["account", "add", "--user", "anna", "imap", "--username", "anna"],
    ["tail"],
    ["tail", "--user", "anna", "--token", "t"],
    ["publish", "--user", "anna", "thread.viewed"],
    ["contract", "swagger"],
]

# Settings with which a server does not start, and what its one line must name.
WRONG_SETTINGS = [
    ({"ZENA_JWT_SECRET": ""}, "ZENA_JWT_SECRET is not set"),
    ({"ZENA_JWT_SECRET": "short"}, "ZENA_JWT_SECRET has 5 bytes"),
    ({"ZENA_PORT": "eighty"}, "ZENA_PORT is 'eighty'"),
    ({"ZENA_DATABASE_URL": "mysql://nowhere"}, "ZENA_DATABASE_URL"),
    ({"ZENA_JWT_SECRET": "", "ZENA_JWT_SECRET_FILE": "/nowhere/secret"}, "ZENA_JWT_SECRET_FILE"),
    ({"ZENA_SECRET_KEYS": "no key at all"}, "ZENA_SECRET_KEYS"),
    ({"ZENA_HOST": "203.0.113.7"}, "203.0.113.7"),
    ({"ZENA_DATA_DIR": "/dev/null"}, "ZENA_DATA_DIR"),
]


@pytest.mark.parametrize("words", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr


def test_wrong_usage_ends_the_process_with_2(new_server: NewServer) -> None:
    done = new_server().run("tail")
    assert (done.code, done.out) == (2, "")
    assert "Usage: " in done.err


@pytest.mark.parametrize(("settings", "named"), WRONG_SETTINGS, ids=lambda value: str(value)[:40])
def test_wrong_setting_stops_the_start_with_one_line_that_names_it(
    new_server: NewServer, settings: dict[str, str], named: str
) -> None:
    assert named in new_server(**settings).run("serve").refusal()


def test_second_process_on_a_data_directory_is_refused(running: Serving) -> None:
    other = Serving(running.directory, ZENA_PORT=str(free_port()))
    assert running.process is not None
    for words in (["serve"], ["migrate"]):
        refusal = other.run(*words).refusal()
        assert f"in use by process {running.process.pid}" in refusal
    assert running.get("/me", "anna").is_success


def test_port_in_use_is_named(new_server: NewServer) -> None:
    server = new_server()
    with socket.create_server(("127.0.0.1", server.port)):
        assert f"127.0.0.1:{server.port}" in server.run("serve").refusal()
    server.start()
    server.stop()


def test_data_directory_with_too_long_a_path_for_a_socket_is_refused(
    new_server: NewServer, directory: Path
) -> None:
    assert "too long" in new_server(ZENA_DATA_DIR=str(directory / ("x" * 120))).run("serve").refusal()


def test_file_that_is_no_database_is_left_alone(new_server: NewServer) -> None:
    server = new_server()
    server.database.parent.mkdir()
    server.database.write_text("a shopping list, and quite a long one" * 100)
    assert "not a database" in server.run("serve").refusal()
    assert server.database.read_text().startswith("a shopping list")


def test_what_a_server_refuses_is_said_in_one_line(
    running: Serving, directory: Path, demo_mail: Path
) -> None:
    user = "--user", "rita"
    running.run("account", "add", *user, "folder", str(demo_mail)).said()

    def refusal(*words: str) -> str:
        return running.run(*words).refusal()

    assert "already connected" in refusal("account", "add", *user, "folder", str(demo_mail))
    assert "/nowhere" in refusal("account", "add", *user, "folder", "/nowhere")
    assert str(directory) in refusal("account", "add", *user, "maildir", str(directory))
    assert "'nobody'" in refusal("publish", "--user", "nobody", "thread.viewed", VIEWED)
    assert "'thread.eaten'" in refusal("publish", *user, "thread.eaten", VIEWED)
    assert "stream.ready" in refusal("publish", *user, "stream.ready", "{}")
    assert "`threadId`" in refusal("publish", *user, "thread.viewed", "{}")
    assert "not valid JSON" in refusal("publish", *user, "thread.viewed", "{")
    assert "user" in refusal("token", "--user", "two words")


def test_what_is_refused_without_a_server_is_said_in_one_line(new_server: NewServer, directory: Path) -> None:
    alone = new_server()
    assert "/nowhere" in alone.run("account", "add", "--user", "rita", "folder", "/nowhere").refusal()
    assert "'nobody'" in alone.run("publish", "--user", "nobody", "thread.viewed", VIEWED).refusal()
    assert "user" in alone.run("token", "--user", "two words").refusal()


@pytest.mark.parametrize("served", [True, False], ids=["with a server", "without one"])
def test_imap_server_that_cannot_be_reached_is_named(
    running: Serving, new_server: NewServer, served: bool
) -> None:
    server = running if served else new_server(ZENA_ALLOW_PRIVATE_MAIL_HOSTS="1")
    port = free_port()
    words = ["imap", "--host", "127.0.0.1", "--port", str(port), "--username", "anna", "--password-stdin"]
    assert f"127.0.0.1:{port}" in server.run("account", "add", "--user", "a", *words, stdin="pw\n").refusal()


def test_imap_server_on_a_private_address_is_refused_unless_allowed(new_server: NewServer) -> None:
    words = ["imap", "--host", "127.0.0.1", "--username", "anna", "--password-stdin"]
    assert "private" in new_server().run("account", "add", "--user", "anna", *words, stdin="pw\n").refusal()


def test_tail_with_a_bad_credential_or_filter_ends_with_the_servers_words(running: Serving) -> None:
    assert running.run("tail", "--token", "nonsense").refusal()
    assert "types" in running.run("tail", "--user", "anna", "--types", "Everything!").refusal()


def test_log_read_without_a_server_refuses_a_cursor_that_is_not_its_own(new_server: NewServer) -> None:
    alone = new_server()
    assert "no database" in alone.run("tail", "--user", "anna").refusal()
    alone.start()
    alone.get("/snapshot", "anna")
    alone.stop()
    assert "no user 'bert'" in alone.run("tail", "--user", "bert").refusal()
    for cursor in ("nonsense", "00000000-0"):
        assert f"'{cursor}'" in alone.run("tail", "--user", "anna", "--from", cursor).refusal()
    assert "types" in alone.run("tail", "--user", "anna", "--types", "Everything!").refusal()


def test_password_is_not_asked_for_where_nobody_can_type_it(new_server: NewServer) -> None:
    words = ["imap", "--host", "127.0.0.1", "--username", "anna"]
    done = new_server().run("account", "add", "--user", "anna", *words)
    assert (done.code, done.out) == (2, "")
    assert "--password-stdin" in done.err
