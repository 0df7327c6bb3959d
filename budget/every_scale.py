"""A question at every rung of the ladder, with all that the rungs share run once.

The image is encoded once. Text before the image is the same for all samples and rungs, and read
once a batch. MQT's visual tokens are nested, so those of the largest rung are read once, and the
question behind the first m of them for every m; M3's differ from rung to rung, so each rung's are
a branch of their own. Rungs that come out with the same visual tokens (a question without an
image) are run once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from budget.branch_decoding import Rollouts, decode, score_choices
from budget.branches import MASKED_ATTENTION, Branches, Tree
from budget.chat import Question
from budget.samples import Sample, SampleFeatures, SampleImages, features_of, images_of
from budget.types import Answer

if TYPE_CHECKING:
    from budget.generation import Generated
    from budget.llava import LlavaRunner


# Larger passes fall out of a processor's caches: the shipped models were fastest at 600 to 1,300.
CPU_PASS_TOKENS = 1250


class Plan(NamedTuple):
    """One sample's branches.

    Attributes:
        samples: what it asks for at each distinct rung.
        rungs: the branch of every rung of the ladder, length k.
    """

    samples: list[Sample]
    rungs: list[int]


def can_share(runner: "LlavaRunner") -> bool:
    """Return whether the runner's attention can keep branches apart."""
    text = runner.model.model.language_model.config
    return getattr(text, "_attn_implementation", None) in MASKED_ATTENTION


class Likelihoods(NamedTuple):
    """How likely given answers to one question are at one rung.

    Attributes:
        log_likelihoods: sum of the log-probabilities of each answer's tokens, without a stop token.
        lengths: tokens of each.
        num_visual_tokens: visual tokens in the prompt, over all images and their tiles.
        prompt_tokens: length of the whole prompt.
        grids: squares that passed the vision encoder.
    """

    log_likelihoods: tuple[float, ...]
    lengths: tuple[int, ...]
    num_visual_tokens: int
    prompt_tokens: int
    grids: int


