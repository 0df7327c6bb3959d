import base64
import json
from io import BytesIO

import pytest
from PIL import Image

from oracle.data import load_dataset_columns


def png(red):
    """The bytes of a small picture of one red."""
    file = BytesIO()
    Image.new("RGB", (2, 2), (red, 0, 0)).save(file, "PNG")
    return file.getvalue()


def reds(value):
    """The red of one image, of several, or None."""
    if value is None:
        return None
    return [reds(one) for one in value] if isinstance(value, list) else value.getpixel((0, 0))[0]


class Toys:
    """Writes small files, and loads them with what was said."""

    png = staticmethod(png)

    def __init__(self, folder):
        self.folder = folder
        self.notes = []

    def picture(self, name, red):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(red))
        return path

    def base64(self, red):
        return base64.b64encode(png(red)).decode()

    def lines(self, name, rows):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def text(self, name, *lines):
        (self.folder / name).write_text("\n".join(lines) + "\n")
        return self.folder / name

    def load(self, path, *args, **words):
        return load_dataset_columns(str(path), *args, say=self.notes.append, **words)

    def reds(self, table):
        return [reds(image) for image in table["image"]]


@pytest.fixture
def toy(tmp_path):
    """A folder to write small data into."""
    return Toys(tmp_path)
