"""Which addresses a mail host may have."""

from __future__ import annotations

import pytest

from zena_sse.errors import HostNotAllowed, MailboxUnreachable
from zena_sse.security.addresses import caller_of, is_public, resolve, vetted_addresses

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104 - not to bind to, but to be refused
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_all_public_addresses_of_a_host_are_given_in_order() -> None:
    found = ["2606:4700::1111", "8.8.8.8"]
    assert vetted_addresses("mail.example", 993, allow_private=False, resolve=lambda *_: found) == found


def test_a_host_with_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(HostNotAllowed, match=r"mail\.example:993"):
        vetted_addresses("mail.example", 993, allow_private=False, resolve=lambda *_: ["8.8.8.8", "10.0.0.1"])


@pytest.mark.parametrize("spelling", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]", "::1"])
def test_no_spelling_of_this_machine_passes(spelling: str) -> None:
    with pytest.raises((HostNotAllowed, MailboxUnreachable)):
        vetted_addresses(spelling, 993, allow_private=False, resolve=resolve)


def test_private_addresses_pass_where_they_are_allowed() -> None:
    assert "127.0.0.1" in vetted_addresses("127.0.0.1", 993, allow_private=True, resolve=resolve)


@pytest.mark.parametrize("host", ["", "a..b", "x" * 64 + ".example", "mail.invalid"])
def test_a_host_that_does_not_exist_is_unreachable(host: str) -> None:
    def fail(host: str, port: int) -> list[str]:
        if host == "mail.invalid":
            raise OSError("Name or service not known")
        return resolve(host, port)

    with pytest.raises((MailboxUnreachable, HostNotAllowed)):
        vetted_addresses(host, 993, allow_private=False, resolve=fail)


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::7]:51234", "2001:db8:1:2::/64"),
        ("127.0.0.1", None),
        ("127.8.9.1:80", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("::1234", "::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_address_counts_for_one_caller_and_this_machine_for_none(address: str, caller: str | None) -> None:
    assert caller_of(address) == caller
