import pytest


@pytest.fixture
def sick(toys):
    """A toy that fails as it is told: maps (red values of a batch) to an exception or None."""

    class Sick(toys.ReaderVLM):
        def __init__(self, trouble):
            super().__init__()
            self.trouble, self.tried = trouble, []

        def encode(self, images):
            seen = super().encode(images)
            self.tried.append(seen)
            if (error := self.trouble(seen)) is not None:
                raise error
            return seen

    return Sick
