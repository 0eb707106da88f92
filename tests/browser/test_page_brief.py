"""The brief speaks as a chief of staff would: its grammar, and what in it is a link."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.complaints import Complaints
from tests.browser.desks import open_blank
from tests.e2e.programs import Serving

BRIEF = "async (standing) => (await import('/page/brief.js')).brief(standing)"


def waits(*names: str) -> list[dict[str, str]]:
    return [{"threadId": f"t{place}", "from": name} for place, name in enumerate(names)]


def cold(*deals: tuple[str | None, str]) -> list[dict[str, str | None]]:
    return [
        {"dealId": f"d{place}", "property": house, "party": party}
        for place, (house, party) in enumerate(deals)
    ]


KOWHAI = ("14 Kowhai Street, Ponsonby", "Anna Berg")
FINCH = ("46 Finch Street", "Gemma Farrelly")
FINCH_TOO = ("46 Finch Street", "Jasmine Reti")
HACKETT = ("73 Hackett Street, St Marys Bay", "Roger Tillotson")


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ({}, "Nothing needs you right now."),
        ({"owed": waits("Anna Berg")}, "Anna Berg is waiting for you."),
        ({"owed": waits("Anna Berg", "Bo")}, "Anna Berg and Bo are waiting for you."),
        ({"owed": waits(*"abcd")}, "Four people are waiting for you."),
        ({"owed": waits(*"abcdefghijkl")}, "Twelve people are waiting for you."),
        ({"owed": waits(*"abcdefghijklm")}, "13 people are waiting for you."),
        ({"owed": waits("Anna Berg", "anna berg", "Anna Berg")}, "Anna Berg is waiting for you."),
        (
            {"owed": waits(*"abcd"), "cold": cold(KOWHAI)},
            "Four people are waiting for you. 14 Kowhai Street is going cold.",
        ),
        (
            {"cold": cold(KOWHAI, FINCH)},
            "Nobody is waiting for you. 14 Kowhai Street and 46 Finch Street are going cold.",
        ),
        (
            {"cold": cold(KOWHAI, FINCH, HACKETT)},
            "Nobody is waiting for you. 14 Kowhai Street and two other deals are going cold.",
        ),
        (
            {"cold": cold(FINCH, FINCH_TOO)},
            "Nobody is waiting for you. 46 Finch Street with Gemma Farrelly and"
            " 46 Finch Street with Jasmine Reti are going cold.",
        ),
        (
            {"cold": cold((None, "Anna Berg"))},
            "Nobody is waiting for you. The deal with Anna Berg is going cold.",
        ),
        (
            {"cold": cold(KOWHAI, (None, "Anna Berg"))},
            "Nobody is waiting for you. 14 Kowhai Street and the deal with Anna Berg are going cold.",
        ),
        ({"overdue": 1}, "Nobody is waiting for you. One task is overdue."),
        ({"overdue": 2, "dueToday": 3}, "Nobody is waiting for you. Two tasks are overdue."),
        ({"dueToday": 1}, "Nobody is waiting for you. One task is due today."),
        ({"owed": waits(*"abc"), "dueToday": 3}, "Three people are waiting for you."),
        (
            {"owed": waits(*"abc"), "cold": cold(HACKETT), "overdue": 12},
            "Three people are waiting for you. 73 Hackett Street is going cold. Twelve tasks are overdue.",
        ),
    ],
)
def test_brief_is_a_sentence_or_two(
    server: Serving, page: Page, complaints: Complaints, standing: dict[str, Any], said: str
) -> None:
    open_blank(server, page, complaints)
    nothing: dict[str, Any] = {"owed": [], "cold": [], "overdue": 0, "dueToday": 0}
    pieces = page.evaluate(BRIEF, nothing | standing)
    assert "".join(piece["text"] for piece in pieces) == said


def test_who_and_what_is_named_is_a_link(server: Serving, page: Page, complaints: Complaints) -> None:
    open_blank(server, page, complaints)
    standing = {"owed": waits("Bo"), "cold": cold(KOWHAI, FINCH, HACKETT), "overdue": 2, "dueToday": 0}
    links = [piece for piece in page.evaluate(BRIEF, standing) if "href" in piece]
    assert links == [
        {"text": "Bo", "href": "#/thread/t0"},
        {"text": "14 Kowhai Street", "href": "#/deal/d0"},
        {"text": "two other deals", "href": "#/deals"},
        {"text": "Two tasks", "href": "#/tasks"},
    ]
