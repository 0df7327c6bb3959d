"""Questions whose pictures are encoded once, answered again and again with more visual tokens.

session = model.session(images, questions)
first = session.answer([0, 1, 2], 4)
more = session.answer([1], 144)       # runs what sample 1 was not read for yet
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from budget.chat import Question
from budget.generation import NOTHING, generate
from budget.kept_cache import KeptPrompts, Trunk, can_keep
from budget.kept_cost import answer_flops, encoding_flops
from budget.listening import make_readers
from budget.relay import Relay
from budget.samples import (
    Sample,
    SampleFeatures,
    SampleImages,
    SampleScales,
    features_of,
    scales_of,
)
from budget.sampling import Generation, Listener, one_per_sample
from budget.types import Answer

if TYPE_CHECKING:
    from budget.llava import LlavaRunner

# Rests of prompts run together if the longest is not longer than so many times the shortest.
_MOST_PADDED = 1.5


class Session:
    """A batch of questions on their way through a model.

    Of a nested model (MQT) with one image in one square the key-value cache of the largest number
    of visual tokens so far is kept, and a further answer runs new visual tokens and the text
    behind them alone. Otherwise what the vision encoder found is kept. Answers are those of
    ``LlavaRunner.answer`` in both cases.

    Args:
        runner: the model.
        images: per question one image, several, or None.
        questions: the questions.
        features: what ``encode`` gave for these images; None to encode them here.
        keep: whether caches are kept where they can be.
        batch_size: samples that run together.

    Attributes:
        features: what ``encode`` gave, per sample.
        spent: FLOPs of every sample so far, the vision encoder's from its first answer on.

    Raises:
        ValueError: if there is not one question and feature per sample, or a prompt is too long.
    """

    def __init__(
        self,
        runner: "LlavaRunner",
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        features: Sequence[SampleFeatures] | None = None,
        keep: bool = True,
        batch_size: int = 32,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.runner, self.images, self.questions = runner, list(images), list(questions)
        self.samples = runner.samples(images, questions, runner.ladder[0], features)
        if features is None:
            features = runner.encode_samples(images)
        self.features = [features_of(each) for each in features]
        self.batch_size = batch_size
        self.spent = [0.0] * len(self.samples)
        able = keep and runner.nested and can_keep(runner.model.model.language_model.config)
        self._keeps = [able and sample.grids == [1] for sample in self.samples]
        self._kept: dict[int, Trunk] = {}

    @torch.inference_mode()
    def answer(
        self,
        rows: Sequence[int],
        num_visual_tokens: int | Sequence[SampleScales],
        *,
        max_new_tokens: int = 16,
        generation: Generation | Sequence[Generation] | None = None,
        listener: Listener | None = None,
    ) -> list[Answer]:
        """Answer some samples, in the order of ``rows``.

        Args:
            rows: indices of the samples, each at most once.
            num_visual_tokens: visual tokens per grid: one number for all, or for each row one
                number or one per image.
            max_new_tokens: tokens generated at most, the stop token included.
            generation: as ``LlavaRunner.answer`` takes it, one for all or one per row.
            listener: likewise; told of samples by their place in ``rows``.

        Raises:
            ValueError: as ``LlavaRunner.answer``, or if a row is named twice.
        """
        if len(set(rows)) != len(rows):
            raise ValueError(f"a sample can be answered once at a time, got rows {list(rows)}")
        wanted = scales_of(num_visual_tokens, [len(self.samples[i].scales) for i in rows])
        asked = {i: self._sample(i, scales) for i, scales in zip(rows, wanted, strict=True)}
        for sample in asked.values():
            self.runner.check_length(sample)
        if generation is None:
            generation = Generation(max_new_tokens=max_new_tokens)
        generations = one_per_sample(generation, len(rows))
        place = {i: p for p, i in enumerate(rows)}
        found: dict[int, Answer] = {}
        for own in self._batches(asked):
            places = [place[i] for i in own]
            run = self._answer_kept if self._keeps[own[0]] else self._answer_anew
            answers = run(
                own,
                asked,
                generation=[generations[p] for p in places],
                listener=None if listener is None else Relay(listener, places),
            )
            found.update(zip(own, answers, strict=True))
        return [found[i] for i in rows]

    def _batches(self, asked: Mapping[int, Sample]) -> Iterator[list[int]]:
        """Yield samples that run together: those without caches, then others of like rests."""
        anew = [i for i in asked if not self._keeps[i]]
        if anew:
            yield anew
        rests = {i: s.length - self._used(i, s) for i, s in asked.items() if self._keeps[i]}
        batch: list[int] = []
        for i in sorted(rests, key=lambda i: rests[i]):
            # What is padded is run in vain.
            if batch and (
                len(batch) == self.batch_size or rests[i] > _MOST_PADDED * rests[batch[0]]
            ):
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def can_read(self, i: int, num_visual_tokens: SampleScales) -> bool:
        """Return whether the language model has positions for a sample's prompt.

        Args:
            i: the sample.
            num_visual_tokens: visual tokens per grid, one number or one per image.
        """
        try:
            self.runner.check_length(self._sample(i, num_visual_tokens))
        except ValueError:
            return False
        return True

    def flops(self, i: int, num_visual_tokens: SampleScales, new_tokens: int = 1) -> float:
        """Return what one more answer to a sample takes, as things stand, in FLOPs.

        Args:
            i: the sample.
            num_visual_tokens: visual tokens per grid, one number or one per image.
            new_tokens: tokens that are generated, the stop token included.
        """
        return self._flops(i, self._sample(i, num_visual_tokens), new_tokens)

    def direct_flops(self, i: int, num_visual_tokens: SampleScales, new_tokens: int = 1) -> float:
        """Return what a first and only answer to a sample takes, in FLOPs.

        Args are those of ``flops``.
        """
        sample, shape = self._sample(i, num_visual_tokens), self.runner.shape
        once = encoding_flops(shape, sum(sample.grids))
        return once + answer_flops(shape, prompt=sample.length, new_tokens=new_tokens)

    def _flops(self, i: int, sample: Sample, new_tokens: int) -> float:
        shape, kept = self.runner.shape, self._used(i, sample)
        once = 0.0 if self.spent[i] else encoding_flops(shape, sum(sample.grids))
        return once + answer_flops(shape, prompt=sample.length, new_tokens=new_tokens, kept=kept)

    def _sample(self, i: int, num_visual_tokens: SampleScales) -> Sample:
        """Return what a sample asks for at some scale, checked."""
        sample = self.samples[i]
        (scales,) = scales_of([num_visual_tokens], [len(sample.scales)])
        for m in set(scales):
            self.runner.check_tokens(m)
        return sample._replace(scales=scales)

    def _used(self, i: int, sample: Sample) -> int:
        """Return how many tokens of a sample's prompt are in the cache."""
        kept = self._kept.get(i)
        return 0 if kept is None else min(len(kept.columns), _trunk(sample))

    def _answer_anew(
        self,
        rows: Sequence[int],
        asked: Mapping[int, Sample],
        *,
        generation: Sequence[Generation],
        listener: Listener | None = None,
    ) -> list[Answer]:
        """Answer samples of which features are kept and nothing else."""
        answers = self.runner.answer(
            [self.images[i] for i in rows],
            [self.questions[i] for i in rows],
            num_visual_tokens=[asked[i].scales for i in rows],
            features=[self.features[i] for i in rows],
            batch_size=self.batch_size,
            generation=generation,
            listener=listener,
        )
        for i, answer in zip(rows, answers, strict=True):
            self._pay(i, asked[i], answer)
        return answers

    def _answer_kept(
        self,
        rows: Sequence[int],
        asked: Mapping[int, Sample],
        *,
        generation: Sequence[Generation],
        listener: Listener | None = None,
    ) -> list[Answer]:
        """Answer one batch of samples of which caches are kept."""
        readers = make_readers(self.runner.prompt, generation, listener)
        wanted = [place for place, reader in enumerate(readers) if not reader.cancelled()]
        found = dict.fromkeys(range(len(rows)), NOTHING)
        trunks: dict[int, Trunk] = {}
        if wanted:
            own = [rows[place] for place in wanted]
            kept = self._kept_prompts(own, asked)
            generated = generate(
                self.runner.model.model.language_model,
                self.runner.model.lm_head,
                self._rests(own, asked),
                [generation[place] for place in wanted],
                stop_ids=self.runner.stop_ids,
                readers=[readers[place] for place in wanted],
                kept=kept,
            )
            found.update(zip(wanted, generated, strict=True))
            trunks.update(zip(own, kept.found, strict=True))
        answers = []
        for i, reader, result in zip(rows, readers, found.values(), strict=True):
            text = reader.text(result.token_ids)
            answers.append(self.runner.answer_of(asked[i], result, text))
            self._pay(i, asked[i], answers[-1])
        for i, trunk in trunks.items():
            known = self._kept.get(i)
            if known is None or len(known.columns) < len(trunk.columns):
                self._kept[i] = trunk
        return answers

    def _pay(self, i: int, sample: Sample, answer: Answer) -> None:
        if answer.token_ids:
            self.spent[i] += self._flops(i, sample, len(answer.token_ids))
        elif not self.spent[i]:  # cancelled before the language model ran
            self.spent[i] = encoding_flops(self.runner.shape, sum(sample.grids))

    def _kept_prompts(self, rows: Sequence[int], asked: Mapping[int, Sample]) -> KeptPrompts:
        return KeptPrompts(
            [self._kept.get(i) for i in rows],
            [self._used(i, asked[i]) for i in rows],
            [_trunk(asked[i]) for i in rows],
        )

    def _rests(self, rows: Sequence[int], asked: Mapping[int, Sample]) -> list[torch.Tensor]:
        """Return the embeddings of what each row runs, shapes [t_i, d]."""
        features = [self.features[i][0] for i in rows]
        wanted = [asked[i].scales[0] for i in rows]
        visual = self.runner.visual_tokens(features, wanted)
        texts = self.runner.embed_texts([part for i in rows for part in asked[i].prompt.parts])
        rests = []
        for i, tokens in zip(rows, visual, strict=True):
            before, behind = next(texts), next(texts)
            whole = torch.cat([before, tokens.to(before), behind])
            rests.append(whole[self._used(i, asked[i]) :])
        return rests


def _trunk(sample: Sample) -> int:
    """Return the tokens of a prompt up to the end of its one picture."""
    return len(sample.prompt.before) + sample.visual_tokens
