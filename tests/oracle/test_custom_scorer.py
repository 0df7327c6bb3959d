import sys

import pytest

from oracle.scoring import get_scorer, score_batch

SOURCE = """
NUMBER = 3

def half(text, answers):
    return 0.5

def keyed(text, answers, options):
    return float(answers[0] == options[0])

def one(text):
    return 1.0

def fails(text, answers):
    raise KeyError("no such key")

class Judge:
    @staticmethod
    def score(text, answers):
        return text in answers

VALUES = {"nan": float("nan"), "two": 2, "minus": -0.1, "none": None, "text": "0.5", "ok": 1}

def value(text, answers):
    return VALUES[text]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with modules that is the current one but not on the path."""
    (tmp_path / "my_scorers.py").write_text(SOURCE)
    (tmp_path / "broken_scorers.py").write_text("def f(:\n")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "inner.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("my_scorers", "broken_scorers", "my_package.inner", "my_package"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("path", ["my_scorers:half", "my_scorers.half", "my_package.inner.half"])
def test_a_function_in_the_current_folder_is_a_scorer(here, path):
    before = list(sys.path)
    assert get_scorer(path)("red", ["blue"]) == 0.5
    assert sys.path == before


def test_true_and_false_are_scores_and_methods_are_functions(here):
    score = get_scorer("my_scorers:Judge.score")
    assert (score("a", ["a"]), score("b", ["a"])) == (1.0, 0.0)


def test_a_function_that_names_options_is_given_them(here):
    batch = {"question": ["Which?\nA. cat\nB. dog"], "answers": [["cat"]]}
    assert score_batch(get_scorer("my_scorers:keyed"), ["x"], batch) == [1.0]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("no_such_module:f", "cannot be imported: ModuleNotFoundError: No module named"),
        ("no_such_module.f", "cannot be imported: ModuleNotFoundError"),
        ("my_scorers:absent", "cannot be imported: AttributeError: .*absent"),
        ("broken_scorers:f", "cannot be imported: SyntaxError"),
        ("my_scorers:NUMBER", "must be a function, got a int"),
        ("my_scorers:one", r"must take \(text, answers\): too many positional"),
        ("my_scorers:", "is no path; legal is module:function"),
        (":half", "is no path"),
        (".half", "is no path"),
    ],
)
def test_what_is_no_scorer_is_refused_in_one_line(here, path, line):
    with pytest.raises(ValueError, match=line) as refused:
        get_scorer(path)
    assert path in str(refused.value)


@pytest.mark.parametrize("text", ["nan", "two", "minus", "none", "text"])
def test_what_is_no_score_is_refused_when_it_is_returned(here, text):
    score = get_scorer("my_scorers:value")
    assert score("ok", []) == 1
    with pytest.raises(
        ValueError, match=r"'my_scorers:value' must return a number in \[0, 1\], got"
    ):
        score(text, [])


def test_a_function_that_fails_is_named_with_the_text(here):
    score = get_scorer("my_scorers:fails")
    with pytest.raises(ValueError, match="'my_scorers:fails' failed on 'red': KeyError: 'no such"):
        score("red", ["red"])
