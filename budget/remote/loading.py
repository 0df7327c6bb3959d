"""From an address to a model: what the server tells of itself, and whether it follows the knob."""

import math
from collections.abc import Sequence
from typing import Any

from PIL import Image

from budget.errors import ModelError
from budget.ladder import ScaleLadder
from budget.remote.address import Address, parse_address
from budget.remote.asker import Asker, TimedAnswer
from budget.remote.dialects import make_dialect
from budget.remote.endpoint import Endpoint
from budget.remote.failures import RequestFailed
from budget.remote.lane import Lane
from budget.remote.model import RemoteModel
from budget.remote.prompts import make_prompt
from budget.remote.settings import RemoteSettings, api_key, read_settings
from budget.sampling import Generation

_PROBE = Image.new("RGB", (1024, 1024), (120, 130, 140))


def load_remote(
    address: str, *, ladder: Sequence[int] | ScaleLadder | None = None, **given: Any
) -> RemoteModel:
    """Return a model that is served elsewhere.

    Unless ``probe`` is false, one image of 1024 x 1024 is asked about at the cheapest and at the
    dearest rung, one token each.

    Args:
        address: ``openai:URL#name``, with settings behind a ``?`` if need be.
        ladder: its scales; without it those that the server tells.
        given: other names of ``RemoteSettings``.

    Raises:
        ModelError: if the server does not answer, does not follow the knob, or tells no scales
            where none are given.
        ValueError: if the address or a setting is not legal.
    """
    where = parse_address(address)
    settings = read_settings(where.said, {"ladder": ladder, **given})
    endpoint = Endpoint(
        where.url,
        api_key(settings),
        timeout_s=settings.timeout_s,
        max_retries=settings.max_retries,
        concurrency=settings.concurrency,
    )
    lane = Lane(endpoint.close)
    try:
        return lane.run(_load(where, settings, endpoint, lane))
    except BaseException:
        lane.close()
        raise


async def _load(
    where: Address, settings: RemoteSettings, endpoint: Endpoint, lane: Lane
) -> RemoteModel:
    settings = await _completed(where, settings, endpoint)
    ladder = ScaleLadder(settings.ladder or ())
    dialect = make_dialect(settings.dialect or "budget", ladder, settings.knobs)
    asker = Asker(endpoint, where.name, ladder, dialect)
    asker.logprobs = bool(settings.logprobs)
    if settings.probe:
        asker.confident = await _probe(asker, settings)
    else:
        asker.confident = asker.logprobs or settings.dialect == "budget"
    return RemoteModel(asker, lane, settings)


async def _completed(
    where: Address, settings: RemoteSettings, endpoint: Endpoint
) -> RemoteSettings:
    """Return settings with dialect and ladder, from the server where they were not given."""
    if settings.ladder is not None and settings.dialect is not None:
        return settings
    if settings.dialect in (None, "budget"):
        for card in await endpoint.models():
            if card.get("id") == where.name and card.get("scales"):
                told = {"dialect": "budget", "ladder": settings.ladder or tuple(card["scales"])}
                return settings.model_copy(update=told)
    raise ModelError(
        f"{where.url} tells no scales of {where.name!r}; say with dialect, ladder and knobs how "
        "its visual tokens are set, as in openai:URL#name?dialect=resize&ladder=64,256&"
        "knob=max_pixels=50176,200704"
    )


async def _probe(asker: Asker, settings: RemoteSettings) -> bool:
    """Refuse a server that ignores the knob; return whether it tells how sure its answers are.

    Raises:
        ModelError: says what the server did.
    """
    low, high = await _tried(asker, settings, 0, len(asker.ladder) - 1)
    if len(asker.ladder) > 1 and low.answer.num_visual_tokens == high.answer.num_visual_tokens:
        raise ModelError(
            f"{asker.endpoint.url} spends {low.answer.num_visual_tokens} visual tokens on an image "
            f"of {_PROBE.width} x {_PROBE.height} at the rung of {asker.ladder[0]} and at that of "
            f"{asker.ladder[-1]}: it ignores the dialect {settings.dialect!r} with its knobs "
            "(probe=false loads it all the same)"
        )
    told = not any(math.isnan(each.answer.confidence) for each in (low, high))
    if settings.logprobs and not told:
        raise ModelError(f"{asker.endpoint.url} gives no log-probabilities; say logprobs=false")
    if told or settings.dialect == "budget" or settings.logprobs is False:
        return told
    asker.logprobs = await _gives_logprobs(asker, settings)
    return asker.logprobs


async def _gives_logprobs(asker: Asker, settings: RemoteSettings) -> bool:
    asker.logprobs = True
    try:
        (answer,) = await _tried(asker, settings, 0)
    except RequestFailed:
        return False
    return not math.isnan(answer.answer.confidence)


async def _tried(asker: Asker, settings: RemoteSettings, *rungs: int) -> list[TimedAnswer]:
    how = Generation(max_new_tokens=1)
    prompt = make_prompt([_PROBE], "What is this?", how, settings.length_field)
    found = []
    for each in await asker.answers(prompt, [[rung] for rung in rungs]):
        if isinstance(each, RequestFailed):
            raise each
        found.append(each)
    return found
