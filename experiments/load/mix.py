"""Which requests a load test sends, and in which order."""

import random
from collections.abc import Sequence

from experiments.load.bad_calls import BadCalls
from experiments.load.call import Call
from experiments.load.good_calls import GoodCalls
from experiments.load.material import draw_pictures

NO_KEY = "no key"
# Of 1,000 requests or a few more. Two in three are good ones.
SHARES = {
    "policy, PNG": 150,
    "policy, JPEG": 60,
    "fixed m": 80,
    "budget price": 30,
    "budget mean_tokens": 30,
    "budget mean_flops": 20,
    "budget risk": 20,
    "detail low": 30,
    "detail high": 30,
    "text only": 30,
    "several images": 40,
    "unknown fields": 20,
    "stop and max_tokens": 20,
    "stream": 50,
    "stream, fixed m": 30,
    "slow reader": 15,
    "slow writer": 15,
    "corrupt image": 50,
    "no image": 20,
    "decompression bomb": 20,
    "too many pixels": 10,
    "too many images": 10,
    "remote image": 10,
    "oversized body": 15,
    "wrong field": 50,
    "no JSON": 25,
    "unknown model": 10,
    "long prompt": 10,
    "wrong method": 10,
    "wrong path": 10,
    NO_KEY: 10,
    "leaves writing": 20,
    "leaves waiting": 30,
    "leaves reading": 30,
}
MOST_PICTURES = 800


def draw_calls(
    count: int,
    *,
    model: str,
    ladder: Sequence[int],
    seed: int = 0,
    keyed: bool = True,
    max_body_bytes: int = 20_000_000,
    max_images: int = 8,
) -> list[Call]:
    """Return a seeded mix of requests, every kind at least once if ``count`` allows.

    Args:
        count: requests.
        model: name that requests give as their model.
        ladder: visual tokens per image of the model's scales.
        seed: of all randomness.
        keyed: the server wants API keys, so that requests without one are refused.
        max_body_bytes: limit of the server, which oversized bodies exceed.
        max_images: limit of the server for one request.

    Raises:
        ValueError: if ``count`` is less than the number of kinds.
    """
    kinds = {kind: share for kind, share in SHARES.items() if keyed or kind != NO_KEY}
    if count < len(kinds):
        raise ValueError(f"at least {len(kinds)} requests are needed, one a kind, got {count}")
    rng = random.Random(seed)
    pictures = draw_pictures(min(count, MOST_PICTURES))
    good = GoodCalls(pictures, model, ladder, rng)
    bad = BadCalls(pictures, model, rng, max_body_bytes=max_body_bytes, max_images=max_images)
    builders = {**good.table(), **bad.table()}
    calls = [
        builders[kind]() for kind, number in _numbers(count, kinds).items() for _ in range(number)
    ]
    rng.shuffle(calls)
    return calls


def _numbers(count: int, shares: dict[str, int]) -> dict[str, int]:
    """Return how many requests of each kind; the first kind takes what rounding leaves."""
    total = sum(shares.values())
    numbers = {kind: max(1, count * share // total) for kind, share in shares.items()}
    first = next(iter(shares))
    numbers[first] += count - sum(numbers.values())
    while numbers[first] < 1:
        numbers[max(numbers, key=lambda kind: numbers[kind])] -= 1
        numbers[first] += 1
    return numbers
