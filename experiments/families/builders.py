"""Who builds the tiny model of a family."""

from experiments.families.tiny import (
    gemma,
    glm,
    idefics,
    kimi,
    llava,
    minicpm,
    patches,
    qwen,
    tiles,
)
from experiments.families.verify import Builder

BUILDERS: dict[str, Builder] = {
    "Qwen2-VL": qwen.qwen2_vl,
    "Qwen2.5-VL": qwen.qwen2_5_vl,
    "Qwen3-VL": qwen.qwen3_vl,
    "Qwen3.5": qwen.qwen3_5,
    "GLM-4V": glm.glm4v,
    "Gemma 4": gemma.gemma4,
    "Gemma 3": gemma.gemma3,
    "Kimi": kimi.kimi_k25,
    "Mistral3": patches.mistral3,
    "LFM2-VL": patches.lfm2_vl,
    "LFM3-VL": patches.lfm3_vl,
    "SmolVLM": idefics.smolvlm,
    "Idefics3": idefics.idefics3,
    "InternVL": tiles.internvl,
    "Ovis2": tiles.ovis2,
    "LLaVA-1.5": llava.llava,
    "LLaVA-NeXT": llava.llava_next,
    "LLaVA-OneVision": llava.llava_onevision,
    "PaliGemma": gemma.paligemma,
    "MiniCPM-V": minicpm.minicpmv4_6,
}
