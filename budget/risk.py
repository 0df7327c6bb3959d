"""How much score a caller is ready to lose, and how sure it must be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Risk:
    """The mean score is at most ``epsilon`` under the full scale's, but for a chance of ``delta``.

    The chance is over the samples that a policy was calibrated on; the promise is about requests
    like those samples.

    Attributes:
        epsilon: score units that may be lost against always the full scale, in [0, 1).
        delta: probability that the promise is broken, in (0, 0.5].

    Raises:
        ValueError: if a number is not in its range.

    Example:
        >>> str(Risk(epsilon=0.01, delta=0.05))
        'a loss of at most 0.01 with probability 0.95'
    """

    epsilon: float
    delta: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon < 1:
            raise ValueError(f"epsilon must be in [0, 1), got {self.epsilon}")
        if not 0 < self.delta <= 0.5:
            raise ValueError(f"delta must be in (0, 0.5], got {self.delta}")

    def __str__(self) -> str:
        return f"a loss of at most {self.epsilon:g} with probability {1 - self.delta:g}"


def parse_risk(text: str) -> Risk:
    """Return the risk that an option such as ``0.01:0.05`` (epsilon:delta) names.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> parse_risk("0.02:0.1")
        Risk(epsilon=0.02, delta=0.1)
    """
    try:
        epsilon, delta = (float(word) for word in text.split(":"))
    except ValueError:
        raise ValueError(
            f"a risk is two numbers, epsilon:delta such as 0.01:0.05, got {text!r}"
        ) from None
    return Risk(epsilon, delta)
