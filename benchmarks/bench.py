"""Where a run takes place: two cores, credentials, files, and the generator that loads a server."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from benchmarks.contenders import Failed, Server, contenders, running
from benchmarks.event import publication, sample_json
from zena_sse.security.tokens import Tokens
from zena_sse.settings import Settings

Option = str | int | float | Path

# How much of a server's log and a generator's words an error shows.
SHOWN = 1500


class Load(msgspec.Struct):
    """What the generator saw; see sseload.c."""

    connect_s: float
    connects_per_s: float
    rss_sample_kb: int
    rss_idle_kb: int
    least_of_a_stream: int
    most_of_a_stream: int
    wall_s: float
    active_s: float
    deliveries_per_s: float
    server_cpu_s: float
    latency_p50_ms: float
    latency_p99_ms: float
    acked: int
    ack_p99_ms: float


class Bench:
    """What all measurements of one run share."""

    def __init__(self, made: Path, scratch: Path, server_core: int, load_core: int) -> None:
        self.scratch = scratch
        self.commands: dict[str, str] = {}
        self._generator = ["taskset", "-c", str(load_core), str(made / "sseload")]
        self._server_prefix = ["taskset", "-c", str(server_core)]
        self._ttl = timedelta(hours=2)
        secret = secrets.token_hex(32)
        self._tokens = Tokens.of(Settings(jwt_secret=secret), lambda: datetime.now(UTC))
        self.publisher = self._tokens.sign("publisher", "publisher", self._ttl)
        event = self.write("event.json", sample_json())
        self.one_publication = self.write("publication.json", publication())
        self.hundred_publications = self.write("publications.json", publication(100))
        self._contenders = contenders(made, secret, event)

    @contextmanager
    def serving(self, name: str, data: Path | None = None) -> Iterator[Server]:
        """A contender on its core. `data` is the directory of one that ran before, to go on with."""
        contender = self._contenders[name]
        directory = data or self.scratch / f"data-{secrets.token_hex(4)}"
        self._note(f"server: {name}", [*self._server_prefix, *contender.command])
        with running(contender, self._server_prefix, directory, self._log(name)) as server:
            yield server
        if data is None:
            shutil.rmtree(directory, ignore_errors=True)

    def load(self, server: Server, what: str, *options: Option, seconds: float = 60) -> Load:
        """Load a server. Raises `Failed` when anything was refused, lost or closed."""
        name = server.contender.name
        words = [*self._generator, *(["--ws"] if server.contender.is_websocket else []), *map(str, options)]
        self._note(f"{what}: {name}", words)
        words += [
            "--path",
            server.contender.path,
            "--timeout",
            f"{seconds:g}",
            "--port",
            str(server.port),
            "--pid",
            str(server.process.pid),
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            log = self._log(name).read_text()[-SHOWN:]
            raise Failed(f"{what}: {name}: {done.stdout}{done.stderr[-SHOWN:]}\nits log ends with:\n{log}")
        return msgspec.json.decode(done.stdout, type=Load)

    def tokens(self, users: int) -> Path:
        """A file of tokens of the users 0 to `users`, which nobody has seen before."""
        self._ttl += timedelta(seconds=1)
        lines = [self._tokens.sign(f"u{number}", "agent", self._ttl) for number in range(users)]
        return self.write(f"tokens-{self._ttl.total_seconds():.0f}.txt", "\n".join(lines).encode())

    def write(self, name: str, content: bytes) -> Path:
        """A scratch file."""
        path = self.scratch / name
        path.write_bytes(content)
        return path

    def _log(self, name: str) -> Path:
        return self.scratch / f"{name}.log"

    def _note(self, what: str, words: Sequence[str]) -> None:
        """Remember a command line as one would type it; the first of each kind."""
        self.commands.setdefault(what, " ".join(self._shown(word) for word in words))

    def _shown(self, word: str) -> str:
        if word == self.publisher:
            return "TOKEN"
        if word.startswith("/") and Path(word).exists():
            return Path(word).name
        return f"'{word}'" if {" ", "{"} & set(word) else word
