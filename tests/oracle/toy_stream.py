"""A sweep of the toy over a stream, to be killed.

python tests/oracle/toy_stream.py OUT SECONDS_PER_BATCH PARQUET_FILE
"""

import sys

import toys
from datasets import load_dataset

from budget.data_choice import DataChoice
from oracle import data
from oracle.run_folder.runner import sweep_to


def open_stream(file):
    """A stream of the rows of a file, which stands in the place of the hub."""
    data.stream_hub = lambda spec, split: load_dataset(
        "parquet", data_files={split: file}, split=split, streaming=True
    )
    return data.open_samples("owner/name", choice=DataChoice(stream=True))


def main(out, pause, file):
    stream, model = open_stream(file), toys.ReaderVLM(float(pause))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sweep_to(out, model, stream, batch_size=2, chunk_size=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
