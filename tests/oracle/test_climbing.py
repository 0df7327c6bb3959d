"""The search for splits: what it asks, when it ends, and what it may call the best."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.climbing import Climb

LADDER = [1, 4, 9, 36]


def climb(tokens, truth):
    """Run a search against a table of every split's score and confidence."""
    k = len(tokens[0])
    search = Climb(tokens, [truth((rung,) * len(tokens)) for rung in range(k)])
    while wanted := search.wanted():
        assert not set(wanted) & set(search.tried)
        for rungs in wanted:
            search.note(rungs, *truth(rungs))
    return search


@st.composite
def searches(draw):
    """Tokens of images, and a table of scores and confidences that is drawn as it is asked."""
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    row = st.lists(st.integers(1, 40), min_size=k, max_size=k)
    tokens = draw(st.lists(row.map(sorted) | row, min_size=n, max_size=n))
    rng, top = np.random.default_rng(draw(st.integers(0, 999))), draw(st.sampled_from((0.9, 1.0)))
    known = {}

    def truth(rungs):
        found = (top if rng.random() < 0.2 else float(rng.integers(0, 5)) / 10, -rng.random())
        return known.setdefault(rungs, found)

    return tokens, truth


@given(searches())
@settings(max_examples=300, deadline=None)
def test_no_rung_is_worse_than_all_images_at_it_or_dearer_than_its_total(given_):
    tokens, truth = given_
    n, k = len(tokens), len(tokens[0])
    search = climb(tokens, truth)
    assert len(search.tried) - k <= n * n * max(k - 1, 0)
    for rung, best in enumerate(search.best()):
        assert best.tokens == sum(row[r] for row, r in zip(tokens, best.rungs, strict=True))
        assert best.tokens <= search.totals[rung]
        assert (best.score, best.confidence) == truth(best.rungs)
        assert best.score >= truth((rung,) * n)[0]
        within = [each for each in search.tried.values() if each.tokens <= search.totals[rung]]
        assert best.score == max(each.score for each in within)
    if search.totals == sorted(search.totals):
        scores = [best.score for best in search.best()]
        assert scores == sorted(scores)


@given(st.integers(2, 4), st.data())
@settings(max_examples=100, deadline=None)
def test_one_image_that_matters_is_found(n, data):
    """Only one picture's detail decides: it gets all that is left over the cheapest of others."""
    place = data.draw(st.integers(0, n - 1))
    needed = data.draw(st.integers(1, 3))
    search = climb(
        [LADDER] * n,
        # The answer is surer the more of the right picture is seen, as a model's is.
        lambda rungs: (float(rungs[place] >= needed), -1.0 + 0.1 * rungs[place]),
    )
    for rung, best in enumerate(search.best()):
        focused = (n - 1) * LADDER[0] + LADDER[needed] <= search.totals[rung]
        assert best.score == float(focused or rung >= needed)


def test_a_perfect_answer_ends_the_search():
    asked = []

    def truth(rungs):
        asked.append(rungs)
        return (1.0 if rungs != (0, 0) else 0.0), -0.1 * sum(rungs)

    search = climb([LADDER] * 2, truth)
    # All images at a rung each; nothing fits above the cheapest, and the next rung is solved.
    assert asked == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert [best.rungs for best in search.best()] == [(0, 0), (1, 1), (1, 1), (1, 1)]


def test_of_raises_the_most_score_per_token_then_confidence_per_token_is_kept():
    def first_kept(tokens, scores, sure):
        """Return the one image that was raised when the second step was asked."""
        search = climb(tokens, lambda r: (scores.get(r, 0.0), sure.get(r, -0.5)))
        twos = {rungs for rungs in search.tried if sorted(rungs) == [0, 1, 1]}
        (kept,) = set.intersection(*({i for i, r in enumerate(two) if r} for two in twos))
        return kept

    same, dearer = [LADDER] * 3, [LADDER, [1, 5, 9, 36], [1, 5, 9, 36]]
    assert first_kept(same, {}, {(0, 1, 0): -0.3, (0, 0, 1): -0.4}) == 1
    assert first_kept(same, {(1, 0, 0): 0.2}, {(0, 1, 0): -0.3}) == 0  # score comes first
    assert first_kept(dearer, {(1, 0, 0): 0.2, (0, 1, 0): 0.2}, {(0, 1, 0): -0.3}) == 0
    assert first_kept(dearer, {(1, 0, 0): 0.2, (0, 1, 0): 0.4}, {}) == 1


def test_rungs_that_cost_the_same_are_not_asked_twice():
    asked = []

    def truth(rungs):
        asked.append(rungs)
        return 0.0, 0.0

    climb([[4, 4, 10], [4, 8, 8]], truth)
    assert len(asked) == len(set(asked))
    assert not {(1, 0), (0, 2), (1, 2)} & set(asked)
