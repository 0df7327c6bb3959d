"""An escalation taken apart into plain parts, and put together again from checked ones."""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from budget.errors import PolicyError
from policies import after_answers, calibration
from policies.predictor_state import PredictorState
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of
from policies.stopping import StoppingRule, num_terms
from policies.tried_rungs import Spending, Tries, spending

if TYPE_CHECKING:
    from policies.escalation import Escalation

_Price = Annotated[float, Field(ge=0, le=1e30, allow_inf_nan=False)]
_MAX_TRIES = 20


class _Settings(Settings):
    kept_cache: bool
    max_tries: Annotated[int, Field(ge=1, le=_MAX_TRIES)]
    cap: Annotated[float, Field(ge=1, le=1e30)] | None
    price_names: list[Annotated[str, Field(max_length=100)]]
    price_values: list[_Price]
    again: _Price = 0.0


def take_apart(escalation: "Escalation") -> PredictorState:
    """Return what an escalation is made of."""
    rule, prices = escalation.rule, escalation.prices
    bounds = rule.spending
    return PredictorState(
        "escalation",
        {
            "kept_cache": bounds.kept_cache,
            "max_tries": bounds.max_tries,
            "cap": bounds.cap if np.isfinite(bounds.cap) else None,
            "price_names": list(prices),
            "price_values": [float(price) for price in prices.values()],
            **({"again": bounds.again} if bounds.again else {}),
        },
        {
            "costs": bounds.costs,
            "grid": rule.prices,
            **{_name(tried): gains for tried, gains in rule.gains.items()},
        },
        parts={"after": escalation.after.state(), "table": escalation.table.state()},
    )


def _name(tried: Tries) -> str:
    return "_".join(["gain", *map(str, tried)])


def restore(state: PredictorState, num_features: int, num_rungs: int) -> "Escalation":
    """Return the escalation of a state that :func:`take_apart` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    from policies.escalation import Escalation

    settings = settings_of(state, _Settings)
    if len(settings.price_names) != len(settings.price_values):
        raise PolicyError("escalation: price_names and price_values must be equally long")
    rule = _rule(state, settings, num_rungs)
    return Escalation(
        after=after_answers.restore(state.parts["after"], num_features, num_rungs),
        rule=rule,
        prices=dict(zip(settings.price_names, settings.price_values, strict=True)),
        table=calibration.restore(state.parts["table"]),
    )


def _rule(state: PredictorState, settings: _Settings, num_rungs: int) -> StoppingRule:
    bounds = _spending(state, settings, num_rungs)
    ways = bounds.unfinished()
    arrays = ["costs", "grid", *map(_name, ways)]
    refuse_other_names(state, arrays=arrays, parts=("after", "table"))
    grid = array_of(state, "grid", (None,))
    if not len(grid) or grid.min() <= 0 or (np.diff(grid) >= 0).any():
        raise PolicyError("escalation: its grid of prices must fall and stay above 0")
    gains = {}
    for tried in ways:
        width = num_terms(num_rungs - (tried[-1] if tried else 0))
        shape = (len(bounds.next_rungs(tried)), len(grid), width)
        gains[tried] = array_of(state, _name(tried), shape)
    return StoppingRule(bounds, grid, gains)


def _spending(state: PredictorState, settings: _Settings, num_rungs: int) -> Spending:
    costs = array_of(state, "costs", (num_rungs,))
    cap = np.inf if settings.cap is None else settings.cap
    try:
        return spending(
            costs,
            kept_cache=settings.kept_cache,
            max_tries=settings.max_tries,
            cap=cap,
            again=settings.again * float(costs[-1]),
        )
    except ValueError as error:
        raise PolicyError(f"escalation: {error}") from error
