"""What to call an action item: as the agent would note it, "Send Tom the strata report by Friday"."""

from __future__ import annotations

import re

from zena_sse.mail.content.message import cut
from zena_sse.triage.analysis.conversation import Turn

LABEL_CHARACTERS = 120

# What stands before the point of a sentence.
_OPENING = re.compile(
    r"""^(?:(?:and|also|so|but|or|then|now|ok|okay|hi|hello|hey|one\ more\ thing|finally|first(?:ly)?
    |second(?:ly)?|third(?:ly)?|lastly|ps|in\ the\ meantime|meanwhile|otherwise|if\ possible
    |when\ you\ (?:get|have)\ (?:a\ )?(?:chance|sec|second|minute|moment))\b[\s,:-]*)+""",
    re.IGNORECASE | re.VERBOSE,
)
# "Could you please ...", "we need you to ...", "please ...": what follows is the task.
_REQUEST = re.compile(
    r"""(?:^|(?<=[\s,]))(?:
    (?:can|could|would|will|cd|wld|might)\s+(?:you|u|ya|someone|somebody)\s+
      (?:(?:please|pls|kindly|possibly|also|just|maybe|mind|be\ able\ to|be\ so\ kind\ as\ to)\s+)*
    |(?:what\s+)?(?:i|we)\s*(?:['\u2019]d|\swould|\swd)?\s*(?:really\s+|both\s+|just\s+)?
      (?:like|need|want|expect|prefer|love)\s+(?:is\s+)?(?:for\s+)?you\s+to\s+
    |(?:i|we)\s*(?:['\u2019]d|\swould)\s+(?:appreciate\s+it|be\s+grateful)\s+if\s+you\s+(?:could|would)\s+
    |if\s+you\s+(?:could|can|would)\s+(?:please\s+|just\s+)?
    |i\s+was\s+hoping\s+you\s+(?:could|would|might)\s+
    |(?:would|could)\s+it\s+be\s+possible\s+(?:for\s+you\s+)?to\s+
    |you(?:['\u2019]ll)?\s+need\s+to\s+
    |(?:please|pls|plz|kindly)\s+(?:also\s+|just\s+)?
    )(?=[a-z])""",
    re.IGNORECASE | re.VERBOSE,
)
_PROMISE = re.compile(
    r"""^(?:(?:i|we)\s*(?:['\u2019]ll|\swill|\scan|\sshall|['\u2019]m\ going\ to|\sam\ going\ to
    |['\u2019]re\ going\ to)|let\ me|will)\s+(?:(?:also|just|definitely|try\ to|be\ able\ to)\s+)*""",
    re.IGNORECASE | re.VERBOSE,
)
_QUESTION = re.compile(
    r"""(?:what|when|where|who|which|why|how|is|are|was|were|do|does|did|has|have|any|am|should|shall
    |can\ (?:i|we|they|he|she|it)|could\ (?:i|we|they|it)|would\ (?:it|they|the)|may\ (?:i|we)
    |will\ (?:it|the|they|there))\b""",
    re.IGNORECASE | re.VERBOSE,
)
# "I expect a call" is noted as "Otto expects a call".
_WISH = re.compile(
    r"(?:i|we)(?P<short>['\u2019](?:d|ll|m|re))?\s+(?P<verb>want|need|expect|require|hope|would|should|must|will)?\b",
    re.IGNORECASE,
)
_SPELLED = {"d": "would", "ll": "will", "m": "is", "re": "is"}
_UNCHANGED = ("would", "should", "must", "will")
_ORDER = re.compile(
    r"""(?:let|get|send|give|tell|ring|call|phone|text|email|confirm|advise|find|ask|check|book|bring|come
    |drop|put|keep|make|change|cancel|forward|provide|arrange|organi[sz]e|remind|update|talk|speak|chase|pass|leave|sign|post|show)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_ME = re.compile(r"\b(?:me|us)\b", re.IGNORECASE)
_COURTESY = re.compile(r"\s*(?:please|pls|plz|thanks|thank you|cheers|ta|x+)[\s.!?]*$", re.IGNORECASE)
# What is left after "please" in "yes please" is no task.
_FEW_CHARACTERS = 6


def label_of(evidence: str, turn: Turn, *, asks: bool) -> str:
    """A short name for what somebody asked for or promised in these words; `asks`: it was a question."""
    name = _first_name(turn)
    evidence = "".join(letter for letter in evidence if letter.isprintable())  # no marks that turn text round
    said = _COURTESY.sub("", _OPENING.sub("", evidence)).rstrip(" .,!;:-\u2013")
    if turn.side == "agent":
        promise = _PROMISE.match(said)
        return _noted(said[promise.end() :] if promise else said)
    request = _REQUEST.search(said)
    if request is not None and len(said) - request.end() >= _FEW_CHARACTERS:
        return _noted(_ME.sub(name, said[request.end() :], count=1).rstrip("?"))
    if _ORDER.match(said):
        return _noted(_ME.sub(name, said, count=1))
    if asks and _QUESTION.match(said):
        return cut(f"Answer {name}: {said.rstrip('?')}?", LABEL_CHARACTERS)
    return cut(_wish(said, name) or f"For {name}: {said}", LABEL_CHARACTERS)


def _wish(said: str, name: str) -> str | None:
    wish = _WISH.match(said)
    if wish is None or not (wish["short"] or wish["verb"]):
        return None
    words = [_SPELLED[wish["short"][1:].lower()]] if wish["short"] else []
    if verb := (wish["verb"] or "").lower():
        words.append(verb if verb in _UNCHANGED or words else f"{verb}s")
    return " ".join([name, *words, said[wish.end() :].strip()])


def _noted(words: str) -> str:
    return cut(words[:1].upper() + words[1:], LABEL_CHARACTERS)


def _first_name(turn: Turn) -> str:
    sender = turn.message.sender
    whose = turn.message.to[0] if turn.side == "agent" and turn.message.to else sender
    return (whose.name or whose.email.partition("@")[0]).split(" ")[0].strip(",") or "them"
