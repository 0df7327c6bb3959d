"""M3 and MQT models, for what no other model can do.

Their scales are made of the same features, and they are exact. Commands that rest on either take
these models alone.
"""

from pathlib import Path
from typing import Any

from budget.errors import ModelError
from budget.families.registry import family_of
from budget.json_files import read_json
from budget.llava import LlavaRunner
from budget.models import MATRYOSHKA_KINDS, find_model, load_model


def load_matryoshka(path_or_id: str | Path, needed_by: str, **settings: Any) -> LlavaRunner:
    """Load an M3 or MQT model.

    Args:
        path_or_id: as ``load_model`` takes it.
        needed_by: what takes no other model, the beginning of a sentence.
        settings: further arguments of ``load_model``.

    Raises:
        ModelError: if it is of another family, which is known before its weights are read; and as
            ``load_model``.
        ValueError: as ``load_model``.
    """
    raw = read_json(find_model(path_or_id) / "config.json")
    if (kind := raw.get("model_type")) not in MATRYOSHKA_KINDS:
        family = family_of(raw)
        called = family.name if kind in family.model_types else repr(kind)
        raise _other(needed_by, Path(path_or_id).name, called)
    model = load_model(path_or_id, **settings)
    if not isinstance(model, LlavaRunner):
        found = getattr(model, "family", None)
        raise _other(needed_by, model.name, getattr(found, "name", type(model).__name__))
    return model


def _other(needed_by: str, name: str, called: str) -> ModelError:
    return ModelError(f"{needed_by} takes an M3 or MQT model, {name} is {called}")
