"""Conversations: lists follow what happens, one opens beside them, and what it is can be corrected."""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import Any

from playwright.sync_api import BrowserContext, Route, ViewportSize, expect

from tests.browser.complaints import Complaints
from tests.browser.desks import heading_of, open_desk, row, section, until_live
from tests.browser.sites import MIA, Site

PHONE: ViewportSize = {"width": 360, "height": 740}


def deliver(site: Site, subject: str, text: str, sender: str = "Tom Ngata <tom@ngata.example>") -> None:
    """New mail comes, and the mailbox is read."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "Mia Tane <mia@harbourrealty.example>"
    message["Date"] = "Fri, 20 Nov 2026 08:30:00 +1300"
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash(subject + text))}@ngata.example>"
    message.set_content(text)
    (site.mailbox / "INBOX" / f"{abs(hash(text))}.eml").write_bytes(message.as_bytes())
    site.post("/commands/sync.request", MIA, {})


def threads_of(site: Site, **fields: str) -> list[dict[str, Any]]:
    every = site.get("/threads?limit=200", MIA).json()["threads"]
    return [thread for thread in every if all(thread[name] == value for name, value in fields.items())]


def test_mail_that_arrives_is_in_the_list_without_a_reload(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    deliver(
        site, "Offer for 12 Kowhai Street", "Hi Mia, can you send me the contract for 12 Kowhai Street today?"
    )
    expect(page.get_by_role("heading", level=1)).to_contain_text("34 people are waiting for you.")
    section(page, "Focus").get_by_role("button", name="Show more").click()
    expect(row(page, "Tom Ngata")).to_be_visible()
    deliver(site, "Keys", "Hi Mia, could you tell me today where the keys are?", "Ann Lee <ann@lee.example>")
    expect(row(page, "Ann Lee")).to_be_visible()


def test_opening_a_thread_shows_its_messages_and_marks_it_read_in_every_tab(
    site: Site, context: BrowserContext
) -> None:
    page, other = open_desk(site, context), open_desk(site, context)
    unread = row(other, "Warren Pickard").get_by_text("Unread.")
    expect(unread).to_be_attached()
    row(page, "Warren Pickard").click()
    expect(heading_of(page)).to_have_text("2/14 Larchwood Avenue")
    expect(heading_of(page)).to_be_focused()
    expect(page.get_by_text("I note the phone has not rung.").last).to_be_visible()
    expect(page.locator(".message")).to_have_count(4)
    expect(unread).not_to_be_visible()


def test_older_messages_are_folded_and_quotes_behind_them(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    row(page, "Warren Pickard").click()
    expect(page.locator(".message[open]")).to_have_count(1)
    page.locator(".message").nth(2).click()
    expect(page.get_by_text("I expect a phone call by Friday.").last).to_be_visible()
    quote = page.get_by_text("Good morning Warren, nice to meet you").last
    expect(quote).not_to_be_visible()
    page.get_by_text("Earlier text").click()
    expect(quote).to_be_visible()


def test_a_message_is_shown_as_it_was_sent_when_asked_for(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    [thread] = threads_of(site, subject="Buyer client for 12 Kōwhai Street")
    page.evaluate("(id) => { location.hash = `#/thread/${id}`; }", thread["threadId"])
    page.get_by_role("button", name="Show as sent").last.click()
    expect(page.frame_locator(".mail-frame iframe").locator("#mail")).to_contain_text("unconditional")
    page.get_by_role("button", name="Show as text").click()
    expect(page.locator(".mail-frame")).to_have_count(0)


def test_new_mail_appears_in_the_thread_that_is_open(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    deliver(site, "Fence at 9 Elm Street", "Hi Mia, who pays for the fence at 9 Elm Street?")
    section(page, "Focus").get_by_role("button", name="Show more").click()
    row(page, "Tom Ngata").click()
    expect(page.locator(".message")).to_have_count(1)
    deliver(site, "Re: Fence at 9 Elm Street", "Hi Mia, still no word about the fence?")
    expect(page.locator(".message")).to_have_count(2)
    expect(page.get_by_text("still no word about the fence").last).to_be_visible()


def test_a_correction_moves_the_thread_and_stands(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    row(page, "Warren Pickard").click()
    page.get_by_text("Not right?").click()
    page.get_by_label("Who has the next move?").select_option("Somebody else (Waiting)")
    expect(page.get_by_text("Corrected by you")).to_be_visible()
    expect(section(page, "Waiting").locator(".row", has_text="Warren Pickard")).to_be_visible()
    expect(section(page, "Focus").locator(".row", has_text="Warren Pickard")).to_have_count(0)
    page.get_by_label("What is it?").select_option("Vendor")
    expect(page.locator(".facts", has_text="Vendor").first).to_be_visible()
    [thread] = threads_of(site, **{"from": "Warren Pickard"})
    assert (thread["classification"], thread["category"]) == ("vendor", "waiting")


def test_a_correction_that_is_refused_says_so(
    site: Site, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("422 .*/threads/")
    page = open_desk(site, context)
    refusal = {
        "title": "No.",
        "status": 422,
        "code": "invalid_payload",
        "retryable": False,
        "detail": "Not so.",
    }
    context.route(
        "**/threads/*",
        lambda route: (
            route.fulfill(status=422, json=refusal) if route.request.method == "PUT" else route.fallback()
        ),
    )
    row(page, "Warren Pickard").click()
    page.get_by_text("Not right?").click()
    page.get_by_label("What is it?").select_option("Noise")
    expect(page.locator(".toast")).to_contain_text("That could not be noted. Not so.")
    page.get_by_label("What is it?").blur()
    expect(page.get_by_label("What is it?")).to_have_value("buyer")


def test_a_thread_that_is_not_there_says_so(
    site: Site, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("404 .*/threads/")
    page = open_desk(site, context, "#/thread/th_nothing")
    expect(heading_of(page)).to_have_text("This conversation is gone")


def test_focus_and_place_are_kept_on_the_way_back(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    page.set_viewport_size(PHONE)
    link = row(page, "Nicole Ashby").get_by_role("link")
    link.click()
    expect(page.locator("#list")).not_to_be_visible()
    page.get_by_role("link", name="Today").first.click()
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()


def test_keys_walk_the_list_open_and_close(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    links = page.locator("#list a.row-link")
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(links.nth(place)).to_be_focused()
    page.keyboard.press("Enter")
    expect(heading_of(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).not_to_be_visible()
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()


def test_a_deal_shows_stage_risk_and_timeline(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context, "#/deals")
    row(page, "73 Hackett Street").click()
    expect(heading_of(page)).to_have_text("73 Hackett Street")
    expect(page.locator(".stage")).to_have_text("Qualified, step 2 of 7")
    expect(page.locator("#detail .notice")).to_contain_text("Nothing from Roger Tillotson")
    expect(page.locator(".timeline li")).to_have_count(3)
    section(page, "Conversations").get_by_role("link").click()
    expect(heading_of(page)).to_have_text("Appraisal")


def test_a_house_in_the_brief_opens_its_deal(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    page.get_by_role("heading", level=1).get_by_role("link", name="73 Hackett Street").click()
    expect(heading_of(page)).to_have_text("73 Hackett Street")


def test_without_a_network_it_says_since_when_and_reads_on(
    site: Site, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("net::ERR_INTERNET_DISCONNECTED")
    page = open_desk(site, context)
    row(page, "Warren Pickard").click()
    expect(page.locator(".message")).to_have_count(4)
    page.keyboard.press("Escape")
    context.set_offline(True)
    expect(page.locator("#line")).to_have_text(re.compile(r"^Offline since \d\d:\d\d\.$"))
    row(page, "Warren Pickard").click()
    expect(page.get_by_text("As this device has it")).to_be_visible()
    expect(page.locator(".message")).to_have_count(4)
    context.set_offline(False)
    until_live(page)
    expect(page.get_by_text("As this device has it")).not_to_be_visible()


def test_what_a_row_misses_is_read_once_it_is_on_the_screen(site: Site, context: BrowserContext) -> None:
    def leave_out(route: Route) -> None:
        answer = route.fetch()
        snapshot = answer.json()
        snapshot["threads"] = [one for one in snapshot["threads"] if one["from"] != "Warren Pickard"]
        route.fulfill(response=answer, json=snapshot)

    context.route("**/snapshot", leave_out)
    page = open_desk(site, context)
    [thread] = threads_of(site, **{"from": "Warren Pickard"})
    expect(row(page, "Nicole Ashby")).to_be_visible()
    assert row(page, "Warren Pickard").count() == 0
    site.post("/commands/thread.view", MIA, {"threadId": thread["threadId"]})
    page.evaluate(
        "([path, body]) => fetch(path, {method: 'PUT', headers: {'content-type': 'application/json'}, body})",
        [f"/threads/{thread['threadId']}", '{"category": "waiting"}'],
    )
    expect(row(page, "Warren Pickard")).to_be_visible()
    expect(row(page, "Warren Pickard").locator(".what")).to_contain_text("Larchwood")


def test_news_that_the_server_does_not_have_are_asked_for_once(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    row(page, "Warren Pickard").click()
    expect(page.locator(".message")).to_have_count(4)
    [thread] = threads_of(site, **{"from": "Warren Pickard"})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    told = {name: thread[name] for name in ("threadId", "classification", "category", "nextActionOwner")}
    news = {"type": "thread.updated", "payload": told | {"messageCount": 99}}
    done = {"type": "task.created", "payload": {"taskId": "k", "label": "Told", "source": "email"}}
    site.post(f"/users/{MIA}/events", "crm", [news, news, done], role="publisher")
    # The toast comes a second after, and each frame until then could have asked again.
    expect(page.locator(".toast", has_text="Told")).to_be_visible()
    assert len([url for url in asked if url.endswith(thread["threadId"])]) == 1
