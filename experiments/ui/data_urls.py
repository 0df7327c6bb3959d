"""Pictures that stand in the page itself, so that showing them asks nobody for anything."""

import base64
import io

from PIL import Image


def data_url(image: Image.Image) -> str:
    """Return a picture as the data URL of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
