"""Who builds the tiny model of a family."""

from experiments.families.tiny import qwen
from experiments.families.verify import Builder

BUILDERS: dict[str, Builder] = {"Qwen2-VL": qwen.qwen2_vl}
