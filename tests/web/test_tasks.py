"""`task.create`, `task.complete`, `/tasks` and the snapshot's tasks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.sites import MIA, NOAH, Site


async def post(site: Site, command: str, payload: object, key: str | None = None, user: str = MIA) -> Any:
    """The response to a command."""
    headers = site.bearer(user) | ({"Idempotency-Key": key} if key else {})
    return await site.client.post(f"/commands/{command}", headers=headers, json=payload)


async def create(site: Site, label: str = "Order a sign", user: str = MIA, **more: Any) -> str:
    """A new task's id."""
    response = await post(site, "task.create", {"label": label} | more, user=user)
    assert response.status_code == 202, await response.get_data(as_text=True)
    return str((await response.get_json())["result"]["taskId"])


async def get(site: Site, path: str = "/tasks", status: int = 200, user: str = MIA) -> Any:
    """What a read answers."""
    response = await site.client.get(path, headers=site.bearer(user))
    assert response.status_code == status, await response.get_data(as_text=True)
    return await response.get_json()


async def test_a_task_is_created_listed_completed(site: Site) -> None:
    task_id = await create(site, dueDate="2020-02-29")
    (task,) = (await get(site))["tasks"]
    assert task.keys() == {
        "taskId", "label", "dueDate", "overdue", "source", "evidence", "threadId", "dealId", "propertyId",
        "contactId", "createdAt", "completedAt",
    }  # fmt: skip
    assert (task["taskId"], task["dueDate"], task["overdue"]) == (task_id, "2020-02-29", True)
    assert (
        (await get(site, "/snapshot"))["tasks"]
        == (await get(site, "/tasks?status=overdue"))["tasks"]
        == [task]
    )
    assert (await post(site, "task.complete", {"taskId": task_id})).status_code == 202
    assert (await get(site))["tasks"] == (await get(site, "/snapshot"))["tasks"] == []
    (done,) = (await get(site, "/tasks?status=completed"))["tasks"]
    assert (done["taskId"], done["overdue"]) == (task_id, False)
    assert done["completedAt"] is not None


async def test_the_same_key_makes_one_task(site: Site) -> None:
    answers = [await post(site, "task.create", {"label": "Order a sign"}, key="k") for _ in range(2)]
    assert await answers[0].get_json() == await answers[1].get_json()
    assert len((await get(site))["tasks"]) == 1


async def test_pages_of_tasks_are_all_tasks(site: Site) -> None:
    for number in range(7):
        await create(site, f"Task {number}", **({"dueDate": "2030-01-01"} if number % 2 else {}))
    whole, found, path = (await get(site))["tasks"], list[Any](), "/tasks?limit=3"
    while path:
        page = await get(site, path)
        found += page["tasks"]
        path = page["next"] and f"/tasks?limit=3&after={page['next']}"
    assert found == whole
    assert len(found) == 7


@pytest.mark.parametrize("field", ["dealId", "propertyId", "contactId"])
async def test_a_link_to_what_is_not_ones_own_is_not_found(site: Site, field: str) -> None:
    response = await post(site, "task.create", {"label": "Order a sign", field: "theirs"})
    assert response.status_code == 404


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"label": ""},
        {"label": " \u00a0 "},
        {"label": "a\nb"},
        {"label": "a\u0000b"},
        {"label": "a\u2028b"},
        {"label": "x" * 501},
        {"label": "x", "dueDate": "2026-02-30"},
        {"label": "x", "dueDate": "tomorrow"},
        {"label": "x", "priority": 1},
    ],
)
async def test_what_is_no_task_is_refused(site: Site, payload: dict[str, Any]) -> None:
    response = await post(site, "task.create", payload)
    assert (response.status_code, (await response.get_json())["code"]) == (422, "invalid_payload")
    assert (await get(site))["tasks"] == []


async def test_somebody_elses_task_is_neither_seen_nor_completed(site: Site) -> None:
    theirs = await create(site, user=NOAH)
    for task_id in (theirs, "none"):
        assert (await post(site, "task.complete", {"taskId": task_id})).status_code == 404
    assert (await get(site, "/tasks?status=all"))["tasks"] == []
    assert len((await get(site, user=NOAH))["tasks"]) == 1


@pytest.mark.parametrize("query", ["status=late", "limit=0", "limit=201", "after=x"])
async def test_a_page_that_cannot_be_is_refused(site: Site, query: str) -> None:
    assert (await get(site, f"/tasks?{query}", status=400))["code"] == "invalid_query"
