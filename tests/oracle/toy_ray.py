"""Sweeps of a toy that fails in all ways, by two workers of Ray.

python tests/oracle/toy_ray.py FOLDER

The last line is JSON: what each sweep came to, and what was said.
"""

import json
import os
import sys
from pathlib import Path

import toys

from budget.errors import BudgetError
from oracle.engines.ray_engine import ray_engine
from oracle.run_folder.runner import sweep_to


class SickVLM(toys.ReaderVLM):
    """Refuses 3, dies of 7, and has memory for two."""

    def encode(self, images):
        seen = super().encode(images)
        if 7 in seen:
            os._exit(9)
        if 3 in seen:
            raise ValueError("no three")
        if len(seen) > 2:
            raise MemoryError
        return seen


def main(folder):
    said = []

    def attempt(name, values, **more):
        try:
            run = sweep_to(
                folder / name,
                engine.model,
                toys.reader_dataset(values),
                begin=engine.begin,
                notify=said.append,
                **{"batch_size": 4, "chunk_size": 8, **more},
            )
        except BudgetError as problem:
            return [type(problem).__name__, str(problem)]
        return run.failures

    with ray_engine(SickVLM, lambda: None, device="cpu", workers=2, notify=said.append) as engine:
        answers = [0]
        came = {
            "sick": attempt("sick", range(24)),
            "strict": attempt("strict", range(3, 40), max_errors=0),
            "stopped": attempt(
                "stopped",
                range(10, 60),
                stop=lambda: answers[-1] >= 3 * 12,
                progress=lambda done, total: answers.append(done),
            ),
        }
    sys.stdout.write(json.dumps({**came, "said": said}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
