"""`/deals` and the snapshot's deals: one user's, the coldest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.databases import NOON
from tests.web.sites import MIA, NOAH, Site
from zena_sse.contract.events import Classification, Stage
from zena_sse.contract.moments import timestamp
from zena_sse.deals.assessing import assess_deals
from zena_sse.deals.following import follow_deal
from zena_sse.storage.port import Transaction
from zena_sse.tasks.following import suggest_follow_up
from zena_sse.triage.analysis.findings import Contact, Findings, Mention
from zena_sse.triage.judging import Case, Unjudged
from zena_sse.triage.triaged import Triaged


async def get(site: Site, path: str, user: str = MIA, status: int = 200) -> Any:
    """What a read answers."""
    response = await site.client.get(path, headers=site.bearer(user))
    assert response.status_code == status, await response.get_data(as_text=True)
    return await response.get_json()


async def make_deal(site: Site, subject: str, days: float = 0, user: str = MIA, **more: Any) -> str:
    """A deal that triage made of a thread, last heard of so many days ago, looked at now."""
    (thread_id,) = await site.receive(subject, user=user)
    now = NOON  # the mail is of that moment; a deal is not older than its mail
    settings: dict[str, Any] = {
        "user_id": user,
        "thread_id": thread_id,
        "subject": subject,
        "findings": Findings(
            classification="buyer",
            confidence=0.9,
            evidence=(),
            owing="other",
            contacts=(Contact("Ben", f"{subject}@b.example"),),
        ),
        "classification": "buyer",
        "category": "waiting",
        "owner": "other",
        "settled": False,
        "stage": "nurture",
        "concern": None,
        "property_id": None,
        "property": None,
        "contacts": {f"{subject}@b.example": "ct_1"},
        "last_message_at": now - timedelta(days=days),
        "last_side": "other",
    }
    triaged = Triaged(**settings | more)

    def follow(tx: Transaction) -> str | None:
        tx.execute(
            "UPDATE threads SET classification = 'buyer', next_action_owner = :owner, settled = FALSE,"
            " last_message_at = :at WHERE thread_id = :thread_id",
            owner=triaged.owner,
            at=timestamp(triaged.last_message_at),
            thread_id=thread_id,
        )
        deal_id = follow_deal(tx, triaged, now)
        partial(assess_deals, suggest=suggest_follow_up)(tx, user, now, site.settings.risk_thresholds)
        return deal_id

    deal_id = await site.zena.storage.write(follow)
    assert deal_id is not None
    return deal_id


async def test_deals_come_the_highest_risk_first_then_the_longest_silence(site: Site) -> None:
    made = {
        subject: await make_deal(site, subject, days)
        for subject, days in [("fresh", 0), ("old", 20), ("older", 30), ("cool", 4), ("cold", 6)]
    }
    deals = (await get(site, "/deals"))["deals"]
    expected = ["older", "old", "cold", "cool", "fresh"]
    assert [deal["dealId"] for deal in deals] == [made[subject] for subject in expected]
    assert [deal["riskLevel"] for deal in deals] == ["high", "high", "medium", "low", "none"]
    assert deals[0].keys() == {
        "dealId", "propertyId", "property", "side", "party", "contactId", "stage", "stageSince",
        "nextActionOwner", "summary", "riskLevel", "riskFlags", "riskReason", "concern", "lastMessageAt",
        "openedAt", "closedAt",
    }  # fmt: skip
    assert deals[0]["riskFlags"] == ["silence"]
    assert (await get(site, "/snapshot"))["deals"] == deals


async def test_pages_of_deals_are_all_deals(site: Site) -> None:
    for number in range(7):
        await make_deal(site, f"deal{number}", number * 2)
    await make_deal(site, "theirs", user=NOAH)
    whole, found, path = (await get(site, "/deals"))["deals"], list[Any](), "/deals?limit=3"
    while path:
        page = await get(site, path)
        found += page["deals"]
        path = page["next"] and f"/deals?limit=3&after={page['next']}"
    assert found == whole
    assert len(found) == 7


async def test_a_deal_has_its_timeline_and_its_threads(site: Site) -> None:
    deal_id = await make_deal(site, "Search", 6)
    deal = await get(site, f"/deals/{deal_id}")
    assert [(entry["kind"], entry["level"]) for entry in deal["timeline"]] == [
        ("opened", None),
        ("risk", "medium"),
    ]
    assert deal["timeline"][0]["threadId"] == deal["threads"][0]
    assert deal["timeline"][1]["reason"] == deal["riskReason"]


@pytest.mark.parametrize("path", ["/deals/{theirs}", "/deals/none"])
async def test_somebody_elses_deal_is_not_there(site: Site, path: str) -> None:
    theirs = await make_deal(site, "Search", user=NOAH)
    problem = await get(site, path.format(theirs=theirs), status=404)
    assert (problem["code"], problem["detail"]) == ("not_found", "There is no such deal.")
    assert (await get(site, "/deals"))["deals"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=x"])
async def test_a_page_that_cannot_be_is_refused(site: Site, query: str) -> None:
    assert (await get(site, f"/deals?{query}", status=400))["code"] == "invalid_query"


async def receive(site: Site, classification: Classification, stage: Stage | None = None) -> str:
    """A thread in which this is found, and a worry; all that follows a reading has followed."""
    found = Findings(
        classification=classification,
        confidence=0.9,
        evidence=(),
        owing="agent",
        stage=stage,
        concern="It is damp",
        mentions=(Mention("High Street", "12"),),
        contacts=(Contact("Ben", "ben@b.example"),),
    )

    async def judge(cases: Sequence[Case]) -> list[Findings | Unjudged]:
        return [found for _case in cases]

    site.zena.triage._analyse = judge
    (thread_id,) = await site.receive("House")
    await site.zena.watch.follow(MIA)
    return thread_id


async def correct(site: Site, thread_id: str, classification: Classification | None) -> Any:
    """The thread as the answer to a correction shows it."""
    response = await site.client.put(
        f"/threads/{thread_id}", headers=site.bearer(), json={"classification": classification}
    )
    assert response.status_code == 200
    return await response.get_json()


async def test_a_correction_that_is_taken_back_gives_back_the_deal_as_it_was_judged(site: Site) -> None:
    thread_id = await receive(site, "buyer", "offer")
    before = (await get(site, "/deals"))["deals"]
    assert [(deal["riskLevel"], deal["stage"]) for deal in before] == [("medium", "offer")]
    for classification in ("noise", "market", "lawyer_broker"):
        assert (await correct(site, thread_id, classification))["dealId"] is None
        assert (await get(site, "/deals"))["deals"] == []
    assert (await correct(site, thread_id, None))["dealId"] == before[0]["dealId"]
    assert (await get(site, "/deals"))["deals"] == before


async def test_a_deal_that_a_correction_opens_is_judged_at_once(site: Site) -> None:
    thread_id = await receive(site, "market")
    assert (await get(site, "/deals"))["deals"] == []
    await correct(site, thread_id, "buyer")
    (deal,) = (await get(site, "/deals"))["deals"]
    assert (deal["riskLevel"], deal["riskReason"]) == ("medium", "Concern: “It is damp”")


async def test_erasing_a_user_erases_the_deals(site: Site) -> None:
    await make_deal(site, "Search", 6)
    response = await site.client.delete("/me", headers=site.bearer())
    assert response.status_code == 204
    left = await site.zena.storage.read(
        lambda reader: reader.one(int, "SELECT (SELECT COUNT(*) FROM deals) + (SELECT COUNT(*) FROM tasks)")
    )
    assert left == 0
