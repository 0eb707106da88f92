"""What the kernel saw: before an answer leaves, the log that holds what it promises is on the disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.clients import up_to_note, with_httpx_sse
from tests.e2e.conftest import NewServer
from tests.e2e.programs import publish_note, wait_until

REQUESTS = 5

# `-D`: the server keeps the pid that we started; `-y`: a descriptor is shown with what it is.
TRACED = "trace=read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync"
TRACER = ["strace", "-D", "-f", "-y", "-s", "100", "-e", TRACED]

RESUMED = re.compile(r"^\d+ +<\.\.\. \w+ resumed>(?P<rest>.*)$")


def calls(trace: str) -> list[str]:
    """The calls of a trace in the order of their ends."""
    begun: dict[str, str] = {}
    ended: list[str] = []
    for line in trace.splitlines():
        pid = line.split(maxsplit=1)[0]
        if line.endswith("<unfinished ...>"):
            begun[pid] = line.removesuffix("<unfinished ...>").rstrip()
        elif resumed := RESUMED.match(line):
            ended.append(begun.pop(pid, "") + resumed["rest"])
        else:
            ended.append(line)
    return ended


SIGNS = {
    "request": re.compile(r'^\d+ +(read|recv\w+)\(.*"POST /users/'),
    "disk": re.compile(r"^\d+ +f(data)?sync\(\d+<[^>]*/zena\.db-wal>\) *= 0"),
    "event": re.compile(r"^\d+ +(write|send)\w*\(.*event: thread\.viewed"),
    "answer": re.compile(r'^\d+ +(write|send)\w*\(.*"HTTP/1\.1 202'),
}


def story(trace: str) -> list[str]:
    """What happened, in order: a request came, the log went to the disk, an event or an answer left."""
    return [what for call in calls(trace) for what, sign in SIGNS.items() if sign.search(call)]


@pytest.mark.needs("strace")
def test_log_is_on_the_disk_before_a_write_is_acknowledged_or_announced(
    new_server: NewServer, directory: Path
) -> None:
    server = new_server()
    trace = directory / "trace"
    server.start([*TRACER, "-o", str(trace)])
    with with_httpx_sse(f"{server.url}/events", server.headers("anna")) as events:
        assert next(events).payload["mode"] == "live"
        for number in range(REQUESTS):
            publish_note(server, "anna", f"note {number}")
            up_to_note(events, f"note {number}")
    server.stop()
    wait_until(lambda: "exited with 0" in trace.read_text().splitlines()[-1], "the tracer to finish")
    told = "".join(what[0] for what in story(trace.read_text()))
    # The server may bring other things to the disk, at any moment.
    assert re.fullmatch(f"d*(rd+(ed*a|ad*e)d*){{{REQUESTS}}}", told), told
