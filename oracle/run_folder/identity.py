"""What a run was made of, as hashes: the model's files and this code."""

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

_MODEL_FILES = (
    "*.safetensors",
    "*.bin",
    "*config.json",
    "*token*",
    "vocab.*",
    "merges.txt",
    "chat_template*",
)


def weights_hash(folder: Path) -> str:
    """Return a hash of a model's weights, configuration and tokenizer: names and contents.

    Files are read piece by piece; a 7B model takes as long as reading it once from the disk.

    Args:
        folder: with weights in safetensors or ``.bin`` files. Of the folders in it, that of the
            vision tower which its config.json names counts too.
    """
    digest = hashlib.sha256()
    for home in (folder, *_tower_inside(folder)):
        files = {path for pattern in _MODEL_FILES for path in home.glob(pattern) if path.is_file()}
        for path in sorted(files):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()


@cache
def code_version() -> str:
    """Return the version of this package and a hash of the sources that a run goes through."""
    digest = hashlib.sha256()
    for package in ("budget", "oracle"):
        spec = find_spec(package)
        for home in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(home).rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(home)}\0".encode())
                digest.update(path.read_bytes())
    try:
        number = version("matryoshka-budget")
    except PackageNotFoundError:
        number = "not installed"
    return f"{number} ({digest.hexdigest()[:12]})"


def _tower_inside(folder: Path) -> list[Path]:
    """Return the vision tower's folder if config.json names one inside this folder."""
    try:
        name = json.loads((folder / "config.json").read_text(encoding="utf-8"))["mm_vision_tower"]
        inside = folder / name
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [inside] if inside.is_dir() and inside != folder else []
