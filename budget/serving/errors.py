"""What is told to a client whose request cannot be served, in OpenAI's shape."""

from typing import Any

from budget.errors import BudgetError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class RequestError(BudgetError):
    """A request that is refused.

    Attributes:
        message: what is wrong and what would be legal, one line.
        status: the HTTP status, 400 to 599.
        param: which part of the body it is about, such as ``"messages[0].content"``.
        code: a word that programs can compare, such as ``"image_too_large"``.

    Example:
        >>> error = RequestError("temperature must be at least 0, got -1", param="temperature")
        >>> error.status, error.type, error.body()["error"]["param"]
        (400, 'invalid_request_error', 'temperature')
    """

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
    ) -> None:
        if not 400 <= status <= 599:
            raise ValueError(f"the status of an error must lie in 400..599, got {status}")
        super().__init__(" ".join(message.split()))
        self.message = " ".join(message.split())
        self.param = param
        self.code = code
        self.status = status

    @property
    def type(self) -> str:
        """OpenAI's name for the kind of error."""
        return _TYPES.get(
            self.status, "server_error" if self.status >= 500 else "invalid_request_error"
        )

    def body(self) -> dict[str, Any]:
        """Return the body of the response, as the ``openai`` clients read it."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }
