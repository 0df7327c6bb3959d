"""What sets how many visual tokens an image costs."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from PIL.Image import Image

from budget.families.seen import Seen, see


class Knob(Protocol):
    """A model's knob; nothing inherits from this."""

    @property
    def name(self) -> str:
        """As users of the model know it, e.g. ``size.longest_edge``."""
        ...

    @property
    def ladder(self) -> tuple[int, ...]:
        """Caps that the model is run at by default, cheapest first."""
        ...

    @property
    def note(self) -> str:
        """What users must know of it; empty if nothing."""
        ...

    def check(self, scale: int) -> None:
        """Refuse a cap that cannot be kept.

        Raises:
            ValueError: with what is legal.
        """
        ...

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap; safe to call from several threads."""
        ...

    def encoder(self, model: Any, scale: int) -> Any:
        """Return what has the ``get_image_features`` for images seen under a cap."""
        ...


class KwargsKnob(NamedTuple):
    """A knob of the image processor, given with every call.

    Attributes:
        name: as users of the model know it.
        ladder: default caps.
        processor: of the model.
        token_id: of the placeholder.
        kwargs: keyword arguments of the image processor for a cap.
        least: the smallest cap that can be kept.
        note: what users must know of it.
        fixed: more that ``get_image_features`` takes at a cap.
        values: the only caps there are, of a knob that knows some numbers alone.
    """

    name: str
    ladder: tuple[int, ...]
    processor: Any
    token_id: int
    kwargs: Callable[[int], dict[str, Any]]
    least: int = 1
    note: str = ""
    fixed: Callable[[int], Mapping[str, Any]] | None = None
    values: tuple[int, ...] = ()

    def check(self, scale: int) -> None:
        """Refuse a cap that cannot be kept."""
        if self.values and scale not in self.values:
            legal = ", ".join(map(str, self.values))
            raise ValueError(f"a scale of {self.name} must be one of {legal}, got {scale}")
        if scale < self.least:
            raise ValueError(
                f"no image costs less than {self.least} visual tokens here, got a scale of {scale}"
            )

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        fixed = dict(self.fixed(scale)) if self.fixed else {}
        return see(self.processor, image, self.kwargs(scale), self.token_id, **fixed)

    def encoder(self, model: Any, scale: int) -> Any:
        """Return the model."""
        return model
