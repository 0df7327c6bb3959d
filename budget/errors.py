"""Errors that a command turns into one clear line and a non-zero exit."""


class BudgetError(Exception):
    """Something the user gave cannot be used; the message says what, and what would be legal."""


class ModelError(BudgetError):
    """A model folder is missing, incomplete or of a layout that is not known."""


class ModelLost(ModelError):
    """A model that answered before can be asked no more, whatever the sample."""


class DataError(BudgetError):
    """A dataset, an image or a file of records cannot be read or lacks what is needed."""


class PolicyError(BudgetError):
    """A policy folder cannot be read or does not fit the model it is used with."""


def one_line(error: BaseException) -> str:
    r"""Return what an error says, without line breaks; its kind if it says nothing.

    Example:
        >>> one_line(KeyError()), one_line(ValueError("a\n  b"))
        ('KeyError', 'a b')
    """
    return " ".join(str(error).split()) or type(error).__name__