class EveryScale:
    """A batch of questions at every rung of a runner's ladder.

    Args:
        runner: the model.
        images: per question one image, several, or None.
        questions: the questions.
        features: what ``encode`` gave for these images; None to encode them here.
        batch_size: samples that run together.
        pass_tokens: tokens that one pass of the language model reads at most, if one sample alone
            does not have more. By default no limit on an accelerator, ``CPU_PASS_TOKENS`` on a CPU.

    Raises:
        ValueError: if there is not one question per sample.
    """

    def __init__(
        self,
        runner: "LlavaRunner",
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
        pass_tokens: int | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.runner, self.images, self.features = runner, images, features
        self.questions = questions
        self.batch_size, self.pass_tokens = batch_size, pass_tokens
        if pass_tokens is None and runner.device.type == "cpu":
            self.pass_tokens = CPU_PASS_TOKENS
        self.plans = self._plans(questions)

    @torch.inference_mode()
    def answers(
        self, *, max_new_tokens: int = 16, rollouts: Rollouts | None = None
    ) -> list[list[list[Answer]]]:
        """Return per sample and rung the answer, or as many as are drawn.

        Args:
            max_new_tokens: tokens generated at most, the stop token included.
            rollouts: how answers are drawn; None for one greedy answer. Its draws are per rung:
                shape [samples, steps, rungs, number].
        """

        def generate(branches: Branches, rows: list[int]) -> list[list[list["Generated"]]]:
            drawn = None
            if rollouts is not None:
                firsts = [self.plans[rows[0]].rungs.index(k) for k in range(len(branches.seen))]
                drawn = rollouts._replace(draws=rollouts.draws[rows][:, :, firsts])
            return decode(
                branches,
                self.runner.model.lm_head,
                max_new_tokens=max_new_tokens,
                stop_ids=self.runner.stop_ids,
                rollouts=drawn,
            )

        answers = []
        room = max_new_tokens * (1 if rollouts is None else rollouts.number)
        for plan, per_branch in zip(self.plans, self._run(generate, room), strict=True):
            made = [
                [self.runner.answer_of(sample, result) for result in results]
                for sample, results in zip(plan.samples, per_branch, strict=True)
            ]
            answers.append([made[branch] for branch in plan.rungs])
        return answers

    def likelihoods(self, answers: Sequence[Sequence[str]]) -> list[list[Likelihoods]]:
        """Return per sample and rung how likely each of its given answers is.

        Args:
            answers: per sample, texts as the model would write them.

        Raises:
            ValueError: if a text is empty or cannot be told from the prompt; see
                ``Prompt.answer_ids``.
        """
        ids = [
            [self.runner.prompt.answer_ids(question, text, len(images_of(image))) for text in own]
            for question, image, own in zip(self.questions, self.images, answers, strict=True)
        ]
        return [
            [
                Likelihoods(
                    tuple(sums[rung].tolist()),
                    tuple(map(len, own)),
                    plan.samples[branch].visual_tokens,
                    plan.samples[branch].length,
                    sum(plan.samples[branch].grids),
                )
                for rung, branch in enumerate(plan.rungs)
            ]
            for plan, own, sums in zip(self.plans, ids, self.choice_scores(ids), strict=True)
        ]

    @torch.inference_mode()
    def choice_scores(self, choices: Sequence[Sequence[Sequence[int]]]) -> list[torch.Tensor]:
        """Return per sample the log-likelihood of each choice at each rung, shape [rungs, c].

        Args:
            choices: per sample, the token ids of each choice.

        Raises:
            ValueError: if a choice has no ids.
        """

        def score(branches: Branches, rows: list[int]) -> list[torch.Tensor]:
            return score_choices(
                branches, self.runner.model.lm_head, [choices[row] for row in rows]
            )

        longest = max((len(ids) for sample in choices for ids in sample), default=0)
        most = max((len(sample) for sample in choices), default=0)
        found = self._run(score, longest * most)
        return [sums[plan.rungs] for plan, sums in zip(self.plans, found, strict=True)]

    @torch.inference_mode()
    def logits(self) -> list[list[torch.Tensor]]:
        """Return per sample and rung the logits behind the images, shape [positions, vocabulary].

        Positions are those of a rung's own branch: for nested tokens the text behind the image,
        otherwise the visual tokens and that text, in a question without images all of it.
        """

        def read(branches: Branches, rows: list[int]) -> list[list[torch.Tensor]]:
            head = self.runner.model.lm_head
            return [
                [head(states[row, :n]) for states, n in zip(branches.hidden, lengths, strict=True)]
                for row, lengths in enumerate(branches.lengths.tolist())
            ]

        found = self._run(read, 0)
        return [
            [per_branch[branch] for branch in plan.rungs]
            for plan, per_branch in zip(self.plans, found, strict=True)
        ]

    def _plans(self, questions: Sequence[Question]) -> list[Plan]:
        ladder = list(self.runner.ladder)
        plans = []
        for sample in self.runner.samples(self.images, questions, ladder[0], self.features):
            if sample.scales:
                images = len(sample.scales)
                rungs = [sample._replace(scales=[m] * images) for m in ladder]
                self.runner.check_length(rungs[-1])
                plans.append(Plan(rungs, list(range(len(ladder)))))
            else:  # without an image there is nothing to choose
                plans.append(Plan([sample], [0] * len(ladder)))
        return plans

    def _run(self, use: Callable[[Branches, list[int]], list[Any]], room: int) -> list[Any]:
        """Return what ``use`` makes of every sample, like prompts together, in input order."""
        found: dict[int, Any] = {}
        for rows in self._batches():
            trees = self._trees(rows)
            for kind in dict.fromkeys(tree.kind for tree in trees):
                places = [place for place, tree in enumerate(trees) if tree.kind == kind]
                own = [rows[place] for place in places]
                branches = Branches(
                    self.runner.model.model.language_model,
                    [trees[place] for place in places],
                    pass_tokens=self.pass_tokens,
                    room=room * len(trees[places[0]].seen),
                )
                found.update(zip(own, use(branches, own), strict=True))
        return [found[i] for i in range(len(self.plans))]

    def _batches(self) -> Iterator[list[int]]:
        """Yield samples that have the same branches, those of like length together."""
        shapes = [(self._is_nested(i), len(plan.samples)) for i, plan in enumerate(self.plans)]
        for shape in dict.fromkeys(shapes):
            rows = [i for i, own in enumerate(shapes) if own == shape]
            rows.sort(key=lambda i: self.plans[i].samples[-1].length)
            while rows:
                together = self._together(rows)
                yield rows[:together]
                rows = rows[together:]

    def _together(self, rows: Sequence[int]) -> int:
        """Return how many of these samples are read in one pass; lengths rise along them."""
        if self.pass_tokens is None:
            return self.batch_size
        for count, i in enumerate(rows[: self.batch_size], start=1):
            if count * self.plans[i].samples[-1].length > self.pass_tokens:
                return max(count - 1, 1)
        return self.batch_size

    def _trees(self, rows: Sequence[int]) -> list[Tree]:
        """Return the embedded prompts of some samples."""
        images = [images_of(self.images[i]) for i in rows]
        if self.features is None:
            flat = iter(self.runner.encode([image for each in images for image in each]))
            features = [[next(flat) for _ in each] for each in images]
        else:
            features = [features_of(self.features[i]) for i in rows]
        texts = self.runner.embed_texts(
            [part for i in rows for part in self.plans[i].samples[0].prompt.parts]
        )
        parts = [[next(texts) for _ in self.plans[i].samples[0].prompt.parts] for i in rows]
        if self._is_nested(rows[0]):
            return self._nested_trees(rows, features, parts)
        return self._plain_trees(features, parts)

    def _is_nested(self, i: int) -> bool:
        """Whether a sample's rungs are prefixes of its largest: one image, in one square."""
        return self.runner.nested and self.plans[i].samples[-1].grids == [1]

    def _nested_trees(
        self, rows: Sequence[int], features: list[Any], parts: list[list[torch.Tensor]]
    ) -> list[Tree]:
        largest = self.runner.ladder[-1]
        tokens = self.runner.visual_tokens([own[0] for own in features], [largest] * len(rows))
        trees = []
        for i, (before, after), visual in zip(rows, parts, tokens, strict=True):
            trunk = torch.cat([before, visual.to(before)])
            seen = tuple(len(before) + sample.visual_tokens for sample in self.plans[i].samples)
            trees.append(Tree(trunk, [after] * len(seen), seen, len(before)))
        return trees

    def _plain_trees(self, features: list[Any], parts: list[list[torch.Tensor]]) -> list[Tree]:
        flat = [each for own in features for each in own]
        # Of every rung, each image's tokens; a sample without images takes none of them.
        per_rung = [
            iter(self.runner.visual_tokens(flat, [m] * len(flat))) for m in self.runner.ladder
        ]
        trees = []
        for first, *rest in parts:
            if not rest:
                trees.append(Tree(first[:0], [first], (0,), 0))
                continue
            branches = [
                torch.cat([piece for text in rest for piece in (next(tokens).to(text), text)])
                for tokens in per_rung
            ]
            trees.append(Tree(first, branches, (len(first),) * len(branches), len(first)))
        return trees
