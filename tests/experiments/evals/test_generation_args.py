import pytest

from budget.sampling import Generation
from experiments.evals.generation_args import GenerationReader


@pytest.fixture
def said():
    return []


@pytest.fixture
def reader(said):
    return GenerationReader(128, 0, said.append)


@pytest.mark.parametrize(
    ("arguments", "generation"),
    [
        ({}, Generation(128)),
        ({"max_new_tokens": 16, "temperature": 0, "top_p": 0}, Generation(16)),
        ({"max_gen_toks": 8, "until": None, "do_sample": False}, Generation(8)),
        ({"max_tokens": 4.0, "until": ["\n\n", ""]}, Generation(4, stop=("\n\n",))),
        ({"until": "END", "do_sample": False, "temperature": 0.7}, Generation(128, stop=("END",))),
        ({"do_sample": True, "temperature": 0}, Generation(128)),
    ],
)
def test_greedy_answers(reader, said, arguments, generation):
    assert reader.read(arguments, "x") == generation
    assert said == []


@pytest.mark.parametrize(
    ("arguments", "temperature", "top_p"),
    [
        ({"do_sample": True}, 1.0, 1.0),
        ({"temperature": 0.2}, 0.2, 1.0),
        ({"do_sample": True, "temperature": 0.7, "top_p": 0.9}, 0.7, 0.9),
    ],
)
def test_drawn_answers(reader, arguments, temperature, top_p):
    found = reader.read(arguments, "x")
    assert (found.temperature, found.top_p) == (temperature, top_p)


def test_draws_hang_on_seed_and_name_alone(reader):
    drawn = {"temperature": 1}
    again = GenerationReader(5, 0, print)
    other = GenerationReader(5, 1, print)
    assert reader.read(drawn, "a").seed == again.read(drawn, "a").seed
    seeds = {
        reader.read(drawn, "a").seed,
        reader.read(drawn, "b").seed,
        other.read(drawn, "a").seed,
    }
    assert len(seeds) == 3


def test_what_has_no_effect_is_said_once(reader, said):
    for _ in range(3):
        reader.read({"num_beams": 1, "use_cache": True, "top_k": 5, "num_beams ": 1}, "x")
        reader.read({"num_beams": 3, "top_k": 5}, "y")
    assert said == [
        "generation argument top_k=5 has no effect here",
        "generation argument num_beams =1 has no effect here",
        "generation argument num_beams=3 has no effect here",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be an integer of at least 1, got 0"),
        ({"max_new_tokens": 1.5}, "max_new_tokens must be a whole number, got 1.5"),
        ({"temperature": "hot"}, "temperature must be a number, got 'hot'"),
        ({"temperature": 1, "top_p": 2}, r"top_p must lie in \(0, 1\], got 2.0"),
        ({"until": 5}, "until must be a text or a list of texts, got 5"),
    ],
)
def test_what_is_not_legal_is_refused(reader, arguments, line):
    with pytest.raises(ValueError, match=line):
        reader.read(arguments, "x")
