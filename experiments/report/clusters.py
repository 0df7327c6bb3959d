"""Groups of questions that share their words: TF-IDF, k-means, and names of the top words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

MOST = 12  # clusters that are tried where no number is asked for
# Questions that centres are found on, that numbers of clusters are tried on, and judged on.
_TO_FIT_ON = 20_000
_TO_TRY_ON = 4_000
_TO_JUDGE_ON = 2_000
_WORDS = 3
# These tell one kind of question from another, though lists of common words have them.
_ASKING = """what which who whom whose where when why how many much more most few less least number
before after between above below under over front back left right up down top bottom first last side
same other all any none no not two three four five six"""


class Clusters(NamedTuple):
    """Clusters of questions, ready to take further ones.

    Attributes:
        names: of the clusters, unique.
        silhouettes: by the number of clusters that was tried; empty where the number was given.
    """

    names: tuple[str, ...]
    silhouettes: dict[int, float]
    words: "TfidfVectorizer"
    centres: "KMeans"

    def assign(self, questions: Sequence[str]) -> NDArray[np.str_]:
        """Return the name of each question's cluster, shape [n]."""
        found = self.centres.predict(self.words.transform(list(questions)))
        named: NDArray[np.str_] = np.array(self.names)[found]
        return named


def find_clusters(questions: Sequence[str], num: int | None, seed: int) -> Clusters:
    """Return clusters of questions by their words.

    Terms are single words and pairs, weighted by TF-IDF; common English words count for nothing,
    but those that ask do: they tell "how many" from "what color". Without a number, that of 2 to
    12 is taken whose silhouette (cosine distance, at most 2,000 questions) is the largest.

    Args:
        questions: n texts.
        num: clusters wanted, at least 1; None chooses.
        seed: of the draws of questions and of k-means.

    Raises:
        DataError: if the questions do not differ in their words, or in too few.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    rng = np.random.default_rng(seed)
    words, terms = _terms(questions, TfidfVectorizer)
    picked = terms[_draw(len(questions), _TO_FIT_ON, rng)]
    different = _num_different(picked)
    if num is not None and num > different:
        raise DataError(
            f"{num} clusters were asked for, but the questions have only {different} wordings"
        )
    if num is None and different < 3:
        raise DataError(
            f"the questions have {different} wordings, too few for clusters; --groups column:NAME "
            "takes groups from a column"
        )
    judged: dict[int, float] = {}
    if num is None:
        judged = _judge(picked, range(2, min(MOST, different - 1) + 1), seed, rng)
        num = max(judged, key=lambda tried: (judged[tried], -tried))
    centres = _k_means(picked, num, seed)
    names = _names(centres.cluster_centers_, words.get_feature_names_out().tolist())
    return Clusters(names, judged, words, centres)


def _terms(
    questions: Sequence[str], vectorizer: "type[TfidfVectorizer]"
) -> "tuple[TfidfVectorizer, csr_matrix]":
    """Return what weighs terms, and the weights [n, terms] of all questions."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    common = sorted(ENGLISH_STOP_WORDS - set(_ASKING.split()))
    for rare, often, left_out in ((2, 0.8, common), (1, 1.0, None)):
        words = vectorizer(
            ngram_range=(1, 2),
            sublinear_tf=True,
            min_df=rare,
            max_df=often,
            max_features=5000,
            stop_words=left_out,
        )
        try:
            return words, words.fit_transform(list(questions))
        except ValueError:  # no term is left
            continue
    raise DataError("the questions have no words to cluster by")


def _judge(
    terms: "csr_matrix", numbers: range, seed: int, rng: np.random.Generator
) -> dict[int, float]:
    """Return the silhouette of every number of clusters that leaves more than one."""
    from sklearn.metrics import silhouette_score

    terms = terms[_draw(terms.shape[0], _TO_TRY_ON, rng)]
    shown = terms[_draw(terms.shape[0], _TO_JUDGE_ON, rng)]
    judged: dict[int, float] = {}
    for num in numbers:
        labels = _k_means(terms, num, seed).predict(shown)
        if 1 < np.unique(labels).size < len(labels):
            judged[num] = float(silhouette_score(shown, labels, metric="cosine"))
    return judged


def _k_means(terms: "csr_matrix", num: int, seed: int) -> "KMeans":
    from sklearn.cluster import KMeans

    return KMeans(num, n_init=4, random_state=seed).fit(terms)


def _num_different(terms: "csr_matrix") -> int:
    return len({(row.indices.tobytes(), row.data.tobytes()) for row in terms})


def _draw(num: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if num <= most:
        return np.arange(num)
    return np.sort(rng.choice(num, size=most, replace=False))


def _names(centres: NDArray[np.float64], terms: Sequence[str]) -> tuple[str, ...]:
    """Return what stands out in each cluster, next to the mean of the others."""
    total, count = centres.sum(axis=0), len(centres)
    names: list[str] = []
    for centre in centres:
        others = (total - centre) / max(1, count - 1)
        order = np.argsort(-(centre - others), kind="stable")
        name = ", ".join(_top([terms[i] for i in order if centre[i] > 0])) or "other words"
        alike = sum(known == name or known.startswith(f"{name} (") for known in names)
        names.append(f"{name} ({alike + 1})" if alike else name)
    return tuple(names)


def _top(terms: Sequence[str]) -> list[str]:
    """Return the first terms; a word that is part of a pair already there adds nothing."""
    kept: list[str] = []
    for term in terms:
        parts = set(term.split())
        if any(parts <= set(other.split()) for other in kept):
            continue
        kept = [other for other in kept if not set(other.split()) <= parts] + [term]
        if len(kept) == _WORDS:
            break
    return kept
