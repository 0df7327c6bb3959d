"""The likeliest of given answers: the options of a question, or yes and no; nothing is generated.

A choice's likelihood is that of its tokens behind the prompt, where an answer would stand
(``budget.prompt.Prompt.answer_ids``), without a stop token: a sum of log-probabilities, which
favours short choices, or with ``normalise_length`` their mean. Softmax over the choices makes a
distribution of these; ``confidence`` is the log of the winner's share, ``margin`` what it is ahead
of the next, ``entropy`` that of the distribution.

The FLOPs of a rung are the prompt's and those of the tokens of all choices, but the last of each,
read in one pass; padding is not counted.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budget.types import Answer
from oracle.answering import check_branches
from oracle.batch import RungResult, decode_flops, rung_result, seconds_per_flop
from oracle.options import options_of, read_options
from oracle.samples import Sample

if TYPE_CHECKING:
    from budget.every_scale import Likelihoods
    from oracle.scoring import Scorer

FORMS = ("letters", "words", "yes-no")


class Choice(NamedTuple):
    """One answer that may be given.

    Attributes:
        answer: what is scored.
        spellings: how the model may write it; their probabilities add up.
    """

    answer: str
    spellings: tuple[str, ...]


# As the training data of LLaVA have them, and as those of smaller models.
YES_NO = (Choice("Yes", ("Yes", "yes")), Choice("No", ("No", "no")))


@dataclass(frozen=True, slots=True)
class Closed:
    """The likeliest choice.

    Attributes:
        form: ``letters`` A, B, C... of the options, which the question has to list; the options'
            ``words``; or ``yes-no``, with or without a capital.
        normalise_length: divide log-likelihoods by the number of tokens; for words.

    Raises:
        ValueError: if there is no such form, or it is not for words that lengths are normalised.
    """

    form: str
    normalise_length: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"unknown choices {self.form!r}; legal are {', '.join(FORMS)}")
        if self.normalise_length and self.form != "words":
            raise ValueError(f"lengths are normalised of choices 'words' alone, got {self.form!r}")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the manifest says; no number of new tokens, for there are none."""
        own = {"closed": self.form, "normalise_length": self.normalise_length}
        return {**own, "max_new_tokens": None}

    def check_model(self, model: Any) -> None:
        """Refuse a model that does not read all rungs at once.

        Raises:
            ValueError: names it.
        """
        check_branches(model, "--closed")

    def check_sample(self, sample: Sample) -> None:
        """Refuse a sample without choices; see ``choices``."""
        self.choices(sample)

    def choices(self, sample: Sample) -> tuple[Choice, ...]:
        """Return what may be answered to a sample.

        Raises:
            ValueError: if there are fewer than two options, one has no text, or letters stand for
                options that the question does not list.
        """
        if self.form == "yes-no":
            return YES_NO
        told = {name: sample.told[name] for name in ("options",) if name in sample.told}
        (options,) = options_of({"question": [sample.question], **told})
        if len(options) < 2 or not all(options):
            raise ValueError(
                f"choices need at least two options with some text, got {options!r:.80}"
            )
        if self.form == "words":
            return tuple(Choice(option, (option,)) for option in options)
        asked = sample.question.casefold()
        listed = read_options(sample.question) or all(o.casefold() in asked for o in options)
        if not listed:
            raise ValueError(
                "the question does not list the options that letters stand for, first "
                f"{options[0]!r:.40}; --list-options lists them, --choices words asks for words"
            )
        return tuple(Choice(letter, (letter,)) for letter in ascii_uppercase[: len(options)])

    def run(
        self,
        model: Any,
        samples: Sequence[Sample],
        images: Sequence[Any],
        *,
        max_new_tokens: int,
        score: "Scorer",
    ) -> list[list[RungResult]]:
        """Run samples as one batch at every rung; return one list of rungs per sample."""
        choices = [self.choices(sample) for sample in samples]
        start = time.perf_counter()
        found = model.every_scale(
            images, [sample.question for sample in samples], batch_size=len(samples)
        ).likelihoods([[text for one in own for text in one.spellings] for own in choices])
        seconds = time.perf_counter() - start
        prompts = [[_prompt(likelihoods) for likelihoods in rungs] for rungs in found]
        behind = [
            [
                sum(decode_flops(model, prompt, m, length) for length in likelihoods.lengths)
                for prompt, likelihoods, m in zip(own, rungs, model.ladder, strict=True)
            ]
            for own, rungs in zip(prompts, found, strict=True)
        ]
        whole = [
            [
                rung_result(model, prompt, 0.0).flops + more
                for prompt, more, m in zip(own, extra, model.ladder, strict=True)
            ]
            for own, extra in zip(prompts, behind, strict=True)
        ]
        pace = seconds_per_flop(model, prompts, behind, seconds)
        return [
            [
                RungResult(
                    *self._decide(own, likelihoods),
                    flops,
                    pace * flops,
                    likelihoods.num_visual_tokens,
                    likelihoods.prompt_tokens,
                )
                for likelihoods, flops in zip(rungs, costs, strict=True)
            ]
            for own, rungs, costs in zip(choices, found, whole, strict=True)
        ]

    def _decide(
        self, choices: Sequence[Choice], likelihoods: "Likelihoods"
    ) -> tuple[str, float, float, float]:
        """Return the likeliest choice with its confidence, margin and entropy."""
        spelled = np.array(likelihoods.log_likelihoods)
        if self.normalise_length:
            spelled = spelled / np.array(likelihoods.lengths)
        ends = np.cumsum([len(choice.spellings) for choice in choices])
        each = np.array([np.logaddexp.reduce(own) for own in np.split(spelled, ends[:-1])])
        log_shares = each - np.logaddexp.reduce(each)
        second, first = np.sort(np.exp(log_shares))[-2:]
        entropy = -float(np.sum(np.exp(log_shares) * log_shares))
        best = int(log_shares.argmax())
        return choices[best].answer, float(log_shares[best]), float(first - second), entropy


def _prompt(likelihoods: "Likelihoods") -> Answer:
    """Return a prompt as an answer of one token, which is what reading it alone costs."""
    return Answer(
        "",
        (0,),
        likelihoods.num_visual_tokens,
        likelihoods.prompt_tokens,
        0.0,
        likelihoods.grids,
    )
