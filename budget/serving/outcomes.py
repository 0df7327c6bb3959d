"""How a request went: the words that metrics count by, and the errors that clients are told."""

import logging

from budget.errors import BudgetError, one_line
from budget.serving.errors import RequestError

logger = logging.getLogger(__name__)

OK = "ok"
GONE = "client_gone"
_BY_STATUS = {408: "timeout", 413: "too_large", 429: "overloaded", 503: "draining"}


def outcome_of(error: RequestError) -> str:
    """Return the word for a refused or failed request.

    Example:
        >>> outcome_of(RequestError("n", status=429)), outcome_of(RequestError("n", status=404))
        ('overloaded', 'invalid')
    """
    return _BY_STATUS.get(error.status, "invalid" if error.status < 500 else "failed")


def told_error(problem: BaseException) -> RequestError:
    """Return what a client is told of what went wrong with its request alone.

    What a client gave and cannot be used (``BudgetError``) is the client's to know. All else that
    a request can have wrong is found before it waits for the model, so that anything else, a
    ``ValueError`` too, is the server's fault: it is logged here and told without details.
    """
    if isinstance(problem, RequestError):
        return problem
    if isinstance(problem, BudgetError):
        return RequestError(one_line(problem), code="invalid_value")
    logger.error("a request failed: %s", one_line(problem), exc_info=problem)
    return failed()


def failed() -> RequestError:
    """Return the error of a request that could not be served for no fault of its own."""
    return RequestError("the server failed on this request", status=500, code="failed")
