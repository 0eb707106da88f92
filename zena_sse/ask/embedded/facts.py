"""Answers to questions of fact: the sentences that hold them, with who said it and when."""

from __future__ import annotations

from collections.abc import Sequence

from zena_sse.ask.embedded.awaiting import NOT_YET, is_awaited, last_word
from zena_sse.ask.embedded.choosing import choose, grouped, with_last
from zena_sse.ask.embedded.composing import (
    NAMED,
    Composed,
    attributed,
    statement_source,
    unique_sources,
    view_action,
)
from zena_sse.ask.embedded.finding import is_found
from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.phrasing import phone_of, short_day, told_by
from zena_sse.ask.embedded.ranking import ranked
from zena_sse.ask.embedded.statements import Statement
from zena_sse.ask.embedded.tricks import compose_warning, is_trick, warn
from zena_sse.ask.embedded.weighing import Scored
from zena_sse.mail.content.message import cut

NOT_FOUND = "I can't find that in your mail."


def compose_fact(material: Material) -> Composed:
    """The answer to a question of fact, or that there is none."""
    everything = ranked(material)
    if not everything:
        return Composed(pieces=(NOT_FOUND, " Try the name of a person or a street."), found=False)
    warning = warn(material, everything)
    trusted = [one for one in everything if not is_trick(material.threads[one.statement.thread])]
    chosen = choose(trusted)
    if warning is not None:
        return compose_warning(material, warning, chosen)
    if not is_found(material, trusted) and not is_awaited(material, trusted):
        return _nothing(material, trusted)
    last = last_word(material, trusted)
    groups = grouped(chosen if last is None else with_last(chosen, last))
    lines = [*([] if last is None else [NOT_YET]), *(attributed(material, group) for group in groups)]
    lines += contact_lines(material, chosen)
    sources = unique_sources([statement_source(material, group[0]) for group in groups])
    pieces = tuple(f"{line}\n" if i < len(lines) - 1 else line for i, line in enumerate(lines))
    return Composed(pieces=pieces, found=True, sources=sources, actions=tuple(map(view_action, sources[:1])))


def contact_lines(material: Material, chosen: Sequence[Statement]) -> list[str]:
    """How to reach those who are asked about, if that is asked."""
    if not material.asked.wants & {"phone", "email"}:
        return []
    named = {person.email: person for person in material.named.people}
    writers = [one.message.sender.email for one in chosen if not one.own]
    emails = list(dict.fromkeys([*named, *writers]))
    known = {person.email: person for person in (*material.people, *material.named.people)}
    lines = []
    for email in emails[:2]:
        person = known.get(email)
        if person is not None:
            parts = [part for part in (phone_of(person.phone), person.email) if part]
            lines.append(f"{cut(person.name or person.email, NAMED)}: {', '.join(parts)}")
    return lines


def _nothing(material: Material, everything: Sequence[Scored]) -> Composed:
    """The mail does not say. What comes nearest is named and not quoted: it would be taken for the answer."""
    near = everything[0].statement
    thread = material.threads[near.thread]
    wrote = f"{cut(told_by(near), NAMED)} wrote on {short_day(near.sent.date())}"
    hint = f" The nearest I have is what {wrote} in “{cut(thread.subject, NAMED)}”."
    return Composed(pieces=(NOT_FOUND, hint), found=False, sources=(statement_source(material, near),))
