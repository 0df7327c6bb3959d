"""How likely given answers are at the scale that was chosen, for tasks of multiple choice.

A question's scale is chosen once for all its answers, and what the model would say itself comes
from the same call, which tells whether an answer is what it would have said. The report counts that
call. Of several images the dearest choice holds for all, as likelihoods are read at one scale.
"""

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

from budget.adaptive import AdaptiveAnswer
from budget.ladder import ScaleLadder
from budget.sampling import Generation
from experiments.evals.harness_model import REFUSALS, HarnessModel, Loaded, Request, chunks


@dataclass(frozen=True, slots=True)
class Weighed(Request):
    """A request for the likelihoods of answers; it generates nothing.

    Attributes:
        texts: the answers, as the model would write them.
    """

    texts: tuple[str, ...] = ()


class Likelihood(NamedTuple):
    """How likely one answer is.

    Attributes:
        log_likelihood: sum of the log-probabilities of its tokens, without a stop token.
        tokens: how many these are.
        greedy: whether the model would have said it.
    """

    log_likelihood: float
    tokens: int
    greedy: bool


# What stands for a sample that cannot be answered, where errors count as empty answers.
IMPOSSIBLE = Likelihood(-1e9, 1, False)


def weigh(model: HarnessModel, requests: Sequence[Weighed]) -> list[list[Likelihood]]:
    """Return per request the likelihood of each of its texts.

    Raises:
        NotImplementedError: if the model cannot weigh given answers.
        DataError: naming task and document, if one cannot be answered and errors stop the run.
    """
    if not hasattr(model.vlm.model, "every_scale"):
        raise NotImplementedError(
            f"{model.vlm.model.name} cannot weigh given answers, as M3 and MQT can; take a task "
            "that generates"
        )
    found: list[list[Likelihood]] = []
    start = time.perf_counter()
    for held in chunks(requests, model.args.batch_size):
        loaded = [model.load(each) for each in held]
        weighed = iter(_weigh_loaded(model, [each for each in loaded if each is not None]))
        for request, each in zip(held, loaded, strict=True):
            found.append([IMPOSSIBLE] * len(_texts(request)) if each is None else next(weighed))
    model.report.seconds += time.perf_counter() - start
    return found


def _weigh_loaded(model: HarnessModel, loaded: Sequence[Loaded]) -> list[list[Likelihood]]:
    try:
        return _run(model, loaded)
    except REFUSALS as problem:
        if len(loaded) == 1:
            model.fail(loaded[0].request, problem)
            return [[IMPOSSIBLE] * len(_texts(loaded[0].request))]
    return [own for each in loaded for own in _weigh_loaded(model, [each])]


def _run(model: HarnessModel, loaded: Sequence[Loaded]) -> list[list[Likelihood]]:
    ids = [_ids(model, each) for each in loaded]
    answers = model.vlm.answer(
        [each.prompted.images or None for each in loaded],
        [each.prompted.question for each in loaded],
        budget=model.args.budget,
        batch_size=model.args.batch_size,
        generation=[Generation(max_new_tokens=max(map(len, own))) for own in ids],
    )
    found: dict[int, list[Likelihood]] = {}
    scales = [_scale(model, answer) for answer in answers]
    for scale in dict.fromkeys(scales):
        rows = [i for i, own in enumerate(scales) if own == scale]
        at_scale = _sums(model, [loaded[i] for i in rows], scale)
        for i, sums in zip(rows, at_scale, strict=True):
            said = answers[i].token_ids
            found[i] = [
                Likelihood(each, len(own), said[: len(own)] == tuple(own))
                for each, own in zip(sums, ids[i], strict=True)
            ]
    for each, answer in zip(loaded, answers, strict=True):
        model.count(each.request, answer)
    return [found[i] for i in range(len(loaded))]


def _sums(model: HarnessModel, loaded: Sequence[Loaded], scale: int) -> list[tuple[float, ...]]:
    """Return per sample the log-likelihoods of its texts, every image at one scale."""
    one_scale: Any = copy(model.vlm.model)
    one_scale.ladder = ScaleLadder((scale,))
    found = one_scale.every_scale(
        [each.prompted.images or None for each in loaded],
        [each.prompted.question for each in loaded],
        batch_size=model.args.batch_size,
    ).likelihoods([_texts(each.request) for each in loaded])
    return [likelihoods.log_likelihoods for (likelihoods,) in found]


def _ids(model: HarnessModel, loaded: Loaded) -> list[list[int]]:
    prompt: Any = getattr(model.vlm.model, "prompt")  # noqa: B009 - of models that can weigh
    question, images = loaded.prompted.question, len(loaded.prompted.images)
    return [prompt.answer_ids(question, text, images) for text in _texts(loaded.request)]


def _scale(model: HarnessModel, answer: AdaptiveAnswer) -> int:
    dearest = answer.dearest
    return model.vlm.model.ladder[0] if dearest is None else dearest.num_visual_tokens


def _texts(request: Request) -> tuple[str, ...]:
    return request.texts if isinstance(request, Weighed) else ()
