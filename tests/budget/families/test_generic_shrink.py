"""Models of no family of their own, whose images are shrunk before their own processors."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from budget import load_model
from budget.families.registry import family_of
from budget.families.shrink import Shrinking, smaller_sizes
from experiments.families.checks import PICTURES, picture
from experiments.families.tiny import others
from experiments.families.verify import verify_folder

SIDES = st.integers(1, 6000)


@pytest.fixture(scope="module")
def paddle(tmp_path_factory):
    return load_model(others.paddleocr_vl(tmp_path_factory.mktemp("paddle")))


@pytest.mark.parametrize("build", [others.lighton_ocr, others.paddleocr_vl])
def test_whole_way(build, tmp_path):
    entry = verify_folder(build(tmp_path), family_of({"model_type": build.__name__}))
    assert entry.family == "any other"
    assert entry.verified, entry.why_not


def test_the_ladder_runs_from_a_sixteenth_to_what_a_large_picture_costs(paddle):
    full = paddle.realised(picture((1344, 1008)))[-1]
    assert tuple(paddle.ladder) == tuple(full // share for share in (16, 8, 4, 2, 1))


def test_an_image_within_the_cap_is_left_as_it_is(paddle):
    image = PICTURES[2]
    assert paddle.knob.shrunk(image, paddle.ladder[-1]) is image
    small = paddle.knob.shrunk(PICTURES[0], 50)
    assert small.width < 0.5 * 640
    assert small.width / small.height == pytest.approx(640 / 480, rel=0.02)


@given(width=SIDES, height=SIDES)
@example(width=65535, height=1)
@example(width=1, height=1)
@example(width=32, height=32)
def test_sizes_shrink_to_next_to_nothing_and_keep_the_shape(width, height):
    sizes = list(smaller_sizes((width, height)))
    assert sizes[0] == (width, height)
    assert sizes[-1] == (32, 32)
    assert len(sizes) < 120
    for one, other in pairwise(sizes[:-1]):
        assert other[0] <= one[0]
        assert other[1] <= one[1]
        assert other != one
    for w, h in sizes[1:-1]:
        assert w * h <= 2_000_100 + w + h
        factor = w / width if width >= height else h / height
        assert w == pytest.approx(max(width * factor, 1), abs=1)
        assert h == pytest.approx(max(height * factor, 1), abs=1)


@given(
    size=st.tuples(SIDES, SIDES),
    caps=st.lists(st.integers(5, 2000), min_size=2, max_size=5),
    noise=st.randoms(use_true_random=False),
)
def test_no_processor_however_odd_makes_a_larger_cap_cost_less(size, caps, noise):
    made = {}

    def tokens(tried):
        # Follows area loosely: more may come of a smaller image, as where tiles are chosen.
        area = tried[0] * tried[1] / 784
        return made.setdefault(tried, 5 if tried == (32, 32) else 1 + int(area * noise.random()))

    shrinking = Shrinking(size, tokens)
    costs = {cap: tokens(shrinking.size_for(cap)) for cap in caps}
    assert all(cost <= cap for cap, cost in costs.items())
    ordered = [costs[cap] for cap in sorted(costs)]
    assert ordered == sorted(ordered)
    assert {cap: tokens(Shrinking(size, tokens).size_for(cap)) for cap in costs} == costs


def test_a_size_is_counted_once_for_all_caps_and_only_as_far_as_needed():
    counted = []

    def tokens(size):
        counted.append(size)
        return size[0] * size[1] // 784

    shrinking = Shrinking((640, 480), tokens)
    assert shrinking.size_for(391) == (640, 480)
    assert counted == [(640, 480)]
    shrinking.size_for(100)
    known = list(counted)
    assert shrinking.size_for(200) in known
    assert counted == known
    assert len(set(counted)) == len(counted)


@pytest.mark.parametrize("size", [(3000, 2), (2, 3000), (1, 1), (2400, 1800)])
def test_shapes_that_the_processor_refuses_or_enlarges_keep_every_cap(paddle, size):
    told = paddle.realised(picture(size))
    assert told == sorted(told)
    assert all(1 <= n <= cap for n, cap in zip(told, paddle.ladder, strict=True))


def test_threads_that_find_one_size_agree(paddle):
    knob = type(paddle.knob)(paddle.processor, paddle.model.config)
    caps = [14, 29, 58, 117, 234] * 4
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda cap: knob.shrunk(PICTURES[0], cap).size, caps))
    assert sizes == [paddle.knob.shrunk(PICTURES[0], cap).size for cap in caps]


def test_a_cap_below_the_smallest_image_is_refused(paddle):
    with pytest.raises(ValueError, match=r"no image costs less than 4 visual tokens here, got.* 3"):
        paddle.answer(PICTURES[:1], ["red ?"], num_visual_tokens=3)
