import pytest

from budget import Generation
from budget.sampling import one_per_sample


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be an integer of at least 1, got 0"),
        ({"max_new_tokens": 2.5}, "got 2.5"),
        ({"max_new_tokens": True}, "got True"),
        ({"temperature": -0.1}, "temperature must be finite and at least 0, got -0.1"),
        ({"temperature": float("inf")}, "got inf"),
        ({"temperature": float("nan")}, "got nan"),
        ({"temperature": "1"}, "got '1'"),
        ({"top_p": 0}, r"top_p must lie in \(0, 1\], got 0"),
        ({"top_p": 1.01}, "got 1.01"),
        ({"seed": 1.0}, "seed must be an integer or None, got 1.0"),
        ({"stop": "END"}, "stop must be a tuple of texts that are not empty, got 'END'"),
        ({"stop": ("END", "")}, "got \\('END', ''\\)"),
        ({"stop": ["END"]}, "got \\['END'\\]"),
    ],
)
def test_what_cannot_be_generated_is_refused_with_its_value(wrong, match):
    with pytest.raises(ValueError, match=match):
        Generation(**wrong)


def test_one_generation_serves_all_samples_and_a_list_must_have_one_for_each():
    short, long = Generation(max_new_tokens=1), Generation(max_new_tokens=9)
    assert list(one_per_sample(short, 2)) == [short, short]
    assert list(one_per_sample([short, long], 2)) == [short, long]
    with pytest.raises(ValueError, match="got 2 generations for 3 questions"):
        one_per_sample([short, long], 3)
