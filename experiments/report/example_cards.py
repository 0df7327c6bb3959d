"""What a report says of one sample, ready for the page: texts are plain and cut, none escaped."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.report.assessment import chosen_rungs
from experiments.report.phrases import tokens_in_words
from experiments.report.runs import Run
from policies.allocation import IntArray

_SHOWN = 180
_KEPT = 3000
_REFERENCES = 5


class Text(NamedTuple):
    """A text that may be long.

    Attributes:
        start: what is always shown.
        whole: the text to be unfolded; empty where ``start`` is all of it.
        note: what is said of its length.
    """

    start: str
    whole: str = ""
    note: str = ""


class Answer(NamedTuple):
    """One scale's answer.

    Attributes:
        tokens: visual tokens, as text.
        right: whether it counts as right.
        score: as text; empty where it is 0 or 1.
        text: the answer.
        tags: what else is to be said of the scale: the one needed, those that policies chose.
    """

    tokens: str
    right: bool
    score: str
    text: Text
    tags: tuple[str, ...]


class Card(NamedTuple):
    """One sample.

    Attributes:
        links: data URIs of its images.
        pictures_note: what is to be said of its images; empty for most.
        sample_id: its name.
        group: its group.
        question: None where the data are not at hand.
        references: right answers.
        more_references: how many more there are.
        answers: at every scale, cheapest first.
        note: what is to be said of it here.
        keys: what filters look for, by the filter's name.
    """

    links: tuple[str, ...]
    pictures_note: str
    sample_id: str
    group: str
    question: Text | None
    references: tuple[Text, ...]
    more_references: int
    answers: tuple[Answer, ...]
    note: str
    keys: Mapping[str, str]


class Filter(NamedTuple):
    """A filter of the page.

    Attributes:
        name: of the key in cards, letters and digits.
        title: beside it.
        options: value and text of every choice but the first, which is all.
    """

    name: str
    title: str
    options: tuple[tuple[str, str], ...]


def cut(text: object) -> Text:
    """Return a text of which the start is shown, the rest unfolds, and what is beyond is gone.

    Example:
        >>> cut("yes")
        Text(start='yes', whole='', note='')
        >>> cut("x" * 200).note
        'the whole of 200 characters'
    """
    plain = str(text)
    if len(plain) <= _SHOWN:
        return Text(plain)
    note = f"the whole of {len(plain):,} characters"
    if len(plain) > _KEPT:
        note = f"the first {_KEPT:,} of {len(plain):,} characters"
    return Text(plain[:_SHOWN].rstrip() + " …", plain[:_KEPT], note)


class Context(NamedTuple):
    """What all cards of a run look at.

    Attributes:
        run: the oracle run.
        needed: minimal rung of every sample, -1 for none.
        chosen: chosen rungs by the policy's name, shape [n] each.
        threshold: score from which an answer counts as right.
    """

    run: Run
    needed: IntArray
    chosen: Mapping[str, IntArray]
    threshold: float


def context_of(run: Run, needed: IntArray, threshold: float) -> Context:
    """Return what cards look at; policies choose at their own prices."""
    return Context(run, needed, {p.name: chosen_rungs(p) for p in run.policies}, threshold)


def card_of(
    seen: Context, row: int, *, note: str, links: tuple[str, ...], pictures_note: str, part: int
) -> Card:
    """Return what is said of one sample.

    Args:
        seen: the run and what is known of it.
        row: of the sample.
        note: what is to be said of it in its part.
        links: data URIs of its images.
        pictures_note: what is to be said of its images.
        part: in which it stands.
    """
    curves, samples = seen.run.curves, seen.run.samples
    references = samples.references[row] if samples is not None else ()
    group, need = str(curves.groups[row]), str(int(seen.needed[row]))
    chosen = {f"policy{i}": str(int(r[row])) for i, r in enumerate(seen.chosen.values())}
    return Card(
        links,
        pictures_note,
        str(curves.sample_ids[row]),
        group,
        cut(samples.questions[row]) if samples is not None else None,
        tuple(cut(each) for each in references[:_REFERENCES]),
        max(0, len(references) - _REFERENCES),
        tuple(_answer(seen, row, rung) for rung in range(curves.num_rungs)),
        note,
        {"part": str(part), "group": group, "need": need, **chosen},
    )


def _answer(seen: Context, row: int, rung: int) -> Answer:
    curves = seen.run.curves
    score = float(curves.scores[row, rung])
    scale, used = curves.scales[rung], int(curves.num_visual_tokens[row, rung])
    tags = ["enough"] if rung == seen.needed[row] else []
    tags += [f"chosen by {name}" for name, rungs in seen.chosen.items() if rungs[row] == rung]
    return Answer(
        f"{scale:,}" if used == scale else f"{scale:,} (used {used:,})",
        score >= seen.threshold,
        "" if score in (0.0, 1.0) else f"{score:.2f}",
        cut(curves.answers[row, rung]),
        tuple(tags),
    )


def filters_of(run: Run, titles: Sequence[str], cards: Sequence[Card]) -> tuple[Filter, ...]:
    """Return the filters that have something to choose from in these cards.

    Args:
        run: the oracle run.
        titles: of the parts.
        cards: of all parts.
    """
    scales = tuple((str(i), tokens_in_words(m)) for i, m in enumerate(run.curves.scales))
    groups = sorted({card.group for card in cards})
    found = [
        Filter("part", "shown for", tuple((str(i), title) for i, title in enumerate(titles))),
        Filter("group", "group", tuple((group, group) for group in groups)),
        Filter("need", "enough", (*scales, ("-1", "no scale"))),
    ]
    found += [
        Filter(f"policy{i}", f"chosen by {policy.name}", scales)
        for i, policy in enumerate(run.policies)
    ]
    return tuple(own for each in found if len((own := _used(each, cards)).options) > 1)


def _used(each: Filter, cards: Sequence[Card]) -> Filter:
    """Return a filter without the options that no card has."""
    values = {card.keys[each.name] for card in cards}
    return each._replace(options=tuple(o for o in each.options if o[0] in values))
