"""What is true of a request, in words: each claim is read off its own features.

A comparison such as "than usual" is made only where a value lies outside the middle half of those
of typical requests.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from policies.features import current_schema
from policies.hull import FloatArray

_UNUSUAL = 0.75  # share of typical requests that lie strictly on one side of an unusual one
_FEWEST = 5  # typical requests that a comparison needs


class Claim(NamedTuple):
    """Something that is true of a request.

    Attributes:
        group: of features, whose names are in ``policies.feature_groups``.
        text: a clause, e.g. ``"the question asks for text"``.
        features: that it was read off.
    """

    group: str
    text: str
    features: tuple[str, ...]


class _Scale(NamedTuple):
    """Features whose sum has a meaning, and the clauses for unusually much and little of it."""

    group: str
    features: tuple[str, ...]
    much: str
    little: str
    only_named: bool = False  # means something only where the question names a colour


_SCALES = (
    _Scale(
        "size", ("log_area",), "the image is larger than usual", "the image is smaller than usual"
    ),
    _Scale(
        "size",
        ("log_aspect",),
        "the image is wider for its height than usual",
        "the image is taller for its width than usual",
    ),
    _Scale(
        "colours",
        ("luma_mean",),
        "the image is brighter than usual",
        "the image is darker than usual",
    ),
    _Scale(
        "colours",
        ("saturation_mean",),
        "the image is more strongly coloured than usual",
        "the image is paler in colour than usual",
    ),
    _Scale(
        "colours",
        ("colour_entropy",),
        "the image has a richer mix of colours than usual",
        "the image has a plainer mix of colours than usual",
    ),
    _Scale(
        "colours",
        ("luma_spread",),
        "the image has more contrast than usual",
        "the image has less contrast than usual",
    ),
    _Scale(
        "detail",
        ("fineness_colour",),
        "more of the image is fine detail than usual",
        "less of the image is fine detail than usual",
    ),
    _Scale(
        "detail",
        ("fineness_saturation",),
        "more of the colour in the image is in fine detail than usual",
        "less of the colour in the image is in fine detail than usual",
    ),
    _Scale(
        "detail",
        ("strong_edges_48",),
        "the image has more sharp edges than usual",
        "the image has fewer sharp edges than usual",
    ),
    _Scale(
        "strokes",
        ("strokes_rows", "strokes_columns"),
        "the image has more thin strokes than usual",
        "the image has fewer thin strokes than usual",
    ),
    _Scale(
        "things",
        ("height_50",),
        "coloured things in the image are larger than usual",
        "coloured things in the image are smaller than usual",
    ),
    _Scale(
        "things",
        ("height_10",),
        "the smaller coloured things in the image are larger than usual",
        "the smaller coloured things in the image are smaller than usual",
    ),
    _Scale(
        "things",
        ("height_90",),
        "the larger coloured things in the image are larger than usual",
        "the larger coloured things in the image are smaller than usual",
    ),
    _Scale(
        "things",
        ("run_length",),
        "stretches of one colour in the image are longer than usual",
        "stretches of one colour in the image are shorter than usual",
    ),
    _Scale(
        "length",
        ("num_words",),
        "the question is longer than usual",
        "the question is shorter than usual",
    ),
    _Scale(
        "named",
        ("named_share",),
        "the colour that the question names fills more of the image than usual",
        "the colour that the question names fills less of the image than usual",
        only_named=True,
    ),
    _Scale(
        "named",
        ("named_height_50",),
        "what has the colour that the question names is larger than usual",
        "what has the colour that the question names is smaller than usual",
        only_named=True,
    ),
    _Scale(
        "named",
        ("named_pieces",),
        "the colour that the question names lies in more places than usual",
        "the colour that the question names lies in fewer places than usual",
        only_named=True,
    ),
)

# Feature -> what the question is about. The flags are set by words, which say so much for sure.
_ABOUT = {
    "asks_counting": "numbers",
    "asks_reading": "text",
    "asks_colour": "colours",
    "asks_shape": "shapes",
    "asks_position": "positions",
    "asks_comparison": "a comparison",
    "asks_existence": "whether something is there",
    "asks_background": "the scene as a whole",
}
# Flags that say what is asked for where they stand alone in a question that is not yes or no.
_ASKS_FOR = {
    "asks_counting": "a number",
    "asks_reading": "text",
    "asks_colour": "a colour",
}


class Reader:
    """Reads claims off the features of one request.

    Args:
        row: its features, shape [d], in the columns of ``current_schema``.
        background: those of typical requests, shape [b, d].
    """

    def __init__(self, row: FloatArray, background: FloatArray) -> None:
        self._place = {name: i for i, name in enumerate(current_schema().names)}
        self._row, self._background = row, background

    def claims(self) -> list[Claim]:
        """Return all that is worth saying, group by group in no order of weight."""
        return [*self._compared(), *self._asked()]

    def _value(self, features: Sequence[str]) -> float:
        return float(sum(self._row[self._place[name]] for name in features))

    def _usual(self, features: Sequence[str]) -> FloatArray:
        total: FloatArray = self._background[:, [self._place[name] for name in features]].sum(
            axis=1
        )
        return total

    def _compared(self) -> Iterator[Claim]:
        names_colour = self._value(["named_colours"]) > 0
        for scale in _SCALES:
            usual = self._usual(scale.features)
            if scale.only_named:
                usual = usual[self._usual(["named_colours"]) > 0]
            if len(usual) < _FEWEST or (scale.only_named and not names_colour):
                continue
            value = self._value(scale.features)
            if np.mean(usual < value) >= _UNUSUAL:
                yield Claim(scale.group, scale.much, scale.features)
            elif np.mean(usual > value) >= _UNUSUAL:
                yield Claim(scale.group, scale.little, scale.features)

    def _asked(self) -> Iterator[Claim]:
        found = [name for name in _ABOUT if self._value([name])]
        yes_or_no = bool(self._value(["asks_yes_no"]))
        if len(found) == 1 and found[0] in _ASKS_FOR and not yes_or_no:
            yield Claim("kind", f"the question asks for {_ASKS_FOR[found[0]]}", tuple(_ABOUT))
        elif found:
            about = listed([_ABOUT[name] for name in found])
            yield Claim("kind", f"the question is about {about}", tuple(_ABOUT))
        if yes_or_no:
            yield Claim("kind", "the question is to be answered by yes or no", ("asks_yes_no",))
        if self._value(["num_options"]):
            yield Claim("kind", "the question gives a choice of answers", ("num_options",))
        if not self._value(["named_colours"]):
            features = tuple(name for name in self._place if name.startswith("named_"))
            yield Claim("named", "the question names no colour", features)


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    Example:
        >>> listed(["text", "colour", "shapes"])
        'text, colour and shapes'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
