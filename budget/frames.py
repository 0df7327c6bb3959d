"""The frames of a video as the images of one prompt: of animations, of files in a row, or both.

Read is what Pillow reads: animated GIF, WebP, PNG and AVIF, pages of a TIFF, and single images. M3
(arXiv 2405.17430) samples six frames evenly over a video, which is what is done here for any number
of them; frames count alike, however long each is shown.
"""

from collections.abc import Sequence

from PIL import Image, ImageFile

from budget.pictures import Source, as_shown, name_of, opened_image


def read_frames(sources: Sequence[Source], num_frames: int) -> list[Image.Image]:
    """Return frames that lie evenly over all those of some files.

    Args:
        sources: files in their order, each as ``budget.pictures.open_image`` takes it.
        num_frames: how many to take; where there are fewer, all are.

    Returns:
        RGB images as ``budget.pictures.as_shown`` shows them.

    Raises:
        DataError: as ``open_image`` does.
        ValueError: if less than one frame is wanted.
    """
    counts = [count_frames(source) for source in sources]
    wanted = evenly(sum(counts), num_frames)
    found: list[Image.Image] = []
    first = 0
    for source, count in zip(sources, counts, strict=True):
        found += _read(source, [at - first for at in wanted if first <= at < first + count])
        first += count
    return found


def count_frames(source: Source) -> int:
    """Return how many frames a file has, 1 for a single image.

    Raises:
        DataError: as ``budget.pictures.open_image`` does.
    """
    with opened_image(source, name=name_of(source)) as image:
        return int(getattr(image, "n_frames", 1))


def evenly(count: int, wanted: int) -> list[int]:
    """Return the middles of ``wanted`` equal stretches of ``count`` things, or all if fewer.

    Raises:
        ValueError: if less than one is wanted.

    Example:
        >>> evenly(12, 3), evenly(5, 1), evenly(2, 8)
        ([2, 6, 10], [2], [0, 1])
    """
    if wanted < 1:
        raise ValueError(f"at least 1 frame must be wanted, got {wanted}")
    if wanted >= count:
        return list(range(count))
    return [(2 * i + 1) * count // (2 * wanted) for i in range(wanted)]


def _read(source: Source, places: Sequence[int]) -> list[Image.Image]:
    if not places:
        return []
    name = name_of(source)
    with opened_image(source, name=name) as image:
        return [_frame(image, place, name) for place in places]


def _frame(image: ImageFile.ImageFile, place: int, name: str) -> Image.Image:
    """Return one frame as an image of its own, which further reading does not change."""
    image.seek(place)
    key = image.info.get("transparency")
    shown = as_shown(image, name=f"frame {place} of {name}")
    if key is not None:  # of the file's depth, as the next frame's reader expects it
        image.info["transparency"] = key
    return shown.copy() if shown is image else shown
