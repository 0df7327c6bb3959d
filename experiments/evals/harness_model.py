"""What answers behind either tool: the model with its policy, batch by batch, and its report."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from budget.adaptive import AdaptiveAnswer, AdaptiveVLM
from budget.budgets import Budget, BudgetPolicy, FullScale
from budget.console import progress
from budget.errors import BudgetError, DataError, PolicyError, one_line
from budget.ladder import ScaleLadder
from budget.models import load_model
from budget.shipped import SHIPPED, shipped_folder
from experiments.evals.generation_args import GenerationReader
from experiments.evals.model_args import ModelArgs
from experiments.evals.places import Place
from experiments.evals.prompts import Prompted
from experiments.evals.report import Report

# Batches whose pictures are held at once, so that prompts of like length come together.
_BATCHES_HELD = 4
# What a document can be that this package cannot answer.
REFUSALS = (BudgetError, OSError, ValueError)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One answer that a tool wants.

    Attributes:
        place: which one.
        load: gives pictures and question, when it is its turn.
        arguments: of the generation, as the task has them.
        counted: whether it belongs in the report; what fills up a rank's share does not.
    """

    place: Place
    load: Callable[[], Prompted]
    arguments: Mapping[str, Any]
    counted: bool = True


class Loaded(NamedTuple):
    """A request whose pictures are there.

    Attributes:
        request: what is wanted.
        prompted: pictures and question.
    """

    request: Request
    prompted: Prompted


class HarnessModel:
    """Answers a tool's requests adaptively.

    Args:
        args: which model, what it may spend and how it is run.
        say: takes a line that informs.
        warn: takes a line that warns.
        rank: of this process among those of one run; others than 0 write to a file of their own.

    Raises:
        BudgetError: if model or policy cannot be loaded.
        ValueError: if model, policy and budget do not fit together.
    """

    def __init__(self, args: ModelArgs, *, say: Say, warn: Say, rank: int = 0) -> None:
        self.args = args
        runner = load_model(args.model, **placed(args))
        policy = policy_of(args.policy, runner.ladder)
        self.vlm = AdaptiveVLM(runner, policy)
        check_budget(args.budget, runner, policy)
        self.generations = GenerationReader(args.max_new_tokens, args.seed, warn)
        self.report = Report(runner.ladder, choices_file(args.choices, rank))
        self.rank = rank
        self._say, self._warn = say, warn

    def answer(self, requests: Sequence[Request]) -> list[AdaptiveAnswer | None]:
        """Answer in input order; None stands for what cannot be, if errors count as empty answers.

        Raises:
            DataError: naming task and document, if one cannot be answered and errors stop the run.
        """
        found: list[AdaptiveAnswer | None] = []
        start = time.perf_counter()
        with progress("answers") as update:
            for held in chunks(requests, _BATCHES_HELD * self.args.batch_size):
                found += self._answer_held(held)
                if self.rank == 0:
                    update(len(found), len(requests))
        self.report.seconds += time.perf_counter() - start
        return found

    def fail(self, request: Request, problem: Exception) -> None:
        """Stop the run, or count a request that cannot be answered."""
        line = f"{request.place.name}: {one_line(problem)}"
        if self.args.errors == "stop":
            raise DataError(f"{line}; model_args errors=empty goes on without it") from problem
        self._warn(line)
        if request.counted:
            self.report.add_failed(request.place, one_line(problem))

    def say_report(self) -> None:
        """Say what was counted so far."""
        self._say(f"budget: {self.report.line()}")

    def load(self, request: Request) -> Loaded | None:
        """Load a request's pictures; None if that fails and errors count as empty answers."""
        try:
            return Loaded(request, request.load())
        except REFUSALS as problem:
            self.fail(request, problem)
            return None

    def count(self, request: Request, answer: AdaptiveAnswer) -> None:
        """Count an answer unless it only fills up."""
        if request.counted:
            self.report.add(request.place, answer)

    def _answer_held(self, requests: Sequence[Request]) -> list[AdaptiveAnswer | None]:
        loaded = [self.load(each) for each in requests]
        found = iter(self._answer_loaded([each for each in loaded if each is not None]))
        answers = [None if each is None else next(found) for each in loaded]
        for request, answer in zip(requests, answers, strict=True):
            if answer is not None:
                self.count(request, answer)
        return answers

    def _answer_loaded(self, loaded: Sequence[Loaded]) -> Sequence[AdaptiveAnswer | None]:
        try:
            return self._run(loaded)
        except REFUSALS as problem:
            if len(loaded) == 1:
                self.fail(loaded[0].request, problem)
                return [None]
        # One of them cannot be answered; alone it says which.
        return [answer for each in loaded for answer in self._answer_loaded([each])]

    def _run(self, loaded: Sequence[Loaded]) -> list[AdaptiveAnswer]:
        return self.vlm.answer(
            [each.prompted.images or None for each in loaded],
            [each.prompted.question for each in loaded],
            budget=self.args.budget,
            batch_size=self.args.batch_size,
            generation=[
                self.generations.read(each.request.arguments, each.request.place.name)
                for each in loaded
            ],
        )


def policy_of(policy: str | None, ladder: ScaleLadder) -> BudgetPolicy:
    """Return the policy of a name or folder; without one every image gets the largest scale.

    Raises:
        PolicyError: if there is none.
    """
    if policy is None:
        return FullScale(ladder)
    from policies.policy_files import load_policy

    known = policy in SHIPPED and not Path(policy).is_dir()
    folder = shipped_folder(policy) / "policy" if known else Path(policy)
    if not folder.is_dir():
        legal = ", ".join(SHIPPED)
        raise PolicyError(f"no policy folder {folder}; policy= takes a folder, {legal} or none")
    return load_policy(folder)


def check_budget(budget: Budget | None, runner: Any, policy: BudgetPolicy) -> None:
    """Refuse what model or policy cannot meet, before anything is asked."""
    if budget is None:
        return
    fixed = budget.num_visual_tokens
    if fixed is not None and hasattr(runner, "check_tokens"):
        runner.check_tokens(fixed)
    price_of: Callable[[Budget], object] | None = getattr(policy, "price_of", None)
    if fixed is None and budget.total_visual_tokens is None and price_of is not None:
        price_of(budget)


def placed(args: ModelArgs) -> dict[str, Any]:
    """Return the arguments of ``load_model``: on this process's GPU, if there is one to be had."""
    import torch

    loading = dict(args.loading)
    elsewhere = {"device", "device_map", "quantize"} & loading.keys()
    if not elsewhere and not args.model.startswith("openai:") and torch.cuda.is_available():
        loading["device"] = f"cuda:{int(os.environ.get('LOCAL_RANK', 0))}"
    return loading


def choices_file(path: str | None, rank: int) -> Path | None:
    """Return where a process writes its choices.

    Example:
        >>> choices_file("out/choices.jsonl", 1).name
        'choices.rank1.jsonl'
    """
    if path is None:
        return None
    place = Path(path)
    return place.with_suffix(f".rank{rank}{place.suffix}") if rank else place


def chunks(requests: Iterable[Request], size: int) -> Iterator[list[Request]]:
    """Yield requests in lists of a size at most."""
    rest = iter(requests)
    while held := list(islice(rest, size)):
        yield held
