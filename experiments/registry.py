"""Which policies there are, how they did, and which one is in use: MLflow's model registry.

A registered version is the policy's folder among the files of the run that fitted it; the version
in use has the alias ``champion``. A policy is known by the sha256 of its policy.json, which holds
those of all its other files. Nothing in the registry is executed or unpickled.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlparse
from urllib.request import url2pathname

from budget.errors import PolicyError, one_line
from experiments.tracking import DATABASE, MLflowTracker, open_client
from policies.policy_files import load_policy
from policies.policy_schema import POLICY_FILE

CHAMPION = "champion"
DEFAULT_NAME = "policy"
MEASURE = "gap_closed_stable"
POLICY_TAG, TEST_TAG = "policy_sha256", "test_sha256"
FIT, EVALUATE, IMPORT = "policy fit", "policy evaluate", "policy import"


class Version(NamedTuple):
    """A registered policy.

    Attributes:
        name: it is registered under.
        version: counts from 1 under each name.
        folder: where its files are.
        sha256: of its policy.json when it was registered.
        in_use: whether it is the one that was promoted.
    """

    name: str
    version: int
    folder: Path
    sha256: str
    in_use: bool

    @property
    def label(self) -> str:
        """NAME/VERSION, as commands take it."""
        return f"{self.name}/{self.version}"


class Evaluation(NamedTuple):
    """What ``budget policy evaluate --track`` found.

    Attributes:
        test_sha256: which curves it was evaluated on.
        value: stable gap closed by area.
    """

    test_sha256: str
    value: float


def policy_sha256(folder: Path) -> str:
    """Return what a policy is known by.

    Raises:
        PolicyError: if there is no policy in the folder.
    """
    try:
        return hashlib.sha256((folder / POLICY_FILE).read_bytes()).hexdigest()
    except OSError as error:
        raise PolicyError(f"no policy in {folder}: {error.strerror}") from error


class Registry:
    """The policies of a tracking folder.

    Args:
        folder: that ``--track`` names.

    Raises:
        PolicyError: if nothing was tracked in the folder.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / DATABASE).is_file():
            raise PolicyError(f"nothing is registered in {folder}: it has no {DATABASE}")
        self._client = open_client(folder)
        self.folder = folder

    def register(self, name: str, run_id: str, sha256: str) -> Version:
        """Register the policy among the files of a run; one that is there already is not doubled.

        Raises:
            PolicyError: if MLflow does not take the name.
        """
        for known in self.versions(name):
            if known.sha256 == sha256:
                return known
        with _refusals():
            if not self._client.search_registered_models(f"name = '{_quoted(name)}'"):
                self._client.create_registered_model(name)
            source = f"{self._client.get_run(run_id).info.artifact_uri}/policy"
            made = self._client.create_model_version(
                name, source=source, run_id=run_id, tags={POLICY_TAG: sha256}
            )
        return self._version(made)

    def add_folder(self, name: str, folder: Path) -> Version:
        """Register a policy that was fitted without tracking; its files are copied.

        Raises:
            PolicyError: if the folder holds no policy that loads.
        """
        load_policy(folder)
        sha256 = policy_sha256(folder)
        for known in self.versions(name):
            if known.sha256 == sha256:
                return known
        with MLflowTracker(IMPORT, folder=self.folder) as tracker:
            tracker.params({"folder": str(folder)})
            tracker.tag({POLICY_TAG: sha256})
            tracker.artifact(folder, "policy")
        return self.register(name, tracker.run_id, sha256)

    def versions(self, name: str | None = None) -> list[Version]:
        """Return all versions, or those of one name, by name and oldest first."""
        only = "" if name is None else f"name = '{_quoted(name)}'"
        with _refusals():
            found = self._client.search_model_versions(only, max_results=10_000)
        return sorted(map(self._version, found), key=lambda version: version[:2])

    def version(self, label: str) -> Version:
        """Return the version that NAME/VERSION names.

        Raises:
            PolicyError: if there is none.
        """
        known = {version.label: version for version in self.versions()}
        if label not in known:
            raise PolicyError(
                f"no policy {label!r} in the registry; there are {', '.join(known) or 'none'}"
            )
        return known[label]

    def champion(self, name: str) -> Version | None:
        """Return the version of a name that is in use, if one is."""
        return next((version for version in self.versions(name) if version.in_use), None)

    def evaluations(self, sha256: str) -> list[Evaluation]:
        """Return how a policy did, latest first."""
        experiment = self._client.get_experiment_by_name(EVALUATE)
        if experiment is None:
            return []
        runs = self._client.search_runs(
            [experiment.experiment_id],
            f"tags.{POLICY_TAG} = '{sha256}' and attributes.status = 'FINISHED'",
            order_by=["attributes.start_time DESC"],
        )
        return [
            Evaluation(run.data.tags[TEST_TAG], run.data.metrics[MEASURE])
            for run in runs
            if MEASURE in run.data.metrics and TEST_TAG in run.data.tags
        ]

    def mark(self, version: Version) -> None:
        """Make a version the one in use under its name, without asking whether it should be."""
        with _refusals():
            self._client.set_registered_model_alias(version.name, CHAMPION, str(version.version))

    def _version(self, found: Any) -> Version:
        model = self._client.get_registered_model(found.name)
        in_use = str(model.aliases.get(CHAMPION, "")) == str(found.version)
        place = Path(url2pathname(urlparse(found.source).path))
        sha256 = found.tags.get(POLICY_TAG, "")
        return Version(found.name, int(found.version), place, sha256, in_use)


def _quoted(name: str) -> str:
    """Return a name that may stand in a filter of MLflow.

    Raises:
        PolicyError: if it may not be a name at all.
    """
    if not name or any(character in name for character in "/:'\"`\\"):
        raise PolicyError(
            f"a name of policies must be plain text without / : and quotes, got {name!r}"
        )
    return name


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what MLflow refuses into one line."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise PolicyError(f"MLflow: {one_line(error)[:300]}") from error
