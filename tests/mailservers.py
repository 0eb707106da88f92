"""Real IMAP servers for tests, on loopback, each a process of its own that ends with the test session."""

from __future__ import annotations

import base64
import grp
import os
import platform
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from imapclient import IMAPClient

PASSWORD = "Kennwort-für-Übungen"
TOKEN_SECRET = "a secret of at least 32 bytes, for tests"
STARTUP_SECONDS = 15.0

PYMAP_USER = "anna"

DOVECOT = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{home}/mail/%u
mail_fsync = never
mail_max_userip_connections = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {home}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
}}
"""

DOVECOT_OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={home}/keys/
username_attribute = sub
"""


@dataclass(frozen=True)
class MailServer:
    """A running server: `port` speaks STARTTLS and plain text, `tls_port` TLS; it is `localhost`."""

    kind: str
    port: int
    tls_port: int
    authority: trustme.CA

    def trusting(self) -> ssl.SSLContext:
        """What a client that trusts this server's authority verifies with."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def sign_in(self, user: str) -> IMAPClient:
        """Another mail program of the same user."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=10)
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or every APPEND takes 40 ms
        client.plain_login(user, PASSWORD)
        return client


@contextmanager
def running_pymap() -> Iterator[MailServer]:
    """pymap with one user, whose mail is in memory."""
    if tuple(map(int, platform.python_version_tuple()[:2])) >= (3, 13):
        pytest.skip("pymap 0.36 hangs up at LOGIN on Python 3.13; run the tests with 3.11 or 3.12")
    with tempfile.TemporaryDirectory(prefix="pymap") as folder:
        authority = _certify(Path(folder))
        port = free_port()
        command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--no-service", "admin", "--no-service", "managesieve"]
        command += ["--cert", f"{folder}/cert.pem", "--key", f"{folder}/key.pem"]
        command += ["dict", "--demo-user", PYMAP_USER, "--demo-password", PASSWORD]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process, _ending(process, port):
            yield MailServer("pymap", port, 0, authority)


@contextmanager
def running_dovecot() -> Iterator[MailServer]:
    """Dovecot, where every user name has a mailbox of its own; tokens are checked with `TOKEN_SECRET`."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    home = Path(tempfile.mkdtemp(prefix="dovecot", dir="/tmp"))  # its sockets need a short path
    try:
        authority = _certify(home)
        port, tls_port = free_port(), free_port()
        _write_dovecot_settings(home, user, port, tls_port)
        # Dovecot gives no mailbox to root; run as somebody else it needs no root either.
        as_user, as_group = (user.pw_uid, user.pw_gid) if os.geteuid() == 0 else (None, None)
        command = ["/usr/sbin/dovecot", "-F", "-c", str(home / "dovecot.conf")]
        with subprocess.Popen(command, user=as_user, group=as_group) as process, _ending(process, port):
            yield MailServer("dovecot", port, tls_port, authority)
    finally:
        shutil.rmtree(home)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _write_dovecot_settings(home: Path, user: pwd.struct_passwd, port: int, tls_port: int) -> None:
    for name in ("run", "state", "mail", "keys/default/HS256"):
        (home / name).mkdir(parents=True)
    (home / "keys/default/HS256/default").write_bytes(base64.b64encode(TOKEN_SECRET.encode()))
    (home / "oauth2.conf").write_text(DOVECOT_OAUTH2.format(home=home))
    group = grp.getgrgid(user.pw_gid).gr_name
    named = {"user": user.pw_name, "group": group, "uid": user.pw_uid, "gid": user.pw_gid}
    settings = DOVECOT.format(home=home, port=port, tls_port=tls_port, password=PASSWORD, **named)
    (home / "dovecot.conf").write_text(settings)
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)


@contextmanager
def _ending(process: subprocess.Popen[bytes], port: int) -> Iterator[None]:
    """Wait until the process listens; end it, by its pid, in the end."""
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} does not listen on {port}")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(STARTUP_SECONDS)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _certify(folder: Path) -> trustme.CA:
    """A certificate for localhost in this folder, and the authority that issued it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return authority
