"""Who builds the tiny model of a family."""

from experiments.families.tiny import idefics, qwen, tiles
from experiments.families.verify import Builder

BUILDERS: dict[str, Builder] = {
    "Qwen2-VL": qwen.qwen2_vl,
    "SmolVLM": idefics.smolvlm,
    "Idefics3": idefics.idefics3,
    "InternVL": tiles.internvl,
    "Ovis2": tiles.ovis2,
}
