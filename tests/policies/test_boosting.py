import numpy as np
import pytest

from policies.boosting import best_num_trees, lightgbm_parameters, untested_num_trees
from policies.joint_lightgbm import JointLightGBMScores
from policies.scores import LightGBMScores


@pytest.mark.parametrize("family", [LightGBMScores, JointLightGBMScores])
def test_lightgbm_is_told_the_settings_and_to_repeat_itself(family):
    told = lightgbm_parameters(family(num_leaves=7, lambda_l2=2.0, random_state=3))
    assert (told["num_leaves"], told["lambda_l2"], told["seed"]) == (7, 2.0, 3)
    assert told["deterministic"] is True
    assert told["num_threads"] == 1


def test_without_samples_held_out_there_are_few_trees():
    assert untested_num_trees(LightGBMScores(max_trees=400)) == 50
    assert untested_num_trees(LightGBMScores(max_trees=8)) == 8


def test_what_cannot_be_learned_stops_at_once():
    import lightgbm

    rng = np.random.default_rng(0)
    settings = LightGBMScores(objective="regression", max_trees=200, patience=5)
    features = rng.normal(size=(400, 3))
    parameters = lightgbm_parameters(settings)

    def found(scores):
        train = lightgbm.Dataset(features[:300], scores[:300], params=parameters)
        valid = train.create_valid(features[300:], scores[300:])
        return best_num_trees(settings, parameters, train, valid)

    assert 1 <= found(rng.normal(size=400)) < 20 < found(features[:, 0])
