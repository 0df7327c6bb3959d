"""A policy as a folder: ``policy.json``, arrays and LightGBM texts; nothing is executed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies import array_file, calibration
from policies.extras import restore_extra
from policies.families import restore_predictor
from policies.features import current_schema
from policies.lightgbm_policy import ScorePolicy
from policies.lightgbm_text import MAX_CHARACTERS
from policies.limited_file import read_at_most
from policies.policy_schema import (
    ARRAY_FILE,
    CALIBRATION,
    EXTRA,
    POLICY_FILE,
    PREDICTOR,
    Features,
    File,
    Node,
    PolicyContent,
    is_own_file,
    text_file,
)
from policies.predictor_state import PredictorState
from policies.state_checks import first_problem
from policies.whole_folder import whole_folder

if TYPE_CHECKING:
    from policies.post_vision import PostVisionPolicy

_MAX_JSON_BYTES = 4_000_000


def save_policy(policy: ScorePolicy, folder: str | Path) -> None:
    """Write a policy as a folder, which is there whole or not at all.

    An older policy at that place is replaced.

    Raises:
        PolicyError: if the folder cannot be written, holds files that are no policy's, or the
            policy is one that could not be read back.
    """
    states = {
        PREDICTOR: policy.predictor.state(),
        CALIBRATION: policy.table.state(),
        **{f"{EXTRA}/{name}": extra.state() for name, extra in policy.extras.items()},
    }
    below = [pair for top, state in states.items() for pair in state.walk(top)]
    arrays = {f"{place}/{name}": a for place, s in below for name, a in s.arrays.items()}
    files = {ARRAY_FILE: array_file.write_arrays(arrays)}
    files |= {
        text_file(f"{place}/{name}"): text.encode()
        for place, state in below
        for name, text in state.texts.items()
    }
    content = _content(policy, {place: _node(state) for place, state in states.items()}, files)
    files[POLICY_FILE] = (content.model_dump_json(indent=1) + "\n").encode()
    try:
        with whole_folder(Path(folder), is_own_file) as fresh:
            for name, data in files.items():
                (fresh / name).write_bytes(data)
    except OSError as error:
        raise PolicyError(f"the policy cannot be written to {folder}: {error.strerror}") from error


def _node(state: PredictorState) -> Node:
    try:
        return Node(
            kind=state.kind,
            settings=dict(state.settings),
            arrays=sorted(state.arrays),
            texts=sorted(state.texts),
            parts={name: _node(part) for name, part in state.parts.items()},
        )
    except ValidationError as error:
        raise PolicyError(f"{state.kind} cannot be saved: {first_problem(error)}") from error


def _content(
    policy: ScorePolicy, nodes: Mapping[str, Node], files: Mapping[str, bytes]
) -> PolicyContent:
    try:
        return PolicyContent(
            format_version=2,
            ladder=list(policy.ladder),
            cost_unit=policy.cost_unit,
            rung_costs=policy.rung_costs.tolist(),
            prices=policy.prices,
            features=Features(names=list(current_schema().names), sha256=policy.feature_sha256),
            predictor=nodes[PREDICTOR],
            calibration=nodes[CALIBRATION],
            extras={name: nodes[f"{EXTRA}/{name}"] for name in policy.extras},
            files=[
                File(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
                for name, data in files.items()
            ],
        ).sealed()
    except ValidationError as error:
        raise PolicyError(f"the policy cannot be saved: {first_problem(error)}") from error


def load_policy(folder: str | Path) -> "ScorePolicy | PostVisionPolicy":
    """Read a policy that :func:`save_policy` wrote, checking every file before it is used.

    Returns:
        A policy of tier pre, or of tier post-vision where the folder holds a network.

    Raises:
        PolicyError: if a file is missing, changed, not well formed, or of other features.
    """
    policy = _load(Path(folder))
    if "vision" not in policy.extras:
        return policy
    from policies.post_vision import PostVisionPolicy

    return PostVisionPolicy(policy)


def _load(folder: Path) -> ScorePolicy:
    content = _read_json(folder / POLICY_FILE)
    current_schema().refuse_other(content.features.sha256)
    if list(current_schema().names) != content.features.names:
        raise PolicyError(f"{folder / POLICY_FILE}: features.names do not fit features.sha256")
    states = _read_states(folder, content)
    sizes = len(content.features.names), len(content.ladder)
    return ScorePolicy(
        ladder=ScaleLadder(tuple(content.ladder)),
        predictor=restore_predictor(states[PREDICTOR], *sizes),
        rung_costs=np.array(content.rung_costs),
        cost_unit=content.cost_unit,
        prices=content.prices,
        table=calibration.restore(states[CALIBRATION]),
        feature_sha256=content.features.sha256,
        extras={name: restore_extra(states[f"{EXTRA}/{name}"], *sizes) for name in content.extras},
    )


def _read_states(folder: Path, content: PolicyContent) -> dict[str, PredictorState]:
    """Return the state of every node at the top, its arrays and texts read and checked."""
    files = {file.name: file for file in content.files}
    data = _read_checked(folder, files[ARRAY_FILE], array_file.MAX_BYTES)
    arrays = array_file.read_arrays(data, content.places("arrays"))
    texts = {place: _text(folder, files[text_file(place)]) for place in content.places("texts")}
    return {place: _state(node, place, arrays, texts) for place, node in content.nodes().items()}


def _state(
    node: Node, place: str, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]
) -> PredictorState:
    return PredictorState(
        node.kind,
        node.settings,
        {name: arrays[f"{place}/{name}"] for name in node.arrays},
        {name: texts[f"{place}/{name}"] for name in node.texts},
        {name: _state(part, f"{place}/{name}", arrays, texts) for name, part in node.parts.items()},
    )


def _read_json(path: Path) -> PolicyContent:
    try:
        content = PolicyContent.model_validate_json(_read(path, _MAX_JSON_BYTES))
    except ValidationError as error:
        raise PolicyError(f"{path}: {first_problem(error)}") from error
    if content.fingerprint() != content.content_sha256:
        raise PolicyError(f"{path} was changed: its content does not fit its content_sha256")
    return content


def _text(folder: Path, file: File) -> str:
    try:
        return _read_checked(folder, file, MAX_CHARACTERS).decode("ascii")
    except UnicodeDecodeError as error:
        raise PolicyError(f"{folder / file.name} is not plain text") from error


def _read_checked(folder: Path, file: File, max_bytes: int) -> bytes:
    path = folder / file.name
    data = _read(path, max_bytes)
    found = hashlib.sha256(data).hexdigest()
    if (found, len(data)) != (file.sha256, file.bytes):
        raise PolicyError(
            f"{path} was changed: its sha256 is {found[:12]} and it has {len(data)} bytes, "
            f"policy.json says {file.sha256[:12]} and {file.bytes}"
        )
    return data


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        return read_at_most(path, max_bytes)
    except OSError as error:
        raise PolicyError(f"no policy file can be read at {path}: {error.strerror}") from error
