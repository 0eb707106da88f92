"""What a thread's row says of it, made of what was found and what the user said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from zena_sse.contract.events import Category, Classification, NextActionOwner, RiskLevel, Stage
from zena_sse.mail.content.message import cut
from zena_sse.mail.threadrows import find_row, publish_updated
from zena_sse.storage.port import Reader, Transaction
from zena_sse.triage.analysis.findings import Findings
from zena_sse.triage.corrections import NOTHING, Correction
from zena_sse.triage.risk import Risk

# Reasons kept with a thread, the telling ones first: nobody reads more.
REASONS = 10


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that triage writes; `evidence`, `features` and `risk_flags` are JSON lists."""

    classification: Classification | None = None
    category: Category | None = None
    next_action_owner: NextActionOwner | None = None
    settled: bool | None = None
    certain: bool | None = None
    confidence: float | None = None
    evidence: str | None = None
    features: str | None = None
    corrected: bool | None = None
    stage: Stage | None = None
    concern: str | None = None
    risk_level: RiskLevel | None = None
    risk_flags: str | None = None
    risk_reason: str | None = None
    property_id: str | None = None
    deal_id: str | None = None


class Stored(Judgement, frozen=True, kw_only=True):
    """A thread's judgement as it stands, and what else its next one needs."""

    subject: str
    version: int
    triaged_version: int
    last_message_at: datetime
    opinion: str | None  # JSON: what a model said at `opinion_version`
    opinion_version: int


def find_stored(reader: Reader, user_id: str, thread_id: str) -> Stored | None:
    """What a thread's row says."""
    return reader.one(
        Stored,
        "SELECT classification, category, next_action_owner, settled, certain, confidence, evidence,"
        " features, corrected, stage, concern, risk_level, risk_flags, risk_reason, property_id, deal_id,"
        " subject, version, triaged_version, last_message_at, opinion, opinion_version FROM threads"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )


def judge(findings: Findings, said: Correction) -> Judgement:
    """What was found, but for what the user said. Noise waits, whoever asks for what in it."""
    classification = said.classification or findings.classification
    noise = classification == "noise"
    category: Category = "waiting" if noise else said.category or findings.category
    return Judgement(
        classification=classification,
        category=category,
        next_action_owner="agent" if category == "focus" else "other",
        settled=category == "waiting" and (noise or findings.owing == "nobody"),
        certain=findings.certain,
        confidence=1.0 if said.classification is not None else round(findings.confidence, 3),
        evidence=as_json(cut(reason) for reason in findings.evidence[:REASONS]),
        features=as_json(findings.features),
        corrected=said != NOTHING,
        stage=None if noise else findings.stage,
        concern=None if noise or findings.concern is None else cut(findings.concern),
    )


def judge_nothing(said: Correction) -> Judgement:
    """Nothing could be found: what the user said is all there is."""
    category = "waiting" if said.classification == "noise" else said.category
    return Judgement(
        classification=said.classification,
        category=category,
        next_action_owner=None if category is None else "agent" if category == "focus" else "other",
        confidence=None if said.classification is None else 1.0,
        corrected=said != NOTHING,
    )


def with_risk(judgement: Judgement, risk: Risk) -> Judgement:
    """The same with its risk."""
    return msgspec.structs.replace(
        judgement, risk_level=risk.level, risk_flags=as_json(risk.flags), risk_reason=risk.reason
    )


def record_judgement(
    tx: Transaction, user_id: str, thread_id: str, version: int, judgement: Judgement
) -> None:
    """Store it: the thread is triaged at this version."""
    tx.execute(
        "UPDATE threads SET triaged_version = :version, classification = :classification,"
        " category = :category, next_action_owner = :next_action_owner, settled = :settled,"
        " certain = :certain, confidence = :confidence, evidence = :evidence, features = :features,"
        " corrected = :corrected, stage = :stage, concern = :concern, risk_level = :risk_level,"
        " risk_flags = :risk_flags, risk_reason = :risk_reason, property_id = :property_id,"
        " deal_id = :deal_id"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
        version=version,
        **msgspec.structs.asdict(judgement),
    )


def record_deal(tx: Transaction, user_id: str, thread_id: str, deal_id: str | None) -> None:
    """The thread belongs to this deal."""
    tx.execute(
        "UPDATE threads SET deal_id = :deal_id WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
        deal_id=deal_id,
    )


def publish_difference(
    tx: Transaction, user_id: str, thread_id: str, before: Judgement, command_id: str | None
) -> None:
    """Say how a thread stands now, if anybody could see the difference."""
    after, row = find_stored(tx, user_id, thread_id), find_row(tx, user_id, thread_id)
    if after is not None and row is not None and visible(after) != visible(before):
        publish_updated(tx, user_id, row, command_id=command_id)


def visible(judgement: Judgement) -> tuple[object, ...]:
    """What clients see of it."""
    return (
        judgement.classification,
        judgement.category,
        judgement.next_action_owner,
        judgement.confidence,
        judgement.evidence,
        bool(judgement.corrected),
        judgement.stage,
        judgement.concern,
        judgement.risk_level,
        judgement.risk_reason,
        judgement.property_id,
        judgement.deal_id,
    )


def as_json(texts: Iterable[str]) -> str:
    """A list as it is stored."""
    return msgspec.json.encode(list(texts)).decode()
