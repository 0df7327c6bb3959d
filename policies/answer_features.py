"""What an answer says about itself: how sure the model was, and of what kind it is.

Answers of smaller rungs are left out: beside the last one's confidence they, and whether they say
the same, bring nothing (LOG.md).
"""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError
from policies.hull import FloatArray

ANSWER_NAMES = (
    "confidence",
    "margin",
    "entropy",
    "is_yes_no",
    "says_yes",
    "is_number",
    "number",
    "is_colour",
    "num_characters",
)
_UNKNOWN = -1.0  # margins and entropies are at least 0
_NUMBER_DIGITS = 6  # longer runs of digits are names, not numbers
_COLOURS = re.compile(
    "black|blue|brown|cyan|gold|gray|green|grey|orange|pink|purple|red|white|yellow"
)


class AnswerSigns(NamedTuple):
    """Answers of n samples; at every rung, [n, k], or at one rung each, [n].

    Attributes:
        texts: what was answered.
        confidence: mean log-probability of the generated tokens, natural log.
        margin: probability of the first token less that of the next best; NaN where unknown.
        entropy: of the first token's distribution, in nats; NaN where unknown.
    """

    texts: NDArray[np.str_]
    confidence: FloatArray
    margin: FloatArray
    entropy: FloatArray

    def at(self, rung: int) -> "AnswerSigns":
        """Return the answers at one rung, shape [n], of those at every rung."""
        return AnswerSigns(
            self.texts[:, rung],
            self.confidence[:, rung],
            self.margin[:, rung],
            self.entropy[:, rung],
        )


def check_signs(signs: AnswerSigns, where: str) -> AnswerSigns:
    """Return signs that a policy can be fitted on.

    Args:
        signs: as read from curves.
        where: what to call them in an error.

    Raises:
        DataError: if a confidence is unknown, as in curves made from another tool's logs.
    """
    if unknown := int((~np.isfinite(signs.confidence)).sum()):
        raise DataError(
            f"{where} has {unknown} answers of unknown confidence; "
            "a policy that goes up by it needs all of them"
        )
    return signs


def answer_features(signs: AnswerSigns) -> FloatArray:
    """Return the features of answers [n], in the columns of ``ANSWER_NAMES``.

    Example:
        >>> one = np.array([-0.1])
        >>> answer_features(AnswerSigns(np.array([" Red"]), one, one + 1, one + 0.4)).round(1)
        array([[-0.1,  0.9,  0.3,  0. ,  0. ,  0. , -1. ,  1. ,  3. ]])
    """
    sure = [signs.confidence, *(_known(column) for column in (signs.margin, signs.entropy))]
    texts, place = np.unique(signs.texts.astype(np.str_), return_inverse=True)
    kinds = np.array([_kind(str(text).strip().lower()) for text in texts]).reshape(-1, 6)
    return np.hstack([np.column_stack(sure), kinds[place]])


def _known(column: FloatArray) -> FloatArray:
    known: FloatArray = np.where(np.isfinite(column), column, _UNKNOWN)
    return known


def _kind(text: str) -> tuple[float, ...]:
    is_number = text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS
    return (
        float(text in ("yes", "no")),
        float(text == "yes"),
        float(is_number),
        float(text) if is_number else -1.0,
        float(_COLOURS.fullmatch(text) is not None),
        float(len(text)),
    )
