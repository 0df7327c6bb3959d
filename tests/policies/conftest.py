"""Calibrations without a machine, of milliseconds of the test's own choosing; policies to break."""

import copy
import hashlib
import json
from itertools import count

import numpy as np
import pytest
from pydantic import ValidationError

from budget.cost_calibration import CostCalibration, write_calibration
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies import load_policy
from policies.features import current_schema
from policies.policy_schema import PolicyContent


def spread(median):
    return {"median": median, "low": median, "high": median}


def measured(prefill_ms, *, scales=(1, 4, 16), model="toy"):
    """A model whose vision takes 1 ms and every further token 0.5 ms."""
    machine = dict.fromkeys(("platform", "processor", "device", "device_name", "torch"), "x")
    rungs = [
        {
            "num_visual_tokens": m,
            "prefill_ms": spread(ms),
            "decode_ms": spread(0.5),
            "total_ms": spread(ms + 2.0),
            "peak_bytes": 1,
            "flops": 1.0,
        }
        for m, ms in zip(scales, prefill_ms, strict=True)
    ]
    return CostCalibration.model_validate(
        {
            "format_version": 1,
            "kind": "cost-calibration",
            "model": model,
            "random_weights": False,
            "compiled": False,
            "created": "2026-11-21",
            "machine": {**machine, "threads": 1},
            "dtype": "float32",
            "batch_size": 1,
            "grids": 1,
            "text_tokens": 10,
            "new_tokens": 3,
            "repeats": 1,
            "vision_ms": spread(1.0),
            "rungs": rungs,
        }
    )


@pytest.fixture
def calibration(tmp_path):
    """Writes a calibration and returns its path."""
    numbers = count()

    def write(prefill_ms, **more):
        path = tmp_path / f"calibration_{next(numbers)}.json"
        write_calibration(path, measured(prefill_ms, **more))
        return str(path)

    return write


@pytest.fixture(scope="module")
def probe():
    return np.random.default_rng(0).random((20, len(current_schema()))) * 10


@pytest.fixture(scope="module", params=["trees", "nested"])
def saved(request, tmp_path_factory, probe):
    """A policy of texts alone, and one of a part with arrays and texts; with its predictions."""
    X = np.random.default_rng(1).random((120, len(current_schema())))
    y = (X[:, :3] > 0.4).astype(float)
    from policies.ordinal import OrdinalScores
    from policies.policy_files import save_policy
    from policies.pricing import fit_score_policy
    from policies.scores import LightGBMScores

    trees = LightGBMScores(max_trees=3, min_data_in_leaf=5, lambda_l2=0.0)
    policy = fit_score_policy(
        fit_features=X[:80],
        fit_scores=y[:80],
        calibration_features=X[80:],
        calibration_scores=y[80:],
        ladder=ScaleLadder((1, 4, 16)),
        predictor=trees if request.param == "trees" else OrdinalScores(base="logistic"),
    )
    folder = tmp_path_factory.mktemp("fuzz") / "policy"
    save_policy(policy, folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return files, tuple(policy.table), policy.predictor.predict(probe)


def make_sums_fit(folder):
    """Make policy.json's sum over itself fit, if its schema can be read at all."""
    path = folder / "policy.json"
    try:
        content = PolicyContent.model_validate_json(path.read_bytes())
    except ValidationError:
        return
    path.write_text(content.sealed().model_dump_json())


@pytest.fixture
def fit_sums():
    return make_sums_fit


class Target:
    """A folder that mutated files are written to, one after the other."""

    def __init__(self, folder, saved, probe):
        self.folder = folder
        self.files, self.table, self.scores = saved
        self.probe = probe
        self.content = json.loads(self.files["policy.json"])
        self.refused = self.accepted = 0
        folder.mkdir()

    def put(self, changed):
        """Write all files, some of them changed; None is a file that is missing."""
        for name, data in (self.files | changed).items():
            if data is None:
                (self.folder / name).unlink(missing_ok=True)
            else:
                (self.folder / name).write_bytes(data)

    def put_json(self, content, *, sums_fit=True):
        self.put({"policy.json": json.dumps(content).encode()})
        if sums_fit:
            make_sums_fit(self.folder)

    def put_with_hash(self, name, data):
        """Change a file and make policy.json say that this is right."""
        content = copy.deepcopy(self.content)
        for file in content["files"]:
            if file["name"] == name:
                file |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        self.put({name: data, "policy.json": json.dumps(content).encode()})
        make_sums_fit(self.folder)

    def refuses_or_loads(self):
        """Load what is there; return the policy, or None if it was refused in one line."""
        said = ""
        try:
            policy = load_policy(self.folder)
        except PolicyError as error:
            policy, said = None, str(error)
        assert len(said) < 2_000
        self.refused += policy is None
        self.accepted += policy is not None
        return policy

    def refuses_or_is_the_same(self):
        policy = self.refuses_or_loads()
        if policy is not None:
            assert (policy.predictor.predict(self.probe) == self.scores).all()
            assert all((a == b).all() for a, b in zip(policy.table, self.table, strict=True))


@pytest.fixture
def target(saved, probe, tmp_path):
    return Target(tmp_path / "policy", saved, probe)
