"""A model that needs no weights, and answers as a server writes them."""

import hashlib
import json

import pytest

from budget.ladder import ScaleLadder
from budget.types import Answer
from experiments.load.call import Outcome


class EchoRunner:
    """Says back what it was asked, so that no two questions have the same answer."""

    name = "echo"
    ladder = ScaleLadder((1, 9, 36))
    stop_ids = (0,)

    def __init__(self):
        self.batches = []

    def answer(self, images, questions, *, num_visual_tokens, max_new_tokens=16):
        self.batches.append(len(questions))
        return [
            self.one(pictures, question, scales, max_new_tokens)
            for pictures, question, scales in zip(images, questions, num_visual_tokens, strict=True)
        ]

    def one(self, pictures, question, scales, max_new_tokens=16):
        seen = hashlib.sha256(b"".join(each.tobytes() for each in pictures)).hexdigest()[:6]
        words = f"{question} {seen} {scales}".split()[:max_new_tokens]
        ids = (*range(1, len(words) + 1), 0)[:max_new_tokens]
        return Answer(" ".join(words), ids, sum(scales), len(question) + sum(scales), -1.0)


@pytest.fixture
def runner():
    return EchoRunner()


@pytest.fixture
def answered():
    """Write a whole answer as a server does."""

    def write(text, *, visual=9, prompt=None, reason="stop", header=None, usage=True):
        body = {"choices": [{"message": {"content": text}, "finish_reason": reason}]}
        if usage:
            details = {"image_tokens": visual}
            body["usage"] = {"prompt_tokens": prompt, "prompt_tokens_details": details}
        told = visual if header is None else header
        headers = (("content-type", "application/json"), ("x-visual-tokens", str(told)))
        return Outcome(200, 5.0, json.dumps(body).encode(), headers)

    return write
