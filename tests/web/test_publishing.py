"""Other back-end services publish: who may, what they may, all or none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.web.sites import MIA, NOAH, Site

VIEWED = {
    "type": "thread.viewed",
    "payload": {"threadId": "t", "viewedAt": "2026-11-20T12:00:00Z", "by": "x"},
}
TYPING = {"type": "typing.started", "payload": {"by": "x", "where": "t"}}


async def post(site: Site, body: object, user: str = MIA, role: Any = "publisher") -> tuple[int, Any]:
    """Status and answer."""
    response = await site.client.post(
        f"/users/{user}/events", headers=site.bearer("service", role), json=body
    )
    return response.status_code, await response.get_json()


async def test_an_event_is_published_on_the_users_stream(site: Site) -> None:
    epoch = await site.epoch()
    async with site.client.request("/events", headers=site.bearer()) as connection:
        await connection.send_complete()
        await connection.receive()
        assert await post(site, VIEWED) == (202, {"cursor": f"{epoch}-1"})
        assert f"id: {epoch}-1\n".encode() in await connection.receive()
        assert await post(site, TYPING) == (202, {"cursor": f"{epoch}-1"})
        assert b"typing.started" in await connection.receive()
        await connection.disconnect()


async def test_a_list_arrives_in_its_order_whatever_is_kept_of_it(site: Site) -> None:
    epoch = await site.epoch()
    async with site.client.request("/events", headers=site.bearer()) as connection:
        await connection.send_complete()
        await connection.receive()
        await site.caught_up()
        elsewhere = {"type": "typing.started", "payload": {"by": "x", "where": "u"}}
        events = [TYPING, VIEWED, VIEWED, elsewhere, VIEWED]
        assert await post(site, events) == (202, {"cursor": f"{epoch}-3"})
        received = b""
        while received.count(b"\n\n") < 5:
            received += await connection.receive()
        found = re.findall(rb"^event: (.+)$", received, re.MULTILINE)
        assert [name.decode() for name in found] == [
            "typing.started",
            "thread.viewed",
            "thread.viewed",
            "typing.started",
            "thread.viewed",
        ]
        assert re.findall(rb"^id: .+-(\d+)$", received, re.MULTILINE) == [b"1", b"2", b"3"]
        await connection.disconnect()


async def test_a_list_of_a_hundred_is_published_in_order_and_one_more_is_refused(site: Site) -> None:
    epoch = await site.epoch()
    assert await post(site, [VIEWED] * 100) == (202, {"cursor": f"{epoch}-100"})
    for wrong in ([VIEWED] * 101, []):
        status, problem = await post(site, wrong)
        assert (status, problem["code"]) == (422, "invalid_payload")
    assert (await site.zena.log.page(MIA, 0)).position.head == 100


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "stream.closing", "payload": {"reason": "draining"}}, "unknown_event"),
        ({"type": "stream.ping", "payload": {"cursor": "x-1"}}, "unknown_event"),
        ({"type": "no.such", "payload": {}}, "unknown_event"),
        ({"type": "thread.viewed", "payload": {}}, "invalid_payload"),
        ({"type": "thread.viewed", "payload": VIEWED["payload"], "id": "x"}, "invalid_payload"),
        (
            {"type": "sync.error", "payload": {"accountId": "a", "error": "x" * 70_000, "fatal": True}},
            "event_too_large",
        ),
    ],
)
async def test_one_bad_event_of_a_list_and_none_is_published(
    site: Site, event: dict[str, object], code: str
) -> None:
    await site.epoch()
    for body in (event, [VIEWED, TYPING, event, VIEWED]):
        status, problem = await post(site, body)
        assert (status, problem["code"]) == (422, code)
    assert (await site.zena.log.page(MIA, 0)).position.head == 0


async def test_only_services_publish(site: Site) -> None:
    await site.epoch()
    status, problem = await post(site, VIEWED, role="agent")
    assert (status, problem["code"]) == (403, "forbidden")
    own = await site.client.post(f"/users/{MIA}/events", headers=site.bearer(MIA), json=VIEWED)
    assert own.status_code == 403
    assert (await site.client.post(f"/users/{MIA}/events", json=VIEWED)).status_code == 401
    assert (await post(site, VIEWED, role="operator"))[0] == 403, "an operator is who has the socket"


async def test_an_unknown_user_is_404_and_does_not_come_into_being(site: Site) -> None:
    for user in (NOAH, "nobody%20", "%ff", "a" * 500):
        status, problem = await post(site, VIEWED, user=user)
        assert (status, problem["code"]) == (404, "not_found")
    assert (await post(site, VIEWED, user=NOAH))[0] == 404


async def test_ids_of_identity_providers_reach_their_stream(site: Site) -> None:
    await site.epoch("auth0|5f2c@x.example")
    assert (await post(site, VIEWED, user="auth0%7C5f2c@x.example"))[0] == 202
