"""Who builds the models of a family that are tried: a tiny one, and one that sees as real ones do.

A model of the second kind is as narrow as the first, but its image processor and its vision encoder
have the sizes of released checkpoints, so that what its images cost is what theirs cost.
"""

from functools import partial

from budget.shipped import shipped_folder
from experiments.families.tiny import (
    cohere,
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
from experiments.families.tiny.parts import Squares
from experiments.families.verify import Builder

BUILDERS: dict[str, Builder] = {
    "M3": lambda folder: shipped_folder("m3"),
    "MQT": lambda folder: shipped_folder("mqt"),
    "Qwen2-VL": qwen.qwen2_vl,
    "Qwen2.5-VL": qwen.qwen2_5_vl,
    "Qwen3-VL": qwen.qwen3_vl,
    "Qwen3.5": qwen.qwen3_5,
    "GLM-4V": glm.glm4v,
    "Gemma 4": gemma.gemma4,
    "Gemma 3": gemma.gemma3,
    "Kimi": kimi.kimi_k25,
    "Mistral3": patches.mistral3,
    "Pixtral": patches.pixtral,
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
    "Aya Vision": cohere.aya_vision,
    "Command A Vision": cohere.cohere2_vision,
}
# Families of which the tiny model's sizes are not those of released checkpoints.
REAL_SIZES: dict[str, Builder] = {
    "Gemma 3": partial(gemma.gemma3, squares=Squares(896, 14, 256)),
    "Mistral3": partial(patches.mistral3, edge=1540),
    "Pixtral": partial(patches.pixtral, edge=1024),
    "LFM2-VL": partial(patches.lfm2_vl, tile_size=512, max_image_tokens=256, min_image_tokens=64),
    "SmolVLM": partial(idefics.smolvlm, squares=Squares(512, 16, 64)),
    "Idefics3": partial(idefics.idefics3, squares=Squares(364, 14, 169)),
    "InternVL": partial(tiles.internvl, squares=Squares(448, 14, 256)),
    "Ovis2": partial(tiles.ovis2, squares=Squares(448, 14, 256)),
    "LLaVA-1.5": partial(llava.llava, squares=Squares(336, 14, 576)),
    "LLaVA-NeXT": partial(llava.llava_next, squares=Squares(336, 14, 576)),
    "LLaVA-OneVision": partial(llava.llava_onevision, squares=Squares(384, 14, 729)),
    "PaliGemma": partial(gemma.paligemma, squares=Squares(224, 14, 256)),
    "MiniCPM-V": partial(minicpm.minicpmv4_6, squares=Squares(448, 14, 64)),
    "Command A Vision": partial(cohere.cohere2_vision, squares=Squares(512, 16, 256)),
    "Aya Vision": partial(cohere.aya_vision, squares=Squares(364, 14, 169)),
}
# Families of which no model is built, and why.
UNTRIED = {
    "Gemma 3n": "its vision encoder is one of the package timm, which no tiny model here has"
}
