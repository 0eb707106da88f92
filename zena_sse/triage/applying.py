"""Applying what was found to the database: the thread's row, its property and people, its deal and tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

import msgspec

from zena_sse.storage.port import Transaction
from zena_sse.thresholds import RiskThresholds
from zena_sse.triage.analysis.findings import Findings
from zena_sse.triage.contacts import drop_contacts, erase_contacts, move_contacts, record_contacts
from zena_sse.triage.corrections import (
    Correction,
    drop_correction,
    erase_corrections,
    find_correction,
    move_correction,
    record_features,
)
from zena_sse.triage.judgement import (
    Judgement,
    Stored,
    find_stored,
    judge,
    judge_nothing,
    publish_difference,
    record_deal,
    record_judgement,
    with_risk,
)
from zena_sse.triage.opinion.merging import Opinion, merge_opinion
from zena_sse.triage.pending import Work
from zena_sse.triage.places import (
    Property,
    drop_mentions,
    drop_unused_property,
    erase_places,
    find_mentioned,
    record_mentions,
    settle_property,
)
from zena_sse.triage.risk import Standing, thread_risk
from zena_sse.triage.triaged import Triaged

# Rows removed of each table in one unit of work.
ERASED_A_UNIT = 100


def _no_deal(_tx: Transaction, _triaged: Triaged, _as_of: datetime) -> str | None:
    """Nobody keeps deals."""
    return None


def _no_tasks(_tx: Transaction, _triaged: Triaged) -> None:
    """Nobody keeps tasks."""


class Outcome(msgspec.Struct, frozen=True):
    """What was found in a thread that was read so; None: nothing could be."""

    work: Work
    findings: Findings | None


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """Under which threads are judged: for whom, at which moment, because of which command."""

    user_id: str
    own: AbstractSet[str]
    as_of: datetime
    command_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Applying:
    """Applies what was found; deals and tasks follow in the same unit.

    `follow_deal` gives the id of the deal that the thread belongs to; the thread's row still has the former.
    """

    thresholds: RiskThresholds
    follow_deal: Callable[[Transaction, Triaged, datetime], str | None] = _no_deal
    follow_tasks: Callable[[Transaction, Triaged], None] = _no_tasks

    def apply(self, tx: Transaction, given: Circumstances, outcomes: Sequence[Outcome]) -> None:
        """Apply to each thread, unless it has changed since it was read or was triaged by somebody else."""
        for outcome in outcomes:
            stored = find_stored(tx, given.user_id, outcome.work.thread_id)
            if stored is not None and stored.triaged_version < stored.version == outcome.work.version:
                self._apply_one(tx, given, outcome, stored)

    def _apply_one(self, tx: Transaction, given: Circumstances, outcome: Outcome, stored: Stored) -> None:
        thread_id = outcome.work.thread_id
        if outcome.findings is None:
            _give_up(tx, given, outcome.work, stored)
        else:
            triaged = self._record(tx, given, outcome.work, outcome.findings, stored)
            record_deal(tx, given.user_id, thread_id, self.follow_deal(tx, triaged, given.as_of))
            self.follow_tasks(tx, triaged)
        publish_difference(tx, given.user_id, thread_id, stored, given.command_id)

    def _record(
        self, tx: Transaction, given: Circumstances, work: Work, findings: Findings, stored: Stored
    ) -> Triaged:
        """The thread as triage leaves it, and everything of it but its deal and tasks in the database."""
        user_id, thread_id = given.user_id, work.thread_id
        said = find_correction(tx, user_id, thread_id)
        findings = _improved(findings, stored, said)
        judgement = judge(findings, said)
        noise = judgement.classification == "noise"  # it tells nothing of properties and people
        record_mentions(tx, user_id, thread_id, findings.mentions)
        if noise:
            drop_unused_property(tx, user_id, stored.property_id, thread_id)
            place = find_mentioned(tx, user_id, findings.mentions)
        else:
            place = settle_property(tx, user_id, findings.mentions, stored.subject, stored.property_id)
        contacts = record_contacts(tx, user_id, thread_id, () if noise else findings.contacts)
        judgement = msgspec.structs.replace(
            with_risk(judgement, thread_risk(_standing(judgement, stored), given.as_of, self.thresholds)),
            property_id=None if place is None else place.property_id,
            deal_id=stored.deal_id,
        )
        record_judgement(tx, user_id, thread_id, work.version, judgement)
        record_features(tx, user_id, thread_id, judgement.features or "[]")
        if stored.property_id != judgement.property_id:
            drop_unused_property(tx, user_id, stored.property_id, thread_id)
        return _triaged(given, work, findings, stored, judgement, place, contacts)


def drop_triage(tx: Transaction, user_id: str, thread_id: str) -> None:
    """A thread is gone: so is what was said and found of it. Its row is still there."""
    stored = find_stored(tx, user_id, thread_id)
    drop_correction(tx, user_id, thread_id)
    drop_mentions(tx, user_id, thread_id)
    drop_contacts(tx, user_id, thread_id)
    if stored is not None:
        drop_unused_property(tx, user_id, stored.property_id, thread_id)


def merge_triage(tx: Transaction, user_id: str, gone: str, into: str) -> None:
    """A thread is part of another, which will be triaged anew. Both rows are still there."""
    move_correction(tx, user_id, gone, into)
    move_contacts(tx, user_id, gone, into)
    drop_triage(tx, user_id, gone)


def erase_triage(tx: Transaction, user_id: str) -> bool:
    """Remove some of what triage keeps of a user; whether there may be more."""
    more = (
        erase_corrections(tx, user_id, ERASED_A_UNIT),
        erase_places(tx, user_id, ERASED_A_UNIT),
        erase_contacts(tx, user_id, ERASED_A_UNIT),
    )
    return any(more)


def _give_up(tx: Transaction, given: Circumstances, work: Work, stored: Stored) -> None:
    """Nothing is known of the thread but what the user said; its deal and property stay what they were."""
    judgement = msgspec.structs.replace(
        judge_nothing(find_correction(tx, given.user_id, work.thread_id)),
        property_id=stored.property_id,
        deal_id=stored.deal_id,
    )
    record_judgement(tx, given.user_id, work.thread_id, work.version, judgement)


def _improved(findings: Findings, stored: Stored, said: Correction) -> Findings:
    """The findings with what a model has said of the thread, if it was asked."""
    if stored.opinion is None:
        return findings
    opinion = msgspec.json.decode(stored.opinion, type=Opinion)
    current = stored.opinion_version == stored.version
    return merge_opinion(findings, opinion, said.classification, current=current)


def _standing(judgement: Judgement, stored: Stored) -> Standing:
    return Standing(
        classification=judgement.classification,
        next_action_owner=judgement.next_action_owner,
        settled=judgement.settled,
        concern=judgement.concern,
        last_message_at=stored.last_message_at,
    )


def _triaged(
    given: Circumstances,
    work: Work,
    findings: Findings,
    stored: Stored,
    judgement: Judgement,
    place: Property | None,
    contacts: dict[str, str],
) -> Triaged:
    if judgement.classification is None or judgement.category is None or judgement.next_action_owner is None:
        raise RuntimeError("what was found says what a thread is")
    by_agent = bool(work.messages) and work.messages[-1].sender.email in given.own
    return Triaged(
        user_id=given.user_id,
        thread_id=work.thread_id,
        subject=stored.subject,
        findings=findings,
        classification=judgement.classification,
        category=judgement.category,
        owner=judgement.next_action_owner,
        settled=bool(judgement.settled),
        stage=judgement.stage,
        concern=judgement.concern,
        property_id=None if place is None else place.property_id,
        property=None if place is None else place.shown,
        contacts=contacts,
        last_message_at=stored.last_message_at,
        last_side="agent" if by_agent else "other",
        command_id=given.command_id,
    )
