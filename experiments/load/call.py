"""One request of the load test: what is sent, in which manner, and what must come back."""

from dataclasses import dataclass
from enum import Enum

CHAT = "/v1/chat/completions"


class Manner(Enum):
    """How a client behaves while it sends and reads."""

    PLAIN = "sends, and reads the whole answer"
    STREAM = "reads events as they come"
    SLOW_READ = "reads a few bytes at a time"
    SLOW_WRITE = "sends its body in small pieces"
    OVERSIZED = "sends on whatever is answered meanwhile"
    LEAVES_WRITING = "hangs up in the middle of its body"
    LEAVES_WAITING = "hangs up before the answer"
    LEAVES_READING = "hangs up at the first bytes of the answer"

    @property
    def leaves(self) -> bool:
        """Whether the client goes away, so that no answer is owed."""
        return self.name.startswith("LEAVES")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that has a right answer, as the model must be asked for it.

    Attributes:
        images: files of the images, in the prompt's order.
        question: text of the one user turn.
        max_new_tokens: longest answer, in tokens.
        num_visual_tokens: visual tokens of every image; ``None`` where the server chooses.
        stop: strings that end the answer and are not part of it.
    """

    images: tuple[bytes, ...]
    question: str
    max_new_tokens: int = 16
    num_visual_tokens: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        kind: name under which it is counted.
        body: bytes of the body; of an oversized one the first part, which is repeated.
        expected: statuses that are right.
        method: HTTP method.
        path: path on the server.
        manner: how the client behaves.
        asked: what the right answer is the answer to, ``None`` where none is owed.
        key: send the API key, if the server wants one.
    """

    kind: str
    body: bytes
    expected: frozenset[int]
    method: str = "POST"
    path: str = CHAT
    manner: Manner = Manner.PLAIN
    asked: Asked | None = None
    key: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client saw.

    Attributes:
        status: HTTP status, 0 where none came.
        ms: milliseconds from the first byte sent to the last one read, waits for a full queue
            included.
        body: what was answered; of an event stream, its text.
        headers: names in lower case.
        problem: what went wrong on the way, empty if nothing did.
        waits: how often the server said 429 and the client came back.
    """

    status: int
    ms: float
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    waits: int = 0

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        return next((value for key, value in self.headers if key == name), None)
