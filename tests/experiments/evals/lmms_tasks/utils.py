"""Scenes asked in all the ways in which lmms-eval asks; tasks find these functions by name."""


def one_image(doc):
    return [doc["image"].convert("RGB")]


def two_images(doc):
    image = doc["image"].convert("RGB")
    return [image, image.rotate(180)]


def video(doc):
    return [doc["video"]]


def question(doc, lmms_eval_specific_kwargs=None):
    return doc["question"]


def two_marked(doc, lmms_eval_specific_kwargs=None):
    return f"<image> <image>\n{doc['question']}"


def rounds(
    doc,
    lmms_eval_specific_kwargs=None,
    previous_output=None,
    round_idx=None,
    previous_round_info=None,
):
    """Ask a scene's question, then about its answer, with what was told in between."""
    if round_idx is None:
        return doc["question"]
    told = (previous_round_info or 0) + 1
    if round_idx == 3:
        assert told == 3
        return None, None, True, [f"{text}." for text in previous_output], None
    asked = f"Is there a {previous_output[-1]}?"
    return one_image(doc), asked, False, previous_output, told


def choices(doc):
    return [doc["answers"][0], "seven red"]


def right(doc, results):
    return {"right": float(results[0] == doc["answers"][0])}


def spoken(doc, results):
    """Score all rounds' answers, of which every one got a full stop at the end."""
    (said,) = results
    assert len(said) == 3
    assert all(text.endswith(".") for text in said)
    return {"right": float(said[0] == f"{doc['answers'][0]}.")}
