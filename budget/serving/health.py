"""What ``/health`` tells: whether requests are served, and how well decisions go."""

from typing import Any

from budget.serving.intake import Intake
from budget.serving.responses import Governed, Health, Trust


def health_of(vlm: Any, intake: Intake, notice: str) -> Health:
    """Return how a server does.

    Args:
        vlm: whose policy may be guarded, and who may have a governor.
        intake: tells what waits and runs.
        notice: what is to be known of how the server was set up.
    """
    report = getattr(getattr(vlm, "policy", None), "report", None)
    governor = getattr(vlm, "governor", None)
    return Health(
        status="draining" if intake.draining else "ready",
        model=vlm.model.name,
        waiting=intake.waiting,
        running=intake.running,
        notice=notice,
        trust=None if report is None else Trust(**report()._asdict()),
        governor=None if governor is None else _governed(governor.report()),
    )


def _governed(report: Any) -> Governed:
    return Governed(**{name: getattr(report, name) for name in Governed.model_fields})
