"""What went wrong with a request, in one line, and whether the next one may fare better."""

from budget.errors import ModelError, ModelLost, one_line

# Answers that have nothing to do with what was asked: no key, no money, no such model, too many
# requests even after all retries, nobody behind the gateway.
_LOST = {401, 402, 403, 404, 429, 502, 503}
_LONGEST = 300  # characters of a server's message that are repeated


class RequestFailed(ModelError):
    """A server did not answer one request; others it may."""


def of_status(where: str, status: int, message: str) -> ModelError:
    """Return the error for a status that is final.

    Args:
        where: the server's URL.
        status: of HTTP.
        message: what the server said.

    Example:
        >>> of_status("http://h/v1", 429, "slow down")
        ModelLost('http://h/v1 answered 429: slow down')
    """
    kind = ModelLost if status in _LOST else RequestFailed
    said = " ".join(message.split())[:_LONGEST] or "(no message)"
    return kind(f"{where} answered {status}: {said}")


def of_silence(where: str, error: BaseException, timeout_s: float | None) -> RequestFailed:
    """Return the error for a request that got no answer.

    Args:
        where: the server's URL.
        error: what the client raised.
        timeout_s: seconds that were waited, None if it was no timeout.
    """
    if timeout_s is not None:
        return RequestFailed(f"{where} gave no answer within {timeout_s:g} s")
    cause = error.__cause__ or error
    return RequestFailed(f"{where} cannot be reached: {one_line(cause)}")
