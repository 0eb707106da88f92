"""A large mailbox: the sentences of the demo mailbox, in new threads with their own people and properties."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import product
from pathlib import Path
from random import Random

from zena_sse.mail.content.parsing import parse
from zena_sse.triage.analysis.sentences import sentences

AGENT = "anna@agency.example"
AGENT_NAMED = f"Anna Agent <{AGENT}>"
PER_THREAD = 4
DAYS = 180

STREETS = ("Road", "Street", "Avenue", "Crescent", "Place", "Terrace")
SUBJECTS = (
    "Viewing",
    "Offer",
    "Building report",
    "Settlement",
    "LIM",
    "Deposit",
    "Keys",
    "Photos",
    "Contract",
)
GIVEN = ("Aroha", "Ben", "Carla", "Dev", "Elena", "Farid", "Grace", "Hemi", "Ines", "Jonas", "Kiri", "Liang")

# Names that nobody has met: 20 beginnings, 15 ends.
_BEGINNINGS = "Bar Cor Dal Fen Gar Hal Kel Lor Mar Nor Pel Quin Ros Sel Tam Ul Ver Wil Yar Zan".split()  # noqa: SIM905
_ENDS = "by don ford ham ker ley mont ner over rick ston ton vale well worth".split()  # noqa: SIM905
NAMES = [beginning + end for beginning, end in product(_BEGINNINGS, _ENDS)]


class ManyMails:
    """So many messages in threads of a few, each between the agent and one person about one property."""

    def __init__(self, demo: Path, count: int, seed: int = 1, per_thread: int = PER_THREAD) -> None:
        self._random = Random(seed)  # noqa: S311  # the mailbox's seed
        self._count = count
        self._per_thread = per_thread
        self._sentences = sorted(_sentences(demo))
        self.people = [f"{self._random.choice(GIVEN)} {name}" for name in NAMES]
        self.properties = [
            f"{self._random.randint(1, 240)} {name} {self._random.choice(STREETS)}"
            for name in self._random.sample(NAMES, k=len(NAMES))
        ]

    def write(self, folder: Path) -> None:
        """One .eml file a message, in `INBOX` and `Sent`."""
        now = datetime.now(UTC).replace(microsecond=0)
        for name in ("INBOX", "Sent"):
            (folder / name).mkdir(parents=True)
        for thread in range(self._count // self._per_thread):
            begun = now - timedelta(minutes=self._random.randint(6_000, DAYS * 1_440))
            for number, mail in enumerate(self._thread(thread, begun)):
                place = folder / ("Sent" if mail["From"] == AGENT_NAMED else "INBOX")
                (place / f"{thread}-{number}.eml").write_bytes(mail.as_bytes())

    def _thread(self, thread: int, begun: datetime) -> Iterator[EmailMessage]:
        random = self._random
        person, home = random.choice(self.people), random.choice(self.properties)
        stranger = f"{person} <{person.replace(' ', '.').lower()}@mail.example>"
        subject = f"{random.choice(SUBJECTS)} {home}"
        sides = [(stranger, AGENT_NAMED), (AGENT_NAMED, stranger)]
        for number in range(self._per_thread):
            sender, to = sides[(thread + number) % 2]
            mail = EmailMessage()
            mail["From"], mail["To"] = sender, to
            mail["Subject"] = f"Re: {subject}" if number else subject
            mail["Date"] = format_datetime(begun + timedelta(hours=number * 20))
            mail["Message-ID"] = f"<{thread}-{number}@mail.example>"
            if number:
                mail["In-Reply-To"] = f"<{thread}-{number - 1}@mail.example>"
            said = random.sample(self._sentences, k=random.randint(3, 9))
            said.insert(1, f"This is about {home}, where we said ${random.randint(400_000, 2_400_000):,}.")
            greeted, signed = to.split()[0], sender.split()[0]
            mail.set_content(f"Hi {greeted},\n\n{' '.join(said)}\n\n{signed}\n")
            yield mail


def _sentences(demo: Path) -> set[str]:
    """What people write in the demo mailbox, a sentence each."""
    found = set()
    for path in demo.rglob("*.eml"):
        text = parse(path.read_bytes(), datetime.now(UTC)).text
        found |= {" ".join(span.of(text).split()) for span in sentences(text)}
    return {sentence for sentence in found if 20 < len(sentence) < 300}
