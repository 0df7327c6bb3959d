"""A model of ten lines, a dataset it half knows, and a sweep to be killed.

python tests/oracle/toys.py OUT SECONDS_PER_BATCH [SAMPLES]
"""

import sys
import time

from datasets import Dataset, Features, Image, List, Value
from PIL import Image as PILImage

from budget.exact_costs import ExactCosts
from budget.ladder import ScaleLadder
from budget.types import Answer, Cost


class ReaderVLM(ExactCosts):
    """Reads the red of the first pixel; a rung of m tokens sees values below 10 x m."""

    name = "reader"
    ladder = ScaleLadder((1, 4, 9))

    def __init__(self, pause=0.0):
        self.encoded, self.calls, self.pause = 0, [], pause

    def encode(self, images):
        self.encoded += len(images)
        return [image.getpixel((0, 0))[0] for image in images]

    def answer(
        self,
        images,
        questions,
        *,
        num_visual_tokens,
        max_new_tokens=16,
        features=None,
        batch_size=32,
    ):
        time.sleep(self.pause)
        seen = self.encode(images) if features is None else features
        self.calls.append((num_visual_tokens, len(questions), features is not None))
        texts = [str(v) if v < 10 * num_visual_tokens else "many" for v in seen]
        return [
            Answer(
                t,
                ((1,) * len(t) + (2,))[:max_new_tokens],
                num_visual_tokens,
                len(q.split()) + num_visual_tokens,
                -1 / 9,
            )
            for t, q in zip(texts, questions, strict=True)
        ]

    def cost(self, num_visual_tokens, text_tokens, new_tokens, *, grids=1):
        prompt = grids * num_visual_tokens + text_tokens
        return Cost(1000.0 * grids, 0.0, 10.0 * prompt, 1.0 * new_tokens, 0.0)


FEATURES = Features(
    {
        "id": Value("string"),
        "image": Image(),
        "question": Value("string"),
        "answers": List(Value("string")),
        "group": Value("string"),
    }
)


def reader_dataset(values=range(0, 100, 5)):
    rows = [
        {
            "id": f"v{v}",
            "image": PILImage.new("RGB", (2, 2), (v, 0, 0)),
            "question": "how red is it" + " now" * (v % 3),
            "answers": [str(v), f"{v} units"],
            "group": "low" if v < 50 else "high",
        }
        for v in values
    ]
    return Dataset.from_dict({n: [r[n] for r in rows] for n in FEATURES}, features=FEATURES)


def main(out, pause, num_samples=20):
    from oracle.run_folder.runner import sweep_to

    data, model = reader_dataset(range(int(num_samples))), ReaderVLM(float(pause))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sweep_to(out, model, data, batch_size=2, chunk_size=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
