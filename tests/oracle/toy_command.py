"""The command ``budget oracle run`` with the toy in the place of a model.

python tests/oracle/toy_command.py SECONDS_PER_BATCH WORDS...
"""

import signal
import sys

import toys

from budget import models
from oracle.cli import app

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell ignores it
    pause = float(sys.argv[1])
    models.load_model = lambda *_, **__: toys.ReaderVLM(pause)
    app(["run", *sys.argv[2:]])
