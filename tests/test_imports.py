"""Importing the packages and the command line costs nothing heavy."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

HEAVY = (
    "datasets",
    "fastapi",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "optuna",
    "sklearn",
    "torch",
    "transformers",
    "uvicorn",
)


def loaded_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "budget",
        "oracle",
        "policies",
        "experiments",
        "experiments.cli",
        "budget.cli",
        "budget.cost_cli",
        "budget.bench_cli",
        "budget.serving.cli",
        "budget.proxy.cli",
        "oracle.cli",
        "policies.cli",
        "experiments.demo.cli",
        "experiments.policy_cli",
        "experiments.scenes.cli",
        "experiments.train.cli",
    ],
)
def test_import_is_light(module):
    assert loaded_after(f"import {module}").isdisjoint(HEAVY)


@pytest.mark.parametrize("package", ["budget", "oracle", "policies"])
def test_every_public_name_exists(package):
    statement = f"import {package}\nfor name in {package}.__all__:\n    getattr({package}, name)"
    assert package in loaded_after(statement)


@pytest.mark.parametrize("package", ["budget", "oracle", "policies"])
def test_no_module_takes_the_place_of_a_public_name(package):
    """A module that is imported becomes its package's attribute, whatever that gave before."""
    module = importlib.import_module(package)
    assert {each.name for each in pkgutil.iter_modules(module.__path__)}.isdisjoint(module.__all__)


def test_the_runtime_loads_no_other_package():
    statement = "import budget\nfor name in budget.__all__:\n    getattr(budget, name)"
    assert loaded_after(statement).isdisjoint({"oracle", "policies", "experiments"})
