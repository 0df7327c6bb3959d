"""Every space is one of its family, around its defaults; settings travel as a file."""

import numpy as np
import pytest

from budget.errors import PolicyError
from policies.families import FAMILIES, default_settings, make_estimator
from policies.features import current_schema
from policies.search_spaces import SPACES, space_defaults, space_of
from policies.settings_file import SettingsFile, read_settings

TUNED = sorted(set(SPACES) & set(FAMILIES))


class Corner:
    """A trial at one corner of the space."""

    def __init__(self, high):
        self.high = high
        self.names = []

    def _take(self, name, low, high):
        assert low < high
        self.names.append(name)
        return high if self.high else low

    def suggest_float(self, name, low, high, *, log=False):
        assert low > 0 or not log
        return self._take(name, low, high)

    suggest_int = suggest_float

    def suggest_categorical(self, name, choices):
        self.names.append(name)
        return choices[-1 if self.high else 0]


@pytest.mark.parametrize("family", TUNED)
@pytest.mark.parametrize("high", [False, True])
def test_the_corners_of_a_space_can_be_fitted(family, high):
    corner = Corner(high)
    settings = space_of(family)(corner)
    assert set(corner.names) == set(settings) <= set(default_settings(family))
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, len(current_schema())))
    scores = rng.integers(0, 2, size=(60, 3)).astype(float)
    fitted = make_estimator(family, **settings).fit(features, scores)
    assert fitted.predict(features).shape == (60, 3)
    assert np.isfinite(fitted.predict(features)).all()


@pytest.mark.parametrize("family", TUNED)
def test_the_defaults_lie_inside_the_space(family):
    settings = space_defaults(family)
    known = default_settings(family)
    assert settings == {name: known[name] for name in settings}


def test_a_default_outside_the_space_is_told(monkeypatch):
    monkeypatch.setitem(SPACES, "lightgbm", lambda t: {"a": t.suggest_int("num_leaves", 20, 30)})
    with pytest.raises(ValueError, match=r"num_leaves must lie in \[20, 30\], got 15"):
        space_defaults("lightgbm")
    choices = ["regression"]
    monkeypatch.setitem(SPACES, "lightgbm", lambda t: t.suggest_categorical("objective", choices))
    with pytest.raises(ValueError, match="objective must be one of"):
        space_defaults("lightgbm")


def test_a_family_without_a_space_is_refused_in_one_line(monkeypatch):
    for family in ("nix", "mean"):
        with pytest.raises(PolicyError, match=f"for the family '{family}'; .* lightgbm, logistic"):
            space_of(family)
    monkeypatch.setitem(SPACES, "nix", SPACES["logistic"])  # a space alone is no family
    with pytest.raises(PolicyError, match="no search space for the family 'nix'"):
        space_of("nix")


def test_settings_survive_the_file(tmp_path):
    path = tmp_path / "settings.json"
    settings = {"num_leaves": 7, "learning_rate": 0.1, "monotone": True, "objective": "regression"}
    path.write_text(SettingsFile(family="lightgbm", settings=settings).model_dump_json())
    found = read_settings(path)
    assert (found.family, found.settings) == ("lightgbm", settings)
    assert isinstance(found.settings["monotone"], bool)
    assert isinstance(found.settings["num_leaves"], int)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "the file: Invalid JSON"),
        ('{"family": "lightgbm"}', "settings: Field required"),
        ('{"family": "lightgbm", "settings": {"a": [1]}}', "settings.a"),
        ('{"family": "lightgbm", "settings": {}, "more": 1}', "more: Extra inputs"),
        ('{"family": "lightgbm", "settings": {}, "format_version": 2}', "format_version"),
        ("x" * 200_000, "larger than 100000 bytes"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, content, message):
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(PolicyError, match=message) as caught:
        read_settings(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(PolicyError, match="no settings can be read at"):
        read_settings(tmp_path / "absent.json")
