import asyncio
import base64
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_host import as_url, png, png_that_claims
from PIL import Image

from budget.serving.data_urls import read_data_url
from budget.serving.errors import RequestError
from budget.serving.limits import Limits
from budget.serving.request_images import RequestImages


def load(url, **limits):
    return asyncio.run(RequestImages(Limits(**limits)).load(url, param="messages[0]"))


def refusal(url, **limits):
    with pytest.raises(RequestError, match=r"\w") as caught:
        load(url, **limits)
    assert caught.value.param == "messages[0]"
    return caught.value


def test_a_data_url_becomes_the_picture_and_keeps_its_bytes():
    loaded = load(as_url(png(4, 3, "blue")))
    assert loaded.data == png(4, 3, "blue")
    np.testing.assert_array_equal(np.asarray(loaded.image), [[[0, 0, 255]] * 4] * 3)


def test_what_is_transparent_is_laid_on_white():
    file = BytesIO()
    Image.new("RGBA", (1, 1), (255, 0, 0, 0)).save(file, "PNG")
    assert load(as_url(file.getvalue())).image.getpixel((0, 0)) == (255, 255, 255)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=400))
def test_a_data_url_gives_back_every_byte(data):
    text = base64.b64encode(data).decode()
    broken = "\r\n".join(text[i : i + 7] for i in range(0, len(text), 7))
    escaped = text.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D")
    for payload in (text, broken, escaped):
        url = f"DATA:Image/PNG;charset=x;Base64,{payload}"
        assert read_data_url(url, max_bytes=len(data)) == data
        if len(data) > 1:
            with pytest.raises(RequestError, match=f"at most {len(data) - 1:,} bytes"):
                read_data_url(url, max_bytes=len(data) - 1)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused_with_a_status(text):
    images = RequestImages(Limits())

    async def outcomes():
        urls = (text, f"data:{text}", f"data:image/png;base64,{text}")
        return await asyncio.gather(*map(images.load, urls), return_exceptions=True)

    for error in asyncio.run(outcomes()):
        assert isinstance(error, RequestError)
        assert error.status == 400
        assert "\n" not in error.message


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("data:image/png;base64", "invalid_data_url"),
        ("data:image/png,abcd", "invalid_data_url"),
        ("data:text/html;base64,abcd", "invalid_data_url"),
        ("data:image/png;base64,ab$d", "invalid_base64"),
        ("data:image/png;base64,abc", "invalid_base64"),
        ("data:image/png;base64,\udc80bcd", "invalid_base64"),
        ("data:image/png;base64,", "invalid_image"),
        (as_url(b"hello, I am no image"), "invalid_image"),
        (as_url(png(64, 64)[:-40]), "invalid_image"),
        ("https://example.com/cat.png", "remote_images_off"),
        ("file:///etc/passwd", "remote_images_off"),
        ("/etc/passwd", "remote_images_off"),
        ("", "remote_images_off"),
    ],
)
def test_what_is_no_image_is_refused_by_its_code(url, code):
    assert refusal(url).code == code


@pytest.mark.parametrize("side", [9_000, 30_000, 2**31 - 1])
def test_a_bomb_is_refused_from_its_header(side):
    error = refusal(as_url(png_that_claims(side, side)))
    assert error.code == "image_too_large"
    with pytest.raises(RequestError, match="pixels"):  # also where nothing is decoded
        asyncio.run(RequestImages(Limits()).read(as_url(png_that_claims(side, side))))


def test_pixels_and_bytes_are_limited_as_configured():
    assert load(as_url(png(10, 10)), max_pixels=100).image.size == (10, 10)
    assert "at most 99 pixels" in refusal(as_url(png(10, 10)), max_pixels=99).message
    assert "at most 50 bytes" in refusal(as_url(png(10, 10)), max_image_bytes=50).message


def test_an_error_repeats_only_the_beginning_of_a_url():
    assert len(refusal("ftp://" + "x" * 10_000).message) < 300


def test_reading_checks_the_header_and_decodes_nothing():
    cut = png(64, 64)[:-40]
    assert asyncio.run(RequestImages(Limits()).read(as_url(cut))) == cut
    with pytest.raises(RequestError, match="no image"):
        asyncio.run(RequestImages(Limits()).read(as_url(b"GIF")))


@pytest.mark.parametrize("name", ["max_body_bytes", "max_images", "max_pixels", "max_new_tokens"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_limits_are_whole_numbers_from_one(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number from 1"):
        Limits(**{name: value})


def test_an_error_has_the_shape_that_openai_clients_read():
    error = RequestError("too\nmany", param="messages", code="x", status=429)
    assert error.body() == {
        "error": {
            "message": "too many",
            "type": "rate_limit_error",
            "param": "messages",
            "code": "x",
        }
    }
    assert RequestError("down", status=502).type == "server_error"
    with pytest.raises(ValueError, match=r"400\.\.599, got 200"):
        RequestError("fine", status=200)
