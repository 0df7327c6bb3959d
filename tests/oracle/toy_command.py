"""The command ``budget oracle run`` with the toy in the place of a model.

python tests/oracle/toy_command.py SECONDS_PER_BATCH WORDS...
"""

import signal
import sys
from types import ModuleType

import toys

from budget.shipped import shipped_folder
from oracle.cli import app

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell ignores it
    pause = float(sys.argv[1])
    models = ModuleType("budget.models")  # the real one takes ten seconds to import
    models.load_model = lambda *_, **__: toys.ReaderVLM(pause)
    models.model_files = shipped_folder
    sys.modules["budget.models"] = models
    app(["run", *sys.argv[2:]])
