"""What a model says, made fit to be shown while it is being said: no links, images or tags.

Two passes. The first takes out, nicely, whatever leads out of an answer. The second is the guarantee: it
parts with a space what would still lead somewhere, also what came together where something was taken out.
What is shown is never taken back and does not depend on how the text is cut; held back is only what is
undecided.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from zena_sse.ask.modelled.citations import Citations
from zena_sse.ask.modelled.constructs import LONGEST_END, STARTS, TAG_CHARACTERS, Step, step

# The longest that can be undecided is a tag, with its brackets; and a space.
HELD_CHARACTERS = TAG_CHARACTERS + 4

# Controls, and signs that nobody sees: they turn the direction of writing, or hide words in words.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Between what and what a space is put: parts of tags, addresses, links, their definitions, images, schemes.
_PARTED = re.compile(
    r"(?<=<)(?=[a-z/!?|])|(?<=/)(?=/)|(?<=\])(?=[(:])|(?<=!)(?=\[)|(?<=www)(?=\.)"
    r"|(?:(?<=mailto:)|(?<=script:)|(?<=http:)|(?<=https:)|(?<=ftp:)|(?<=data:)|(?<=file:)|(?<=blob:))(?=\S)",
    re.IGNORECASE,
)
_LONGEST_BEFORE = len("mailto:")


class Cleaning:
    """Cleans an answer as it comes. `numbers` are those of the passages that may be cited."""

    def __init__(self, numbers: Collection[int]) -> None:
        self.citations = Citations(numbers)
        self._held = ""
        self._until: re.Pattern[str] | None = None
        self._begun = False
        self._space = ""
        self._tail = ""  # of what was shown

    @property
    def held(self) -> int:
        """How many characters are held back."""
        return len(self._held) + len(self._space)

    def feed(self, delta: str) -> str:
        """What can be shown now."""
        self._held += _UNSEEN.sub("", delta)
        return self._shown(final=False)

    def end(self) -> str:
        """The rest."""
        return self._shown(final=True)

    def _shown(self, *, final: bool) -> str:
        shown = ""
        for taken in self._steps(final=final):
            if taken.gap:
                self._space = self._space.rstrip(" ")
            shown += self._spaced(taken.shown)
        return self._parted(shown)

    def _steps(self, *, final: bool) -> Iterator[Step]:
        """What the first pass makes of what is held."""
        text, at = self._held, 0
        while at < len(text):
            if self._until is not None:
                end = self._until.search(text + "\n" * final, at)
                if end is None:  # it may have begun
                    at = len(text) if final else max(at, len(text) - LONGEST_END + 1)
                    break
                at, self._until = end.end(), None
            begun = STARTS.search(text, at)
            start = len(text) if begun is None else begun.start()
            yield Step(start, text[at:start])
            at = start
            if begun is None or (taken := step(text, at, self.citations, final=final)) is None:
                break
            yield taken
            at, self._until = taken.end, taken.until
        self._held = text[at:]

    def _spaced(self, text: str) -> str:
        """The text without space at its beginning or end; at the end it waits for what follows."""
        text = self._space + text
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        self._space = text[-1:] if text.endswith((" ", "\n")) else ""
        return text.removesuffix(self._space)

    def _parted(self, text: str) -> str:
        """The text as a continuation of what was shown, with nothing that leads anywhere."""
        known = len(self._tail)
        parted = _PARTED.sub(" ", self._tail + text)
        self._tail = parted[-_LONGEST_BEFORE:]
        return parted[known:]
