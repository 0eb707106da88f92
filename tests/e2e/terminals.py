"""A shell that commands are pasted into, and what ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def group(*words: str, cwd: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all its children, which end with it, as when a terminal is closed."""
    process = subprocess.Popen(
        words,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def terminal(script: str, cwd: Path, env: Mapping[str, str]) -> Iterator[IO[bytes]]:
    """What a shell prints that these lines were pasted into."""
    with group("bash", "-c", script, cwd=cwd, env=env) as process:
        assert process.stdout is not None
        yield process.stdout
