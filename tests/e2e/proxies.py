"""Proxies between a client and the server: real ones as processes, and one that holds everything back."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Self

from tests.e2e.clients import Event, Headers, events_of
from tests.e2e.programs import PATIENCE_SECONDS, ending, wait_until
from tests.mailservers import free_port

DEPLOYED = Path(__file__).parents[2] / "deploy" / "nginx.conf"

NGINX = """
daemon off;
master_process off;
error_log stderr;
pid {home}/nginx.pid;
events {{
}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    {site}
}}
"""

# nginx as it comes: it buffers.
PLAIN_SITE = """
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://127.0.0.1:{upstream};
        proxy_http_version 1.1;
        {more}
    }}
}}
"""

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
MaxClients 20
Timeout 600
LogFile "{home}/tinyproxy.log"
"""

# Behind what curl got; 0 says that the response was whole.
ENDED = r'\nevent: stream.ended\ndata: {"payload": {"exitCode": %{exitcode}}}\n\n'


class Proxy:
    """A proxy as a process, on a port of its own, started as often as a test likes."""

    def __init__(self, command: Sequence[str], port: int, home: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        program, *arguments = command
        path = f"{os.environ.get('PATH', '')}:/usr/sbin"  # which is on root's path only
        self._command = [shutil.which(program, path=path) or program, *arguments]
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    def start(self) -> None:
        """Run it; returns when it listens."""
        with (self._home / "proxy.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._listens, f"{self._command[0]} to listen")
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """End it as a power cut does."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait(PATIENCE_SECONDS)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._home / "proxy.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def nginx(home: Path, site: str, port: int) -> Proxy:
    """nginx with this site, which listens on the port."""
    settings = home / "nginx.conf"
    settings.write_text(NGINX.format(home=home, site=site))
    return Proxy(["nginx", "-c", str(settings)], port, home)


def plain_nginx(home: Path, upstream: int, more: str = "") -> Proxy:
    """nginx as it comes, in front of a server on port `upstream`; `more` is said of the location."""
    port = free_port()
    return nginx(home, PLAIN_SITE.format(port=port, upstream=upstream, more=more), port)


def deployed_nginx(home: Path, upstream: int) -> Proxy:
    """nginx as we recommend it, with the certificate that lies in `home`."""
    port = free_port()
    site = DEPLOYED.read_text()
    for ours, here in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{upstream};"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("/etc/ssl/zena/fullchain.pem", f"{home}/fullchain.pem"),
        ("/etc/ssl/zena/key.pem", f"{home}/key.pem"),
    ):
        assert site.count(ours) == 1, ours
        site = site.replace(ours, here)
    return nginx(home, site, port)


def tinyproxy(home: Path) -> Proxy:
    """A forward proxy: it goes where its clients say."""
    settings, port = home / "tinyproxy.conf", free_port()
    settings.write_text(TINYPROXY.format(home=home, port=port))
    return Proxy(["tinyproxy", "-d", "-c", str(settings)], port, home)


@contextmanager
def curl(url: str, headers: Headers, *options: str) -> Iterator[Iterator[Event]]:
    """What curl gets, event by event; at the end a `stream.ended` of its own, with its exit code."""
    words = ["curl", "--disable", "--silent", "--fail", "--no-buffer", "--write-out", ENDED, *options, url]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    with ending(subprocess.Popen(words, stdout=subprocess.PIPE)) as process:
        assert process.stdout is not None
        yield events_of(process.stdout)


class _Hoarding(BaseHTTPRequestHandler):
    upstream: ClassVar[int]

    def do_GET(self) -> None:
        """Ask the server, and answer when it has said everything."""
        server = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=PATIENCE_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
        server.request("GET", self.path, headers=headers)
        response = server.getresponse()
        body = response.read()
        server.close()
        self.send_response(response.status)
        self.send_header("Content-Type", response.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Quietly."""


@contextmanager
def hoarding_proxy(upstream: int) -> Iterator[str]:
    """The address of a proxy that lets nothing of a response through before its end."""
    handler = type("Hoarding", (_Hoarding,), {"upstream": upstream})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join(PATIENCE_SECONDS)
