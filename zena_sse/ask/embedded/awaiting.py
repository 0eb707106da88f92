"""Whether something has happened, where the mail only says that it is to come: "not yet" is an answer."""

from __future__ import annotations

from collections.abc import Sequence

from zena_sse.ask.embedded.asked import found
from zena_sse.ask.embedded.choosing import LOOKED_AT
from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.statements import Statement
from zena_sse.ask.embedded.weighing import Scored
from zena_sse.ask.embedded.words import folded

NOT_YET = "Not yet, as far as your mail says."
# So much of what is asked must stand together in the mail for "not yet" to be about it.
COVERED = 0.5


def last_word(material: Material, everything: Sequence[Scored]) -> Statement | None:
    """The last word of the thread about what is asked to have happened, if it still awaits that."""
    if "happened" not in material.asked.cues or not everything:
        return None
    about = max(everything[:LOOKED_AT], key=_fit)
    inside = [one for one in everything if one.statement.thread == about.statement.thread]
    newest = max(one.statement.message.date for one in inside)
    last = max((one for one in inside if one.statement.message.date == newest), key=lambda one: one.chance)
    awaits = last.statement.automatic or last.statement.own or not last.facts["firm"]
    is_done = "done" in found("claims", folded(last.statement.text))
    return last.statement if awaits and not is_done else None


def _fit(one: Scored) -> float:
    """How well a statement and its thread are about the question."""
    facts = one.facts
    missing = facts["person_missing"] + facts["house_missing"] + facts["noise"]
    return facts["here"] + facts["around"] / 2 + facts["thread"] / 2 - 2 * missing


def is_awaited(material: Material, everything: Sequence[Scored]) -> bool:
    """Whether something was to be handed over, and the mail that is about it still awaits it."""
    covered = max((one.facts["around"] for one in everything[:LOOKED_AT]), default=0.0)
    handed = "handed" in material.asked.cues
    return handed and covered >= COVERED and last_word(material, everything) is not None
