"""Where the metrics of a run go."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from budget.errors import DataError, one_line

DATABASE = "mlflow.db"


class Tracker(Protocol):
    """Receives what a run is given and what it measures; a context manager that ends the run."""

    def params(self, values: Mapping[str, object]) -> None:
        """Record what the run was given, once."""
        ...

    def log(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Record numbers measured at ``step``."""
        ...

    def tag(self, values: Mapping[str, str]) -> None:
        """Record what the run can be found by."""
        ...

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file, or of what is in a folder, with the run, in a folder there."""
        ...

    def close(self) -> None:
        """End the run."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class NullTracker:
    """Accepts everything, keeps nothing.

    Example:
        >>> with NullTracker() as tracker:
        ...     tracker.log({"loss": 0.5}, step=1)
    """

    def params(self, values: Mapping[str, object]) -> None:
        """Forget ``values``."""

    def log(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Forget ``metrics``."""

    def tag(self, values: Mapping[str, str]) -> None:
        """Forget ``values``."""

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Forget ``path``."""

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def database_uri(folder: Path) -> str:
    """Return the address of the SQLite file in which a folder's runs and models are kept."""
    return f"sqlite:///{Path(folder).resolve() / DATABASE}"


def open_client(folder: Path) -> Any:
    """Return MLflow's client for a folder that is there; its database is made if it is missing.

    Nothing is sent anywhere, and the process-wide MLflow state is left alone.

    Raises:
        DataError: if the file is no database, or one of another MLflow.
    """
    import logging

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.ERROR)  # which importing it has set
    uri = database_uri(folder)
    try:
        # The address of the registry is said too: the environment may name another one.
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
    except (MlflowException, SQLAlchemyError) as error:
        raise DataError(f"{uri} cannot be used: {one_line(error)[:200]}") from error
    return client


class MLflowTracker:
    """Writes one MLflow run into a SQLite file; the process-wide MLflow state is left alone.

    Args:
        experiment: name of the MLflow experiment; made if it does not exist.
        folder: where ``mlflow.db`` and the run's files (``artifacts/``) are kept; made if missing.
        run_name: name of the run; ``None`` lets MLflow invent one.

    Raises:
        ValueError: if ``experiment`` is empty.
        FileExistsError: if ``folder`` is a file.
    """

    def __init__(self, experiment: str, *, folder: Path, run_name: str | None = None) -> None:
        if not experiment:
            raise ValueError("an experiment needs a name, got ''")
        folder = Path(folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        self.uri = database_uri(folder)
        self._client = open_client(folder)
        known = self._client.get_experiment_by_name(experiment)
        experiment_id = (
            known.experiment_id
            if known
            else self._client.create_experiment(
                experiment, artifact_location=(folder / "artifacts").as_uri()
            )
        )
        self.run_id = self._client.create_run(experiment_id, run_name=run_name).info.run_id
        self._open = True

    def params(self, values: Mapping[str, object]) -> None:
        """Record what the run was given, once."""
        for key, value in values.items():
            self._client.log_param(self.run_id, key, value)

    def log(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Record numbers measured at ``step``."""
        for key, value in metrics.items():
            self._client.log_metric(self.run_id, key, float(value), step=step)

    def tag(self, values: Mapping[str, str]) -> None:
        """Record what the run can be found by."""
        for key, value in values.items():
            self._client.set_tag(self.run_id, key, value)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file, or of what is in a folder, with the run, in a folder there."""
        keep = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
        keep(self.run_id, str(path), folder)

    def close(self, status: str = "FINISHED") -> None:
        """End the run; a second call does nothing."""
        if self._open:
            self._client.set_terminated(self.run_id, status=status)
            self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close("FINISHED" if kind is None else "FAILED")
