"""Curves of the shipped weights on the scenes, measured by ``budget oracle run``.

``fit-large`` has scores alone, of 30,000 questions of split *fit* beyond the 8,000 of ``fit``.
"""

from pathlib import Path

SPLITS = ("fit", "fit-large", "calibration", "test")


def shipped_curves(model: str, split: str) -> Path:
    """Return the file of curves of a shipped model on a split of the scenes.

    Raises:
        ValueError: if there are none.
    """
    path = Path(__file__).parent / model / f"{split}.parquet"
    if split not in SPLITS or not path.is_file():
        raise ValueError(
            f"no shipped curves of {model!r}, {split!r}; there are {', '.join(SPLITS)}"
        )
    return path
