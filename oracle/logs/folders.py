"""A folder that a run of lmms-eval or lm-evaluation-harness wrote: one file of samples a task."""

from pathlib import Path

from budget.errors import DataError
from oracle.logs.formats import read_log
from oracle.logs.peek import look_at
from oracle.logs.rows import Choices, Log, NotOffered


def read_run(path: Path, name: str | None, choices: Choices) -> tuple[str, list[Log]]:
    """Return the name of the format and the logs of a file or folder, one ``Log`` a scale.

    The samples of a folder with several tasks become one log; their keys and groups are then the
    tasks' names. A metric or filter that is chosen counts for the tasks that have it, as not all
    have the same; one of them must.

    Args:
        path: a file or folder.
        name: of the format; ``None`` to find it in the content.
        choices: what the user chose.

    Raises:
        DataError: as ``read_log``, or if a folder holds no samples, a task's twice, or no task
            has what was chosen.
    """
    if not path.is_dir() or look_at(path).fields:
        return read_log(path, name, choices)
    if not (files := sorted(path.rglob("*samples_*.jsonl"))):
        raise DataError(f"{path} holds no logged samples (*samples_*.jsonl); name the file")
    names, logs, misses = set(), [], []
    for file in files:
        found, read, missing = _read_task(file, name, choices)
        names.add(found)
        logs += read
        misses.append(missing)
    for what in misses[0]:
        if all(what in missing for missing in misses):
            raise misses[0][what]
    if len(names) > 1:
        raise DataError(f"{path} holds logs of several formats: {', '.join(sorted(names))}")
    return names.pop(), [_merged(path, logs)]


def _read_task(
    file: Path, name: str | None, choices: Choices
) -> tuple[str, list[Log], dict[str, NotOffered]]:
    """Return the format, the logs, and what the file does not offer of what was chosen."""
    missing: dict[str, NotOffered] = {}
    while True:
        try:
            return *read_log(file, name, choices), missing
        except NotOffered as problem:
            missing[problem.what] = problem
            if problem.what == "metric":
                choices = choices._replace(metric=None)
            else:
                choices = choices._replace(filter=None)


def _merged(path: Path, logs: list[Log]) -> Log:
    by_task: dict[str, Log] = {}
    for log in logs:
        if log.task in by_task:
            files = f"{by_task[log.task].path.name} and {log.path.name}"
            raise DataError(f"{path} holds task {log.task!r} twice: {files}; name the file")
        by_task[log.task] = log
    if len(logs) == 1:
        return logs[0]
    scales, models = {log.scale for log in logs}, {log.model for log in logs}
    if len(scales) > 1:
        raise DataError(f"{path} holds runs at several scales; name their files")
    rows = [
        row._replace(key=f"{task}/{row.key}", group=task)
        for task, log in by_task.items()
        for row in log.rows
    ]
    unscored = [log for log in logs if not log.metric]
    return Log(
        path,
        rows,
        scale=scales.pop(),
        model=models.pop() if len(models) == 1 else "",
        metric="" if unscored else "/".join(sorted({log.metric for log in logs})),
        unscored=f"{unscored[0].task}: {unscored[0].unscored}" if unscored else "",
    )
