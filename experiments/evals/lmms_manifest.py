"""What lmms-eval asks this package for, through the entry point group ``lmms_eval.models``."""

from typing import Any

MODEL_ID = "budget"


def manifests() -> list[Any]:
    """Return the model ``budget``, in both ways in which lmms-eval asks."""
    from lmms_eval.models.registry_v2 import ModelManifest

    home = "experiments.evals.lmms_models"
    return [
        ModelManifest(
            model_id=MODEL_ID,
            simple_class_path=f"{home}.BudgetModel",
            chat_class_path=f"{home}.BudgetChatModel",
        )
    ]
