"""Tasks: ticked at once, taken back if refused, done later without a network; and one is added."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import BrowserContext, expect

from tests.browser.complaints import Complaints
from tests.browser.desks import open_desk, row, section, until_live
from tests.browser.sites import MIA, Site
from tests.e2e.programs import wait_until
from zena_sse.contract.events import DealRisk, TaskCreated

LABEL = "Ring the Council by Wednesday"


def open_labels(site: Site) -> list[str]:
    answer: dict[str, Any] = site.get("/tasks?status=open&limit=200", MIA).json()
    return [task["label"] for task in answer["tasks"]]


def test_a_task_that_is_ticked_is_done_in_every_tab(site: Site, context: BrowserContext) -> None:
    page, other = open_desk(site, context, "#/tasks"), open_desk(site, context, "#/tasks")
    row(page, LABEL).get_by_role("checkbox").check()
    for tab in (page, other):
        expect(section(tab, "Done").locator(".row", has_text=LABEL)).to_be_visible()
    assert LABEL not in open_labels(site)


def test_a_task_that_cannot_be_completed_comes_back_with_a_word(
    site: Site, context: BrowserContext, complaints: Complaints
) -> None:
    page = open_desk(site, context, "#/tasks")
    refusal = {"title": "No.", "status": 403, "code": "forbidden", "retryable": False, "detail": "Not you."}

    context.route(
        "**/commands?*",
        lambda route: route.fulfill(
            json=[
                {"commandId": one["commandId"], "status": 403, "problem": refusal}
                for one in route.request.post_data_json
            ]
        ),
    )
    row(page, LABEL).get_by_role("checkbox").click()
    expect(page.locator(".toast")).to_contain_text("could not be completed. Not you.")
    expect(row(page, LABEL).get_by_role("checkbox")).not_to_be_checked()
    expect(section(page, "Later").locator(".row", has_text=LABEL)).to_be_visible()


def test_a_task_is_ticked_without_a_network_and_sent_later(
    site: Site, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("net::ERR_INTERNET_DISCONNECTED")
    page = open_desk(site, context, "#/tasks")
    context.set_offline(True)
    expect(page.locator("#line")).to_contain_text("Offline since")
    row(page, LABEL).get_by_role("checkbox").check()
    expect(section(page, "Done").locator(".row", has_text=LABEL)).to_be_visible()
    expect(page.locator("#pending")).to_have_text("One change waits to be sent")
    assert LABEL in open_labels(site)
    context.set_offline(False)
    until_live(page)
    wait_until(lambda: LABEL not in open_labels(site), "the task to be done")
    expect(page.locator("#pending")).to_have_text("")
    expect(section(page, "Done").locator(".row", has_text=LABEL)).to_be_visible()


def test_a_task_that_is_added_is_in_the_list(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context, "#/tasks")
    page.get_by_label("New task").fill("Order the signboard")
    page.get_by_label("Due date").fill("2026-11-25")
    page.get_by_role("button", name="Add").click()
    added = section(page, "Later").locator(".row", has_text="Order the signboard")
    expect(added).to_contain_text(re.compile("Due (Wednesday|25 Nov)"))
    expect(page.get_by_label("New task")).to_be_focused()
    expect(page.locator(".toast")).to_have_count(0)


def test_news_are_told_and_bursts_of_them_together(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    deal = next(deal for deal in site.get("/deals", MIA).json()["deals"] if deal["riskLevel"] == "none")
    reason = "Nothing from them for 20 days"
    site.publish(
        DealRisk(deal_id=deal["dealId"], risk_level="high", risk_flags=["silence"], risk_reason=reason)
    )
    expect(page.locator(".toast")).to_contain_text(f"high risk. {reason}")
    page.locator(".toast").get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"#/deal/{deal['dealId']}$"))
    expect(page.locator(".toast")).to_have_count(0)
    site.publish(*(TaskCreated(task_id=f"k{n}", label=f"Task {n}", source="email") for n in range(5)))
    expect(page.locator(".toast")).to_have_text(re.compile("^Five new tasks"))
