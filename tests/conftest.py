"""Settings for every test: few threads, no hub, no display, no example database."""

import os

# Before anything imports numpy or torch.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("MKL_NUM_THREADS", "2")
os.environ.update(
    {
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "Agg",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
    }
)

from hypothesis import settings

settings.register_profile("repository", database=None, deadline=None, derandomize=True)
settings.load_profile("repository")
