"""The program as its users start it: `zena-sse serve` as a process, and commands beside it."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.databases import new_database
from tests.mailservers import free_port
from zena_sse.security.principal import Role
from zena_sse.security.tokens import Tokens
from zena_sse.settings import Settings

SECRET = "a secret for end-to-end tests, long enough"
PROGRAM = (sys.executable, "-m", "zena_sse")

# Nothing that is waited for takes this long, even on a machine that is busy with something else.
PATIENCE_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.01


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look again until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(LOOK_AGAIN_SECONDS)


def environment(**settings: str) -> dict[str, str]:
    """Ours without any setting of whoever runs the tests, plus these; `zena-sse` is on the path."""
    alien = ("ZENA_", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(alien)}
    for alias in ("PORT", "DATABASE_URL", "REDIS_URL"):
        kept.pop(alias, None)
    kept["PATH"] = f"{Path(sys.executable).parent}:{kept.get('PATH', '')}"
    return kept | settings


# All is plain HTTP here; loading the authorities of the web for each client would take longer than the tests.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def request(method: str, url: str, headers: Mapping[str, str], body: object = None) -> httpx.Response:
    """One request on a connection of its own; the answer may be anything."""
    with httpx.Client(verify=NO_AUTHORITIES, timeout=PATIENCE_SECONDS) as client:
        return client.request(method, url, headers=dict(headers), json=body)


def is_ready(url: str) -> bool:
    """Whether a server answers there, and takes work."""
    try:
        return request("GET", f"{url}/readyz", {}).is_success
    except httpx.TransportError:
        return False


class Serving:
    """A server with a data directory and a port of its own, started as often as a test likes."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "ZENA_DATA_DIR": str(directory / "data"),
            "ZENA_PORT": str(self.port),
            "ZENA_JWT_SECRET": SECRET,
            "ZENA_MAIL_DAYS": "0",  # the mail of these tests does not grow old with the calendar
        } | settings
        self.program: Sequence[str] = (*PROGRAM, "serve")
        self.process: subprocess.Popen[bytes] | None = None
        self._log = directory / "server.log"

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.directory / "data" / "zena.db"

    @property
    def log(self) -> str:
        """What it has said on stdout and stderr since the first start."""
        return self._log.read_text() if self._log.exists() else ""

    def lines(self) -> list[dict[str, Any]]:
        """The log, parsed; a line that is being written is not there yet."""
        return [json.loads(line) for line in self.log.splitlines(keepends=True) if line.endswith("\n")]

    def start(self, tracer: Sequence[str] = ()) -> None:
        """Serve; returns when it is ready. `tracer` is put before the command and must keep its pid."""
        assert self.process is None
        if (
            not self.database.exists()
        ):  # migrating is tested elsewhere, and takes as long as all the rest of a start
            self.database.parent.mkdir(exist_ok=True)
            new_database(self.database.parent)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*tracer, *self.program],
                env=environment(**self.settings),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_ready, "the server to be ready")

    def stop(self) -> None:
        """End it as an operator does; it must say that all is well."""
        code = self._end("terminate")
        assert code == 0, f"exit code {code} after SIGTERM; its log ends with:\n{self.log[-3000:]}"

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end("kill")

    def restart(self, *, killed: bool) -> None:
        """Stop it one way or the other, and start it again."""
        if killed:
            self.kill()
        else:
            self.stop()
        self.start()

    def run(self, *words: str, stdin: str = "", seconds: float = PATIENCE_SECONDS) -> Finished:
        """A command of the same operator."""
        return run(*words, env=environment(**self.settings), cwd=self.directory, stdin=stdin, seconds=seconds)

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """A command of the same operator that goes on; its output can be read, and it must be ended."""
        return subprocess.Popen(
            [*PROGRAM, *words],
            env=environment(**self.settings),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def token(self, user: str, role: Role = "agent") -> str:
        """A token that it accepts, without a process made for it."""
        tokens = Tokens.of(Settings(jwt_secret=SECRET), lambda: datetime.now(UTC))
        return tokens.sign(user, role, timedelta(hours=1))

    def headers(self, user: str, role: Role = "agent") -> dict[str, str]:
        """What says who asks."""
        return {"Authorization": f"Bearer {self.token(user, role)}"}

    def get(self, path: str, user: str) -> httpx.Response:
        """A read."""
        return request("GET", self.url + path, self.headers(user)).raise_for_status()

    def request_as(self, token: str, path: str) -> dict[str, object]:
        """A read with a token that somebody else made."""
        response = request("GET", self.url + path, {"Authorization": f"Bearer {token}"})
        answer: dict[str, object] = response.raise_for_status().json()
        return answer

    def post(self, path: str, user: str, body: object, role: Role = "agent") -> httpx.Response:
        """A command, or something published."""
        return request("POST", self.url + path, self.headers(user, role), body).raise_for_status()

    def epoch(self, user: str) -> str:
        """The identity of a user's log."""
        cursor: str = self.get("/snapshot", user).json()["cursor"]
        return cursor.rpartition("-")[0]

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended instead of serving:\n{self.log[-3000:]}"
        return is_ready(self.url)

    def _end(self, how: str) -> int:
        process, self.process = self.process, None
        assert process is not None
        assert process.poll() is None, f"it had ended by itself:\n{self.log[-3000:]}"
        getattr(process, how)()
        return process.wait(PATIENCE_SECONDS)

    def clean_up(self) -> None:
        """Leave no process behind, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.kill()


@contextmanager
def standing(**settings: str) -> Iterator[Serving]:
    """A server that nobody stops, for many tests; each has a user of its own there."""
    path = Path(tempfile.mkdtemp(prefix="zena-e2e-", dir="/tmp"))
    serving = Serving(path, **settings)
    try:
        serving.start()
        yield serving
        serving.stop()
    finally:
        serving.clean_up()
        shutil.rmtree(path)


def read_mailbox(server: Serving, user: str, folder: Path, *options: str) -> str:
    """Connect a folder and wait until it has been read to its end; the epoch of the user's log."""
    server.run("account", "add", "--user", user, "folder", str(folder), *options).said()

    def is_read() -> bool:
        return any(sync["success"] for sync in server.get("/snapshot", user).json()["syncs"])

    wait_until(is_read, f"{folder} to be read")
    return server.epoch(user)


def publish_note(server: Serving, user: str, note: str) -> None:
    """Another service publishes an event that can be told from all others."""
    payload = {"threadId": note, "viewedAt": "2026-11-20T09:00:00Z", "by": user}
    event = {"type": "thread.viewed", "payload": payload}
    server.post(f"/users/{user}/events", "crm", event, role="publisher")


class Finished:
    """A command that has ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def said(self) -> str:
        """What it printed; it must have gone well, and quietly."""
        assert (self.code, self.err) == (0, ""), self
        return self.out

    def refusal(self) -> str:
        """The one line on stderr with which it failed."""
        assert self.code == 1, self
        assert self.out == "", self
        assert self.err.count("\n") == 1, self
        assert self.err.endswith("\n"), self
        assert self.err.startswith("zena-sse: "), self
        assert "Traceback" not in self.err, self
        return self.err.strip()


def run(
    *words: str,
    env: dict[str, str],
    cwd: Path,
    stdin: str = "",
    seconds: float = PATIENCE_SECONDS,
    program: Sequence[str] = PROGRAM,
) -> Finished:
    """Run a command to its end."""
    done = subprocess.run(
        [*program, *words],
        env=env,
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is over afterwards."""
    with process:
        try:
            yield process
        finally:
            process.kill()
