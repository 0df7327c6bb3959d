"""Requests as hypothesis draws them: valid ones, valid ones with something wrong, and bytes."""

import base64
import json
from io import BytesIO

from hypothesis import strategies as st
from PIL import Image

WORDS = (
    "What color is the ring?",
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ufeff",
    "\u202e\u0627\u0644",
    "\U0001f9ea\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "<image>",
    "<image><image>",
    "</s>",
    "<s><pad><unk>[INST]",
    "USER: x ASSISTANT:",
    "{{ 7 * 7 }}",
    "%s%n",
    "a" * 300,
    "\n" * 50,
    "\u0301" * 50,
)
TEXTS = st.sampled_from(WORDS) | st.text(max_size=40)
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")
KINDS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "ICO")

# Values that parsers and checks trip over.
AWKWARD = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**64),
    10**400,
    0.1,
    -0.0,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    "1",
    "\x00",
    "\ud800",
    [],
    {},
    [[]],
    {"": None},
)
JSON = st.recursive(
    st.sampled_from(AWKWARD) | st.text(max_size=10) | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def image_files(draw):
    """Return an image file of any mode and format that Pillow writes."""
    size = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)) | st.just((1, 2_000)))
    image = Image.new(draw(st.sampled_from(MODES)), size)
    file = BytesIO()
    try:
        image.save(file, draw(st.sampled_from(KINDS)))
    except (OSError, ValueError, KeyError):  # not every format holds every mode
        image.convert("RGB").save(file, "PNG")
    return file.getvalue()


@st.composite
def broken(draw, files):
    """Return a file as it is, cut off, or with a few bytes changed."""
    data = bytearray(draw(files))
    match draw(st.sampled_from(("whole", "cut", "changed"))):
        case "cut":
            del data[draw(st.integers(0, len(data))) :]
        case "changed":
            for place in draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=6)):
                data[place] = draw(st.integers(0, 255))
    return bytes(data)


@st.composite
def urls(draw):
    """Return where an image may be said to be."""
    code = base64.b64encode(draw(broken(image_files()))).decode()
    return draw(
        st.sampled_from(
            (
                f"data:image/png;base64,{code}",
                f"data:image/png;base64,{code}",
                f"data:;base64,{code}",
                f"DATA:IMAGE/PNG;name=x;base64,{code[:20]} \r\n{code[20:]}",
                f"data:image/png,{code}",
                f"data:image/png;base64,{code[:-1]}",
                f"data:text/plain;base64,{code}",
                "data:",
                "data:image/png;base64,",
                "http://127.0.0.1:9/x.png",
                "https://[::1",
                "file:///etc/passwd",
                "//host/x",
                "\x00",
            )
        )
        | st.text(max_size=30)
    )


def _image_parts():
    detail = st.sampled_from(("auto", "low", "high", "original"))
    address = st.fixed_dictionaries({"url": urls()}, optional={"detail": detail})
    return st.fixed_dictionaries({"type": st.just("image_url"), "image_url": address})


def _messages():
    text = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
    content = TEXTS | st.lists(text | _image_parts(), min_size=1, max_size=3)
    user = st.fixed_dictionaries({"role": st.just("user"), "content": content})
    first = st.fixed_dictionaries(
        {"role": st.sampled_from(("system", "developer")), "content": TEXTS}
    )
    earlier = st.fixed_dictionaries({"role": st.just("assistant"), "content": TEXTS})
    return st.builds(
        lambda first, before, last: [*first, *before, last],
        st.lists(first, max_size=1),
        st.lists(user | earlier, max_size=2),
        user,
    )


BUDGETS = st.one_of(
    st.fixed_dictionaries({"num_visual_tokens": st.sampled_from((0, 1, 4, 7, 144, 576, 2**40))}),
    st.fixed_dictionaries({"price": st.floats(0, 1e6)}),
    st.fixed_dictionaries({"mean_tokens": st.floats(1e-9, 1e9)}),
    st.fixed_dictionaries({"mean_flops": st.floats(1e-9, 1e15)}),
    st.fixed_dictionaries({"mean_ms": st.floats(1e-9, 1e6)}),
    st.fixed_dictionaries(
        {
            "risk": st.fixed_dictionaries(
                {"epsilon": st.floats(0, 0.99), "delta": st.floats(1e-6, 0.5)}
            )
        }
    ),
)

BODIES = st.fixed_dictionaries(
    {"model": st.just("m3"), "messages": _messages(), "max_tokens": st.integers(1, 3)},
    optional={
        "budget": BUDGETS,
        "temperature": st.floats(0, 2),
        "top_p": st.floats(1e-9, 1),
        "seed": st.integers(-(2**63), 2**63 - 1),
        "stop": TEXTS | st.lists(TEXTS, max_size=4),
        "stream": st.booleans(),
        "user": TEXTS,
        "frobnicate": JSON,
    },
)


@st.composite
def spoilt_bodies(draw):
    """Return a body in which one value, anywhere, was replaced, removed or added."""
    body = json.loads(json.dumps(draw(BODIES)))
    holder, key = body, draw(st.sampled_from(sorted(body)))
    while isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
        holder = holder[key]
        keys = sorted(holder) if isinstance(holder, dict) else range(len(holder))
        key = draw(st.sampled_from(keys))
    if draw(st.booleans()):
        holder[key] = draw(JSON)
    elif draw(st.booleans()):
        del holder[key]
    elif isinstance(holder, dict):
        holder[draw(TEXTS)] = draw(JSON)
    else:
        holder.insert(0, draw(JSON))
    return body


@st.composite
def spoilt_bytes(draw):
    """Return a body's bytes in another encoding, cut, changed, repeated or nested in others."""
    data = json.dumps(draw(BODIES), ensure_ascii=draw(st.booleans()))
    how = draw(st.integers(0, 5))
    if how == 0:
        code = draw(st.sampled_from(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7")))
        return data.encode(code, "replace")
    raw = data.encode("utf-8", "surrogatepass")
    if how == 1:
        return raw[: draw(st.integers(0, len(raw)))]
    if how == 2:
        return raw + raw
    if how == 3:
        depth = draw(st.sampled_from((10, 150, 300, 5_000, 40_000)))
        return b'{"model":' * depth + raw + b"}" * draw(st.sampled_from((0, depth)))
    if how == 4:
        return b'{"messages":[],' + raw[1:]
    return draw(broken(st.just(raw)))
