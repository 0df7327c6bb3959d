"""The model ``budget`` of lmms-eval: any task, with as many visual tokens as each image needs.

    python -m lmms_eval --model budget --model_args model=m3,policy=m3 --tasks pope --batch_size 16

lmms-eval asks in messages (``BudgetChatModel``) unless ``--force_simple`` is given, which its tasks
of multiple choice need (``BudgetModel``). Importing this module needs lmms-eval.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from lmms_eval.models.model_utils.gen_metrics import log_metrics
from lmms_eval.models.model_utils.load_video import read_video
from loguru import logger
from PIL import Image

from budget.adaptive import AdaptiveAnswer
from experiments.evals.harness_model import HarnessModel, Request
from experiments.evals.media import Media
from experiments.evals.model_args import parse_model_args, split_args
from experiments.evals.places import Place, Places
from experiments.evals.prompts import Prompted, PromptReader
from experiments.evals.rounds import Round, Talk, talk
from experiments.evals.weighing import Weighed, weigh


class BudgetModel(lmms):
    """Answers texts about visuals, the way in which lmms-eval asks "simple" models.

    Args:
        model_args: by name; see ``experiments.evals.model_args``.

    Raises:
        BudgetError: if model or policy cannot be loaded.
        ValueError: if an argument is not legal.
    """

    is_simple = True

    def __init__(self, **model_args: Any) -> None:
        super().__init__()
        args = parse_model_args(model_args)
        self._rank = int(os.environ.get("RANK", 0))
        self._world_size = int(os.environ.get("WORLD_SIZE", 1))
        self.harness: HarnessModel | None = HarnessModel(
            args, say=logger.info, warn=logger.warning, rank=self._rank
        )
        self.device = getattr(self.harness.vlm.model, "device", torch.device("cpu"))
        self._reader = PromptReader(Media(args.frames, read_frames), logger.warning)
        self._places = Places()

    @classmethod
    def create_from_arg_string(
        cls, arg_string: str | Mapping[str, Any], additional_config: dict[str, Any] | None = None
    ) -> "BudgetModel":
        """Return the model that a command line names; ``model_args`` win over flags of one name."""
        given = split_args(arg_string) if isinstance(arg_string, str) else dict(arg_string)
        flags = {name: (additional_config or {}).get(name) for name in ("batch_size", "device")}
        return cls(**{name: value for name, value in flags.items() if value is not None} | given)

    def generate_until(self, requests: list[Instance]) -> list[GenerationResult]:
        """Answer requests, in input order."""
        return list(map(result, self._running.answer([self._request(each) for each in requests])))

    def generate_until_multi_round(self, requests: list[Instance]) -> list[GenerationResult]:
        """Answer requests round after round; a result's text is the list of its rounds'."""
        done = talk(self._running, [self._talk(each) for each in requests])
        return [GenerationResult(each.outputs, counts(each.answers)) for each in done]

    def loglikelihood(self, requests: list[Instance]) -> list[GenerationResult]:
        """Return per request the loss of its answer, and whether it is what would be said.

        The loss is the mean negative log-probability of the answer's tokens: lmms-eval's tasks take
        the answer of the smallest value, and its other models give the same. The pair stands where
        a text would, for lmms-eval 0.7.3 turns a bare pair into a text that its tasks cannot read.
        """
        groups: dict[tuple[Any, ...], list[int]] = {}
        for i, each in enumerate(requests):
            key = (each.task_name, each.doc_id, each.args[0], len(each.args))
            groups.setdefault(key, []).append(i)
        weighed = weigh(
            self._running,
            [self._weighed([requests[i] for i in rows]) for rows in groups.values()],
        )
        found: dict[int, GenerationResult] = {}
        for rows, likelihoods in zip(groups.values(), weighed, strict=True):
            for i, each in zip(rows, likelihoods, strict=True):
                found[i] = GenerationResult((-each.log_likelihood / each.tokens, each.greedy))
        return [found[i] for i in range(len(requests))]

    def clean(self) -> None:
        """Report, and let go of the model; lmms-eval calls it when all is answered."""
        if self.harness is not None:
            report = self.harness.report
            log_metrics(
                total_elapsed_time=report.seconds,
                total_gen_tokens=report.new_tokens,
                avg_speed=report.new_tokens / report.seconds if report.seconds else 0.0,
                additional_metrics=report.values(),
            )
            self.harness.say_report()
            self.harness = None
        super().clean()

    @property
    def _running(self) -> HarnessModel:
        if self.harness is None:
            raise RuntimeError("the model was let go of after its evaluation; make another")
        return self.harness

    def _doc(self, task: str, split: str, doc_id: int) -> Any:
        return self.task_dict[task][split][doc_id]

    def _place(self, request: Instance) -> Place:
        return self._places.next(request.task_name, request.doc_id, request.idx)

    def _request(self, request: Instance) -> Request:
        text, arguments, to_visual, doc_id, task, split = request.args
        load = partial(self._load_text, text, to_visual, (task, split, doc_id))
        return Request(self._place(request), load, arguments, is_counted(request))

    def _load_text(self, text: str, to_visual: Any, where: tuple[Any, ...]) -> Prompted:
        return self._reader.text(text, to_visual(self._doc(*where)))

    def _talk(self, request: Instance) -> Talk:
        text, arguments, to_visual, to_text, doc_id, task, split = request.args

        def next_round(number: int, outputs: list[str], told: Any) -> Round:
            visuals, asked, ends, kept, told = to_text(
                self._doc(task, split, doc_id),
                previous_output=outputs,
                round_idx=number,
                previous_round_info=told,
            )
            return Round(None if ends else partial(self._reader.text, asked, visuals), kept, told)

        load = partial(self._load_text, text, to_visual, (task, split, doc_id))
        return Talk(self._place(request), load, arguments, next_round, is_counted(request))

    def _weighed(self, requests: Sequence[Instance]) -> Weighed:
        """Return what weighs the answers of requests of one text about one document."""
        first = requests[0]
        texts = tuple(self._answer_text(each) for each in requests)
        if len(first.args) == 2:  # an answer on its own, whatever the document

            def load() -> Prompted:
                return self._reader.text(first.args[0], None)
        else:
            text, _, to_visual, doc_id, task, split = first.args
            load = partial(self._load_text, text, to_visual, (task, split, doc_id))
        return Weighed(self._place(first), load, {}, is_counted(first), texts)

    def _answer_text(self, request: Instance) -> str:
        answer = request.args[1]
        if not callable(answer):
            return str(answer)
        *_, doc_id, task, split = request.args
        return str(answer(self._doc(task, split, doc_id)))


class BudgetChatModel(BudgetModel):
    """Answers messages, the way in which lmms-eval asks "chat" models."""

    is_simple = False

    def _request(self, request: Instance) -> Request:
        _, to_messages, arguments, doc_id, task, split = request.args

        def load() -> Prompted:
            return self._reader.messages(to_messages(self._doc(task, split, doc_id)))

        return Request(self._place(request), load, arguments, is_counted(request))

    def _talk(self, request: Instance) -> Talk:
        first = self._request(request)
        _, to_messages, arguments, doc_id, task, split = request.args

        def next_round(number: int, outputs: list[str], told: Any) -> Round:
            said = to_messages(
                self._doc(task, split, doc_id),
                round_idx=number,
                previous_output=outputs,
                previous_round_info=told,
            )
            if not (isinstance(said, tuple) and len(said) == 4):
                return Round(None)
            messages, ends, kept, told = said
            return Round(None if ends else partial(self._reader.messages, messages), kept, told)

        return Talk(first.place, first.load, arguments, next_round, first.counted)


def result(answer: AdaptiveAnswer | None) -> GenerationResult:
    """Return an answer as lmms-eval takes it, with its tokens; visual tokens count as input."""
    if answer is None:
        return GenerationResult("")
    return GenerationResult(answer.text, counts([answer]))


def counts(answers: Sequence[AdaptiveAnswer]) -> TokenCounts:
    """Return the tokens of some answers together."""
    return TokenCounts(
        input_tokens=sum(answer.prompt_tokens for answer in answers),
        output_tokens=sum(len(answer.token_ids) for answer in answers),
    )


def is_counted(request: Instance) -> bool:
    """Return whether a request is one of the task's; others fill up a process's share."""
    return not (request.metadata or {}).get("__padding_only__", False)


def read_frames(path: str, frames: int) -> list[Image.Image]:
    """Read a video file as so many pictures, evenly spaced, with lmms-eval's own reader."""
    return [Image.fromarray(frame) for frame in read_video(path, num_frm=frames)]
