"""A checkpoint of two gigabytes is loaded in little more memory than it is large."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

LOAD = """
import sys, torch
from pathlib import Path
from peak_memory import peak_bytes
import budget.models
from budget.checkpoints import load_original
from budget.quiet import quiet_transformers
before = peak_bytes()
with quiet_transformers():
    model = load_original(Path(sys.argv[1]), dtype="auto")
assert model.lm_head.weight.dtype == torch.float16
assert float(model.lm_head.weight[0, 0]) == 0.5
print(before, peak_bytes())
"""
WIDTH, INNER, LAYERS, ROWS = 2048, 8192, 14, 32000


def layer_weights(prefix):
    shapes = {
        **{f"self_attn.{name}_proj": (WIDTH, WIDTH) for name in "qkvo"},
        "mlp.gate_proj": (INNER, WIDTH),
        "mlp.up_proj": (INNER, WIDTH),
        "mlp.down_proj": (WIDTH, INNER),
        "input_layernorm": (WIDTH,),
        "post_attention_layernorm": (WIDTH,),
    }
    return {f"{prefix}{name}.weight": torch.full(s, 0.5).half() for name, s in shapes.items()}


def write_large(small, folder, suffix):
    """A large language model around the small checkpoint's tower, in shards of float16."""
    folder.mkdir()
    config = json.loads((small.folder / "config.json").read_text())
    config |= {
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "vocab_size": ROWS,
        "mm_vision_tower": str(small.folder / "vision_tower"),
    }
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(small.folder / name, folder / name)
    width = config["mm_hidden_size"]
    shapes = {
        "model.embed_tokens.weight": (ROWS, WIDTH),
        "lm_head.weight": (ROWS, WIDTH),
        "model.norm.weight": (WIDTH,),
        "model.mm_projector.0.weight": (WIDTH, width),
        "model.mm_projector.0.bias": (WIDTH,),
        "model.mm_projector.2.weight": (WIDTH, WIDTH),
        "model.mm_projector.2.bias": (WIDTH,),
    }
    shards = [{name: torch.full(shape, 0.5).half() for name, shape in shapes.items()}]
    shards += [layer_weights(f"model.layers.{i}.") for i in range(LAYERS)]
    weight_map = {}
    stem = "model.safetensors" if suffix == "safetensors" else "pytorch_model.bin"
    for i, shard in enumerate(shards):
        name = f"{stem.split('.')[0]}-{i:05}.{suffix}"
        (save_file if suffix == "safetensors" else torch.save)(shard, folder / name)
        weight_map |= dict.fromkeys(shard, name)
    (folder / f"{stem}.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return sum(path.stat().st_size for path in folder.iterdir())


CONVERT = """
import sys
from peak_memory import peak_bytes
from budget.convert import convert
before = peak_bytes()
convert(sys.argv[1], sys.argv[1] + "-converted")
print(before, peak_bytes())
"""
SHARD = 1e9  # what is in memory a second time while a converted model is written


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "program", "more"),
    [("safetensors", LOAD, 0), ("bin", LOAD, 0), ("safetensors", CONVERT, SHARD)],
)
def test_two_gigabytes_are_never_in_memory_twice(m3, tmp_path, suffix, program, more):
    size = write_large(m3, tmp_path / "large", suffix)
    assert size >= 2e9
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "large")],
        capture_output=True, text=True, timeout=300, check=True, cwd=Path(__file__).parent,
    )  # fmt: skip
    before, peak = map(int, done.stdout.split())
    sys.stdout.write(
        f"{suffix}: {size / 1e9:.2f} GB on disk, peak {peak / 1e9:.2f} GB"
        f" of which {before / 1e9:.2f} GB before loading\n"
    )
    assert peak <= 1.3 * size + more
