"""Run a Matryoshka vision-language model with as many visual tokens as each sample needs.

Names are imported on first use, so that importing the package stays cheap.

    from budget import AdaptiveVLM, load_model
"""

from importlib import import_module
from typing import Any

_HOME = {
    "AdaptiveAnswer": "adaptive",
    "AdaptiveVLM": "adaptive",
    "Answer": "types",
    "Budget": "budgets",
    "BudgetError": "errors",
    "BudgetPolicy": "budgets",
    "Chat": "chat",
    "Cost": "types",
    "DataError": "errors",
    "Decision": "budgets",
    "EscalatedAnswer": "escalated",
    "EscalatingVLM": "escalating",
    "Generation": "sampling",
    "Governor": "governor",
    "GuardedPolicy": "trust",
    "Listener": "sampling",
    "MatryoshkaVLM": "types",
    "ModelError": "errors",
    "PolicyError": "errors",
    "Risk": "risk",
    "ScaleLadder": "ladder",
    "Turn": "chat",
    "load_model": "models",
    "pool_tokens": "tokens",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import ``name`` from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'budget' has no attribute {name!r}")
    return getattr(import_module(f"budget.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
