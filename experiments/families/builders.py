"""Who builds the tiny model of a family."""

from experiments.families.tiny import patches, qwen
from experiments.families.verify import Builder

BUILDERS: dict[str, Builder] = {
    "Qwen2-VL": qwen.qwen2_vl,
    "Mistral3": patches.mistral3,
    "LFM2-VL": patches.lfm2_vl,
    "LFM3-VL": patches.lfm3_vl,
}
