"""A model's opinion of a thread, as it is kept, and what it changes in what was found without it."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from zena_sse.contract.events import Classification, Stage
from zena_sse.triage.analysis.analyse import DEALING
from zena_sse.triage.analysis.findings import Ask, Findings, Owing, Role

# How sure one can be where model and analysis differ: models are right more often, but none is always.
DIFFERING = 0.8
REASON = "as a language model reads it"


class Opinion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model says of a thread, as far as it is believed; `concern` unset: what it said is not."""

    classification: Classification
    owing: Owing
    stage: Stage | None = None
    concern: str | UnsetType | None = UNSET
    tasks: tuple[Ask, ...] = ()


def merge_opinion(
    findings: Findings, opinion: Opinion, said: Classification | None, *, current: bool
) -> Findings:
    """The findings with a model's opinion. `said` is what the user says of the thread, and wins.

    When there has been mail since (not `current`) only the classification stays: whose business a thread is
    does not change with every mail, and a deal must not come and go until the model has been asked again.
    """
    if findings.certain or said not in (None, opinion.classification):
        return findings
    classified = _classified(findings, opinion.classification)
    if not current or opinion.classification == "noise":
        return classified
    dealing = opinion.classification in DEALING
    stage = (opinion.stage or classified.stage) if dealing else None
    return msgspec.structs.replace(
        classified,
        owing=opinion.owing,
        stage=stage,
        stage_at=classified.stage_at if stage == classified.stage else None,
        stage_reason=classified.stage_reason if stage == classified.stage else "",
        concern=(classified.concern if opinion.concern is UNSET else opinion.concern) if dealing else None,
        asks=opinion.tasks if opinion.owing == "agent" else (),
    )


def _classified(findings: Findings, classification: Classification) -> Findings:
    """The findings, if this is what the thread is."""
    if classification == findings.classification:
        return findings
    differing = msgspec.structs.replace(
        findings, classification=classification, confidence=DIFFERING, evidence=(REASON,)
    )
    if classification == "noise":
        return msgspec.structs.replace(
            differing,
            owing="nobody",
            stage=None,
            stage_at=None,
            stage_reason="",
            concern=None,
            contacts=(),
            asks=(),
        )
    dealing = classification in DEALING
    role: Role = "other" if classification == "lawyer_broker" else classification
    return msgspec.structs.replace(
        differing,
        # In what is taken for noise nobody looked for who owes what: better looked at once too often.
        owing="agent" if findings.classification == "noise" else findings.owing,
        stage=findings.stage if dealing else None,
        concern=findings.concern if dealing else None,
        contacts=tuple(msgspec.structs.replace(contact, role=role) for contact in findings.contacts),
    )
