"""Where the metrics of a run go."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self


class Tracker(Protocol):
    """Receives what a run is given and what it measures; a context manager that ends the run."""

    def params(self, values: Mapping[str, object]) -> None:
        """Record what the run was given, once."""
        ...

    def log(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Record numbers measured at ``step``."""
        ...

    def artifact(self, path: Path) -> None:
        """Keep a copy of a file with the run."""
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

    def artifact(self, path: Path) -> None:
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
        from mlflow import MlflowClient

        folder = Path(folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        self.uri = f"sqlite:///{folder / 'mlflow.db'}"
        self._client = MlflowClient(tracking_uri=self.uri)
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

    def artifact(self, path: Path) -> None:
        """Keep a copy of a file with the run."""
        self._client.log_artifact(self.run_id, str(path))

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
