"""A sweep that may not write files of more than so many bytes: what a full disk says, for real.

python tests/oracle/toy_full_disk.py OUT BYTES
"""

import resource
import sys

import toys

from budget.errors import one_line
from oracle.run_folder.runner import sweep_to
from oracle.whole_files import DiskFullError

if __name__ == "__main__":
    data = toys.reader_dataset(range(20))
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        sweep_to(sys.argv[1], toys.ReaderVLM(), data, batch_size=4, chunk_size=4)
    except DiskFullError as problem:
        sys.exit(one_line(problem))
