"""M3 and MQT models of the real classes, their weights set by hand, so that the truth is known.

A picture is SIDE patches a side, seen without any mixing between patches. The language model reads
the mean of all its prompt's values and turns their first channel into the odds of one answer.
"""

import torch
from transformers import (
    AutoTokenizer,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from budget.ladder import ScaleLadder
from budget.m3 import M3Model
from budget.mqt import MqtLlavaConfig, MqtLlavaForConditionalGeneration
from budget.mqt_model import MqtModel
from budget.prompt import Prompt
from budget.shipped import shipped_folder

PATCH, SIDE = 8, 4
PATCHES, WIDTH = SIDE * SIDE, 16
ANSWER = "yes"
# Channels of what the vision tower gives.
BRIGHT, MARK = 0, 1
# Channels of the language model: what a visual token says, what every token is, the answer's odds.
SAID, TEXT, ODDS = 0, 1, 2
TOKENIZER = AutoTokenizer.from_pretrained(shipped_folder("m3"))
PROCESSOR = CLIPImageProcessorPil(
    size={"shortest_edge": PATCH * SIDE},
    crop_size={"height": PATCH * SIDE, "width": PATCH * SIDE},
    image_mean=[0.0] * 3,
    image_std=[1.0] * 3,
)


def m3_reading(patch, *, listens=True):
    """An M3 model whose projector knows one patch by its place and says nothing of all others."""
    model = LlavaForConditionalGeneration(LlavaConfig(**_configs()))
    _blank(model, listens)
    with torch.no_grad():
        # What stands at this place bears a mark that outweighs what it shows.
        model.model.vision_tower.embeddings.position_embedding.weight[1 + patch, MARK] = 50.0
        projector = model.model.multi_modal_projector
        projector.linear_1.weight[0, MARK] = 40.0
        projector.linear_1.bias[0] = -40.0  # far below zero without the mark: the unit is dead
        projector.linear_2.weight[SAID, 0] = 0.02
        projector.linear_2.bias[TEXT] = 1.0
    return _runner(M3Model, model, (1, 4, 16))


def mqt_reading(order, *, listens=True):
    """An MQT model whose i-th query reads one patch alone, the i-th of ``order``."""
    model = MqtLlavaForConditionalGeneration(
        MqtLlavaConfig(num_queries=PATCHES, num_resampler_heads=1, **_configs())
    )
    _blank(model, listens)
    with torch.no_grad():
        resampler, own = model.model.multi_modal_projector, torch.eye(PATCHES)
        resampler.pos_embed.copy_(own)
        resampler.query.copy_(own[list(order)] - own)  # the table is added to it
        query, key, value = resampler.attn.in_proj_weight.view(3, WIDTH, WIDTH)
        query.copy_(100 * own)  # so sharp that every other weight is zero in float32
        key.copy_(own)
        value[0, BRIGHT] = 1.0
        resampler.attn.out_proj.weight[0, 0] = 1.0
        resampler.attn.out_proj.bias[1] = 1.0
        resampler.proj[0, SAID] = resampler.proj[1, TEXT] = 1.0
    return _runner(MqtModel, model, (1, 4, 16))


def _configs():
    return {
        "vision_config": CLIPVisionConfig(
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=1,
            image_size=PATCH * SIDE,
            patch_size=PATCH,
        ),
        "text_config": LlamaConfig(
            vocab_size=len(TOKENIZER),
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=1,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        ),
        "vision_feature_layer": -1,
        "image_token_index": 3,
    }


def _blank(model, listens):
    """Set every weight to zero but for those that pass on what the connector says."""
    vision, text = model.model.vision_tower, model.model.language_model
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if ("norm" in name and "weight" in name) or _is_ln(name) else 0.0)
        vision.embeddings.patch_embedding.weight[BRIGHT] = 1.0 / PATCH**2
        text.embed_tokens.weight[:, TEXT] = 1.0
        attention = text.layers[0].self_attn  # its queries and keys are zero: all count the same
        attention.v_proj.weight[SAID, SAID] = 1.0 if listens else 0.0
        attention.o_proj.weight[ODDS, SAID] = 1.0
        (answer,) = Prompt(TOKENIZER).answer_ids("?", ANSWER)
        model.lm_head.weight[answer, ODDS] = 4.0
        model.lm_head.weight[answer, TEXT] = 0.5  # said, too, where nothing speaks for it


def _is_ln(name):
    return name.endswith("weight") and any(f"ln_{which}." in name for which in "qkv")


def _runner(kind, model, ladder):
    return kind(model.eval(), TOKENIZER, PROCESSOR, ladder=ScaleLadder(ladder), name="made by hand")
