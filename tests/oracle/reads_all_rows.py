"""Reads every row of data in batches and prints the peak of its memory, in MB.

python tests/oracle/reads_all_rows.py DATA

The first figure is resident memory, pages of mapped files included; the second is what is the
process's own, as it was after each batch. Linux only.
"""

import re
import sys
from pathlib import Path

from oracle.data import load_dataset_columns
from oracle.fingerprint import fingerprint

BATCH = 32


def status(field):
    """Return a size that the kernel reports, in MB."""
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


def main(data):
    table = load_dataset_columns(data)
    own = 0.0
    for chunk in table.chunks(BATCH):
        batch = chunk[:]
        assert all(image.size == (336, 336) for image in batch["image"])
        own = max(own, status("RssAnon"))
    fingerprint(table)
    sys.stdout.write(f"{status('VmHWM')} {max(own, status('RssAnon'))}\n")


if __name__ == "__main__":
    main(sys.argv[1])
