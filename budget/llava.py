"""What M3 and MQT share: batched answers with a chosen number of visual tokens.

A subclass says how features become exactly m visual tokens; everything else is the same.
"""

from collections.abc import Sequence

import torch
from PIL.Image import Image

from budget.chat import Question
from budget.cost import llava_cost
from budget.every_scale import EveryScale, can_share
from budget.every_scale_cost import every_scale_flops
from budget.exact_costs import ExactCosts
from budget.generation import NOTHING, Generated, generate, pad_left
from budget.listening import make_readers
from budget.llava_inputs import LlavaInputs
from budget.samples import Sample, SampleFeatures, SampleImages, SampleScales
from budget.sampling import Generation, Listener, one_per_sample
from budget.schedule import UNMEASURED, Times, groups_of
from budget.session import Session
from budget.types import Answer, Cost


class LlavaRunner(LlavaInputs, ExactCosts):
    """A LLaVA-like transformers model that answers with a chosen number of visual tokens.

    Args and what a sample is are those of :class:`budget.llava_inputs.LlavaInputs`.

    Attributes:
        nested: whether an image's tokens for m are the first m of those for any larger number.
        times: what batches take, which decides which prompts run together; set it to what
            ``budget.time_model.read_times`` read if this machine was measured.
    """

    nested = False
    times: Times = UNMEASURED

    @torch.inference_mode()
    def answer(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        num_visual_tokens: int | Sequence[SampleScales],
        max_new_tokens: int = 16,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
        generation: Generation | Sequence[Generation] | None = None,
        listener: Listener | None = None,
    ) -> list[Answer]:
        """Answer one question per sample, in input order; see ``MatryoshkaVLM.answer``.

        Args:
            images: per question one image, several, or None; of a chat those of all its turns.
            questions: the questions, each a text or a chat.
            num_visual_tokens: visual tokens per grid: one number for all, or for each sample one
                number or one per image.
            max_new_tokens: tokens generated at most, the stop token included.
            features: what ``encode`` gave for these images; skips the vision encoder.
            batch_size: samples that run together, at most; prompts of like length are put together
                as ``times`` says is fastest.
            generation: how answers are generated, one for all or one per sample, in place of
                ``max_new_tokens``.
            listener: told of text as it comes, by the sample's place in ``questions``.

        Raises:
            ValueError: if a number of visual tokens cannot be met exactly, if there is not one
                question, number, feature and generation per sample, or if a prompt is too long or
                refused by the chat template.
        """
        if generation is None:
            generation = Generation(max_new_tokens=max_new_tokens)
        samples = self.samples(images, questions, num_visual_tokens, features)
        generations = one_per_sample(generation, len(samples))
        readers = make_readers(self.prompt, generations, listener)
        groups = groups_of(
            [sample.length for sample in samples],
            self.times,
            batch_size=batch_size,
            new_tokens=max((each.max_new_tokens for each in generations), default=1),
        )
        seen = self.seen_in_order([i for rows in groups for i in rows], images, features)
        answers: dict[int, Answer] = {}
        for rows in groups:
            own = {i: [next(seen) for _ in samples[i].scales] for i in rows}
            wanted = [i for i in rows if not readers[i].cancelled()]
            found = dict.fromkeys(rows, NOTHING)
            prompts = self._embed_rows(wanted, samples, images, own) if wanted else []
            del own  # of no use any more, and as large as the widest prompts
            if wanted:
                generated = generate(
                    self.model.model.language_model,
                    self.model.lm_head,
                    prompts,
                    [generations[i] for i in wanted],
                    stop_ids=self.stop_ids,
                    readers=[readers[i] for i in wanted],
                )
                found.update(zip(wanted, generated, strict=True))
            for i, result in found.items():
                text = readers[i].text(result.token_ids)
                answers[i] = self.answer_of(samples[i], result, text)
        return [answers[i] for i in range(len(samples))]

    def answer_of(self, sample: Sample, generated: Generated, text: str | None = None) -> Answer:
        """Return what was generated for a sample as its answer.

        Args:
            sample: what was asked.
            generated: what came.
            text: what it says; by default all tokens, decoded.
        """
        return Answer(
            self.prompt.decode(list(generated.token_ids)) if text is None else text,
            generated.token_ids,
            sample.visual_tokens,
            sample.length,
            generated.confidence,
            sum(sample.grids),
            generated.margin,
            generated.entropy,
            generated.finish_reason,
        )

    def session(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        features: Sequence[SampleFeatures] | None = None,
        keep: bool = True,
        batch_size: int = 32,
    ) -> Session:
        """Return questions to be answered again and again, with more visual tokens each time.

        Args and errors are those of :class:`budget.session.Session`.
        """
        return Session(self, images, questions, features=features, keep=keep, batch_size=batch_size)

    def answer_every_scale(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        max_new_tokens: int = 16,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
    ) -> list[list[Answer]]:
        """Answer every question at every rung of the ladder; what rungs share is run once.

        Args and errors are those of ``answer``; memory is that of all rungs together.

        Returns:
            Per sample, one answer per rung, cheapest first: those that ``answer`` gives.
        """
        if can_share(self):
            shared = self.every_scale(images, questions, features=features, batch_size=batch_size)
            found = shared.answers(max_new_tokens=max_new_tokens)
            return [[answer for (answer,) in rungs] for rungs in found]
        if features is None:
            features = self.encode_samples(images)
        per_rung = [
            self.answer(
                images,
                questions,
                num_visual_tokens=m,
                max_new_tokens=max_new_tokens,
                features=features,
                batch_size=batch_size,
            )
            for m in self.ladder
        ]
        return [list(rungs) for rungs in zip(*per_rung, strict=True)]

    def every_scale(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
    ) -> EveryScale:
        """Return questions at every rung of the ladder, to draw answers or to weigh given ones.

        Args are those of ``answer``.

        Raises:
            ValueError: as ``answer``, or if the model's attention cannot keep rungs apart.
        """
        if not can_share(self):
            raise ValueError(f"{self.name} needs attention sdpa or eager to read all rungs at once")
        return EveryScale(self, images, questions, features=features, batch_size=batch_size)

    @torch.inference_mode()
    def logits(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        num_visual_tokens: int | Sequence[SampleScales],
    ) -> list[torch.Tensor]:
        """Return the logits of every prompt position, run as one batch.

        Args and errors are those of ``answer``.

        Returns:
            Per sample, shape [positions, vocabulary].
        """
        samples = self.samples(images, questions, num_visual_tokens, None)
        padded = pad_left(self._embed_rows(range(len(samples)), samples, images, None))
        states = self.model.model.language_model(
            inputs_embeds=padded.embeds,
            attention_mask=padded.mask,
            position_ids=padded.positions,
            use_cache=False,
        ).last_hidden_state
        return [
            self.model.lm_head(row[len(row) - sample.length :])
            for row, sample in zip(states, samples, strict=True)
        ]

    def prompt_logits(
        self, image: SampleImages, question: Question, *, num_visual_tokens: SampleScales
    ) -> torch.Tensor:
        """Return the logits of every position of one prompt, shape [positions, vocabulary]."""
        return self.logits([image], [question], num_visual_tokens=[num_visual_tokens])[0]

    def count_text_tokens(self, question: Question, images: int | None = None) -> int:
        """Return the length of a prompt without the visual tokens.

        Args:
            question: a text or a chat.
            images: how many there are; by default as many as a chat has, and one of a text.
        """
        return self.prompt.ids(question, images).text_tokens

    def cost(
        self, num_visual_tokens: int, text_tokens: int, new_tokens: int, *, grids: int = 1
    ) -> Cost:
        """Return the cost of one sample; see ``budget.cost.llava_cost``."""
        if grids:
            self.check_tokens(num_visual_tokens)
        return llava_cost(
            self.shape,
            num_visual_tokens=num_visual_tokens,
            text_tokens=text_tokens,
            new_tokens=new_tokens,
            bytes_per_value=self.model.dtype.itemsize,
            grids=grids,
        )

    def answer_cost(self, answer: Answer) -> Cost:
        """Return what an answer took, whatever scales its images had.

        A prompt costs what its length costs: visual tokens beyond the smallest scale's are counted
        with the text.
        """
        least = self.ladder[0] if answer.grids else 0
        rest = answer.prompt_tokens - least * answer.grids
        return self.cost(least, rest, max(len(answer.token_ids), 1), grids=answer.grids)

    def full_flops(self, answer: Answer, images: SampleImages) -> float:
        """Return what an answer of the same length takes with every image at the largest scale."""
        text = answer.prompt_tokens - answer.num_visual_tokens
        new = max(len(answer.token_ids), 1)
        return self.cost(self.ladder[-1], text, new, grids=answer.grids).flops

    def realised(self, image: Image) -> list[int]:
        """Return the visual tokens that an image costs at every rung: as many in each grid."""
        grids = self.count_grids(image)
        return [m * grids for m in self.ladder]

    def every_scale_flops(self, rungs: Sequence[Answer], sharing: int = 1) -> float:
        """Return the FLOPs that answers of ``answer_every_scale`` to one question took at least.

        Args:
            rungs: one answer per rung.
            sharing: questions with images that were read together.
        """
        distinct = {answer.num_visual_tokens: answer for answer in rungs}
        answers = list(distinct.values())
        text = answers[0].prompt_tokens - answers[0].num_visual_tokens
        before = len(self.prompt.ids("").before) if answers[0].grids else 0
        return every_scale_flops(
            self.shape,
            list(distinct),
            [len(answer.token_ids) for answer in answers],
            before=before,
            behind=text - before,
            nested=self.nested and answers[0].grids == 1,
            grids=answers[0].grids,
            sharing=sharing,
        )

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end an answer."""
        stop = self.model.generation_config.eos_token_id
        if stop is None:
            stop = self.tokenizer.eos_token_id
        return () if stop is None else (stop,) if isinstance(stop, int) else tuple(stop)
