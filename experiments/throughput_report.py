"""What adaptive answers gained in speed and lost in score, way by way."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.bootstrap import Interval, interval, mean_interval
from budget.time_model import TimeModel
from experiments.throughput import FULL, PLANS, WayTimes, alone_ms
from oracle.scoring import exact


class WayReport(NamedTuple):
    """One way beside the full scale; intervals are of 95 %.

    Attributes:
        way: its name.
        accuracy: mean score, in [0, 1].
        loss: full scale's mean score less this one.
        loss_interval: of the loss, over samples, paired.
        mean_tokens: visual tokens per sample.
        decision_ms: per sample, a median over samples.
        samples_per_second: decision counted.
        speed_up: full scale's time over this one, decision counted.
        speed_up_interval: over batches, paired.
        possible: speed-up that the time model says the scales allow, decision not counted.
        model_ms: milliseconds per sample that the time model says they take at least.
    """

    way: str
    accuracy: float
    loss: float
    loss_interval: Interval
    mean_tokens: float
    decision_ms: float
    samples_per_second: float
    speed_up: float
    speed_up_interval: Interval
    possible: float
    model_ms: float

    @property
    def share(self) -> float:
        """Share of the possible speed-up that was measured."""
        return self.speed_up / self.possible

    def as_json(self) -> dict[str, Any]:
        """Return the figures by name, rounded."""
        return {
            name: [round(end, 4) for end in value]
            if isinstance(value, Interval)
            else value
            if isinstance(value, str)
            else round(value, 4)
            for name, value in {**self._asdict(), "share_of_possible": self.share}.items()
        }


class Comparison(NamedTuple):
    """All ways beside the full scale and beside each other.

    Attributes:
        samples: that were answered in every way.
        rows: one per way, the full scale first.
        mixed: of each price, how much longer the better of grouping and padding took than the
            schedule.
        same_texts: of each price, the share of samples that all plans answer alike.
    """

    samples: int
    rows: list[WayReport]
    mixed: list[dict[str, Any]]
    same_texts: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {**self._asdict(), "rows": [row.as_json() for row in self.rows]}


def compare(
    found: Mapping[str, WayTimes],
    right: Sequence[Sequence[str]],
    prices: Sequence[str],
    *,
    times: TimeModel,
    batch_size: int,
    rng: np.random.Generator,
) -> Comparison:
    """Compare all ways on the samples that they answered.

    Args:
        found: every way's times and answers; one is ``FULL``.
        right: right answers of each sample, of as many as were answered or more.
        prices: names of the prices.
        times: what batches take.
        batch_size: samples that ran together.
        rng: draws the resamples.
    """
    scores = {
        way: np.array(
            [exact(a.text, any_of) for a, any_of in zip(own.answers, right, strict=False)]
        )
        for way, own in found.items()
    }
    return Comparison(
        len(found[FULL].answers),
        _rows(found, scores, times, batch_size, rng),
        [faster_than_both(found, price, rng) for price in prices],
        {p: same_texts(found, [f"{p} {plan}" for plan in PLANS]) for p in prices},
    )


def _rows(
    found: Mapping[str, WayTimes],
    scores: Mapping[str, NDArray[np.float64]],
    times: TimeModel,
    batch_size: int,
    rng: np.random.Generator,
) -> list[WayReport]:
    full = found[FULL]
    alone = {way: alone_ms(times, own.answers, batch_size) for way, own in found.items()}
    rows = []
    for way, own in found.items():
        lost = scores[FULL] - scores[way]
        rows.append(
            WayReport(
                way,
                float(scores[way].mean()),
                float(lost.mean()),
                mean_interval(lost, rng),
                float(np.mean([answer.num_visual_tokens for answer in own.answers])),
                own.decision_ms,
                len(own.answers) / float(own.seconds.sum()),
                *ratio(full.seconds, own.seconds, rng),
                float(alone[FULL].sum() / alone[way].sum()),
                float(alone[way].mean()),
            )
        )
    return rows


def ratio(
    slow: NDArray[np.float64], fast: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, Interval]:
    """Return how many times as long one way took as another, and its interval over batches."""

    def statistic(counts: NDArray[np.float64]) -> float:
        return float(counts @ slow / (counts @ fast))

    return float(slow.sum() / fast.sum()), interval(statistic, len(slow), rng)


def faster_than_both(
    found: Mapping[str, WayTimes], price: str, rng: np.random.Generator
) -> dict[str, Any]:
    """Return how much longer the better of grouping and padding took than the schedule."""
    scheduled = found[f"{price} schedule"].seconds
    others = {plan: found[f"{price} {plan}"].seconds for plan in ("group", "pad")}
    better = min(others, key=lambda plan: float(others[plan].sum()))
    gain, ends = ratio(others[better], scheduled, rng)
    return {
        "price": price,
        "better": better,
        "schedule_gain": round(gain, 4),
        "interval": [round(end, 4) for end in ends],
    }


def same_texts(found: Mapping[str, WayTimes], ways: Sequence[str]) -> float:
    """Return the share of samples that all of some ways answer alike."""
    texts = zip(*([answer.text for answer in found[way].answers] for way in ways), strict=True)
    return float(np.mean([len(set(each)) == 1 for each in texts]))
