"""How far a deal can be, and which signs move it on."""

from __future__ import annotations

from zena_sse.contract.events import Stage

# From the first word to the keys; somebody who is not ready yet stands before those who are.
COURSE: tuple[Stage, ...] = (
    "lead",
    "nurture",
    "qualified",
    "viewing",
    "offer",
    "conditional",
    "pre_settlement",
    "sold",
)

CLOSED: frozenset[Stage] = frozenset({"sold", "lost"})

# Both sides have signed: from here a deal can only be done or fall through, it does not cool.
_BOUND: frozenset[Stage] = frozenset({"conditional", "pre_settlement"})


def moves_on(current: Stage, told: Stage, *, newer: bool) -> bool:
    """Whether a sign moves a deal from where it is.

    Forward always. Back only to `nurture` or `lost`, and out of these again, by mail that is `newer` than
    what put the deal where it is: an old conversation that is read again must not undo what came after it.
    """
    if current in {told, "sold"}:
        return False
    if told == "lost":
        return newer
    if current == "lost":
        return newer and told not in {"lead", "nurture"}
    if told == "nurture":
        return newer and current not in _BOUND
    if current == "nurture" and not newer:
        return False
    return COURSE.index(told) > COURSE.index(current)
