"""Whether the mail has an answer at all, told by what is firmly said, only asked, and still to come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.kinds import TYPED
from zena_sse.ask.embedded.ranking import models
from zena_sse.ask.embedded.statements import Statement
from zena_sse.ask.embedded.weighing import Facts, Scored
from zena_sse.triage.analysis.dates import deadlines

# Statements that are looked at for whether they answer.
BEST = 5
# A reply covers a question if it has so much of what the question has.
REPLIED = 0.5
# What a sentence counts for a question that its neighbours make.
NEIGHBOURS = 0.8

# What speaks for an answer and what against one. Training keeps each on its side: what a few hundred
# questions say beyond that is how they were made up.
FOR = (
    "top_solid", "mean_solid", "most_solid", "sure_all", "margin", "top_typed", "mean_typed",
    "mean_typed_near", "mean_typed_key", "mean_key_around", "mean_answers", "mean_names", "top_said_by",
    "mean_said_by", "top_said_here", "mean_said_here", "top_said_typed", "mean_said_typed",
    "top_settled", "mean_settled", "firm_here", "firm_around", "firm_key", "firm_key_around",
    "firm_typed_here", "firm_typed_around", "firm_typed_key", "typed_more", "put_replied",
    "replied_typed", "wishes_said_by",
)  # fmt: skip
AGAINST = (
    "mean_asks", "top_asks", "mean_open", "top_open", "mean_coming", "mean_ahead", "top_pending",
    "mean_pending", "mean_untyped", "top_untyped", "mean_person_missing", "mean_house_missing",
    "mean_noise", "mean_automatic", "past_ahead", "past_coming", "past_open", "untyped_asks",
    "asked_more", "soft_more", "key_more", "put_unanswered", "put_put_off",
)  # fmt: skip
# How a question is put says how often questions like it can be answered.
EITHER = (*(f"asks_{kind}" for kind in (*sorted(TYPED), "yesno")), "asks_happened", "asks_status")


def is_found(material: Material, everything: Sequence[Scored]) -> bool:
    """Whether the best of the ranked statements answer."""
    return bool(everything) and models().found.score(found_facts(material, everything)) >= models().least


def found_facts(material: Material, everything: Sequence[Scored]) -> Facts:
    """What tells whether the best statements answer: the numbers `FOR`, `AGAINST` and `EITHER` name."""
    facts = (
        _best(material, everything) | _said_and_asked([one.facts for one in everything]) | _put(everything)
    )
    facts |= {f"asks_{kind}": float(kind in material.asked.wants) for kind in (*TYPED, "yesno")}
    cues = material.asked.cues
    facts["asks_happened"] = float("happened" in cues)
    facts["asks_status"] = float(material.asked.intent == "status")
    for name in ("ahead", "coming", "open"):
        facts[f"past_{name}"] = facts[f"mean_{name}"] * ("past" in cues)
    facts["wishes_said_by"] = facts["mean_said_by"] * ("wishes" in cues)
    facts["untyped_asks"] = facts["mean_asks"] * (1 - facts["mean_typed"])
    return {name: facts[name] for name in (*FOR, *AGAINST, *EITHER)}


def _best(material: Material, everything: Sequence[Scored]) -> Facts:
    """The likeliest statements: the first of them, and their mean."""
    best = everything[:BEST]
    total = sum(one.chance for one in best)
    facts = {"sure_all": math.log(total), "margin": best[0].chance / total}
    for name in best[0].facts:
        facts[f"top_{name}"] = best[0].facts[name]
        facts[f"mean_{name}"] = sum(one.facts[name] * one.chance for one in best) / total
    facts["most_solid"] = max(one.facts["solid"] for one in best)
    facts["mean_ahead"] = sum(_is_ahead(material, one.statement) * one.chance for one in best) / total
    return facts


def _said_and_asked(everything: Sequence[Mapping[str, float]]) -> Facts:
    """How well the mail covers the question by what is firmly said, said of what is to come, and asked."""
    right = [one for one in everything if not (one["house_missing"] or one["person_missing"] or one["noise"])]
    firm = [one for one in right if one["firm"]]
    soft = [one for one in right if not one["asks"] and not one["firm"]]
    asked = [one for one in everything if one["asks"]]
    names = ("here", "around", "key", "key_around", "typed_here", "typed_around", "typed_key")
    facts = {f"firm_{name}": _most(name, firm) for name in names}
    facts["asked_more"] = _most("here", asked) - facts["firm_here"]
    facts["soft_more"] = _most("here", soft) - facts["firm_here"]
    facts["key_more"] = max(_most("key", asked), _most("key", soft)) - facts["firm_key"]
    typed = any(one["typed"] or one["untyped"] for one in everything)
    facts["typed_more"] = typed * (facts["firm_typed_here"] - max(_most("here", asked), _most("here", soft)))
    facts["replied_typed"] = max((one["answers"] * (1 - one["untyped"]) for one in firm), default=0.0)
    return facts


def _most(name: str, ones: Sequence[Mapping[str, float]]) -> float:
    return max((one[name] for one in ones), default=0.0)


def _put(everything: Sequence[Scored]) -> Facts:
    """How well somebody's question in the mail is the one asked now, and what became of it."""
    put = max((one for one in everything if one.statement.asks), key=_size, default=None)
    if put is None:
        return {"put_unanswered": 0.0, "put_put_off": 0.0, "put_replied": 0.0}
    replies = [
        one
        for one in everything
        if one.statement.thread == put.statement.thread
        and one.statement.message.date > put.statement.message.date
        and one.statement.own != put.statement.own
    ]
    replied = any(one.facts["firm"] and _size(one) >= REPLIED * _size(put) for one in replies)
    put_off = any(not one.facts["firm"] and one.facts["message"] > 0 for one in replies)
    return {
        "put_unanswered": _size(put) * (not replies),
        "put_put_off": _size(put) * (put_off and not replied),
        "put_replied": _size(put) * replied,
    }


def _size(one: Scored) -> float:
    return max(one.facts["here"], NEIGHBOURS * one.facts["around"])


def _is_ahead(material: Material, one: Statement) -> bool:
    """It names a day that is still to come."""
    return any(found.day > material.now.date() for found in deadlines(one.text, one.sent))
