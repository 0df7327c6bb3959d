"""Time models with chosen costs."""

from budget.time_model import TimeModel


def call_cost(fixed=0.0, row=0.0, token=0.0, pair=0.0):
    return {"fixed": fixed, "row": row, "token": token, "pair": pair}


def times_content(even, padded=None, step=None, **changes):
    """The content of a file in which a step costs nothing unless it is given."""
    step = step or call_cost()
    spread = {"median": 0.02, "low": 0.01, "high": 0.04}
    return {
        "format_version": 1,
        "kind": "time-model",
        "model": "m3",
        "created": "2026-11-21T12:00:00+00:00",
        "machine": {
            "platform": "Linux x86_64",
            "processor": "a processor, 2 cores",
            "device": "cpu",
            "device_name": "a processor",
            "threads": 1,
            "torch": "2.13.0",
        },
        "dtype": "float32",
        "repeats": 3,
        "max_rows": 32,
        "max_length": 176,
        "new_tokens": 2,
        "even": {"prefill": even, "step": step},
        "padded": {"prefill": padded or even, "step": step},
        "encode": {"fixed": 4.0, "grid": 7.0},
        "text_ms": 0.1,
        "prefill_error": spread,
        "step_error": spread,
        **changes,
    }


def toy_times(even, padded=None, step=None, **changes):
    return TimeModel.model_validate(times_content(even, padded, step, **changes))
