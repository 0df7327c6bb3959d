"""Milliseconds and memory of every scale, on the machine that this runs on.

Measured is the model, from pixels to generated ids; reading images, tokenising and deciding on a
scale are not. Every round goes once through all scales, so that a machine that slows down does so
for all of them alike.
"""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch

from budget.cost import LlavaShape, llava_cost
from budget.cost_calibration import CostCalibration, Machine, RungCost, Spread
from budget.generation import generate_greedily
from budget.live_bytes import LiveBytes
from budget.timing import now
from budget.tokens import pool_tokens


class Load(NamedTuple):
    """What one batch asks of the model.

    Attributes:
        batch_size: samples that run together.
        grids: squares that each sample's image is seen in.
        text_tokens: prompt tokens without the visual ones.
        new_tokens: tokens generated per sample, at least 2.
    """

    batch_size: int
    grids: int
    text_tokens: int
    new_tokens: int


class Benchmark:
    """A model with random pixels and text to run it on.

    Args:
        model: a LLaVA-like transformers model with its head.
        shape: its sizes.
        load: what one batch asks.
        seed: of pixels and text.

    Raises:
        ValueError: if the load has no image or fewer than two new tokens.
    """

    def __init__(self, model: Any, shape: LlavaShape, load: Load, *, seed: int = 0) -> None:
        if load.new_tokens < 2 or load.grids < 1 or load.batch_size < 1:
            raise ValueError(
                "a benchmark needs at least 2 new tokens, 1 grid and a batch of 1, got "
                f"{load.new_tokens}, {load.grids} and {load.batch_size}"
            )
        self.model, self.shape, self.load = model, shape, load
        random = torch.Generator().manual_seed(seed)
        side = model.config.vision_config.image_size
        pixels = torch.randn(load.batch_size * load.grids, 3, side, side, generator=random)
        self._pixels = pixels.to(model.device, model.dtype)
        ids = (load.batch_size, load.text_tokens)
        self._ids = torch.randint(shape.vocabulary, ids, generator=random).to(model.device)

    def run(
        self,
        scales: Sequence[int],
        *,
        repeats: int,
        compiled: bool = False,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> tuple[Spread, list[RungCost]]:
        """Measure all scales.

        Args:
            scales: visual tokens of each grid.
            repeats: rounds through all scales, after one that is thrown away.
            compiled: run the language model through ``torch.compile``; memory is measured before.
            progress: called with (passes done, passes in all).

        Returns:
            Milliseconds of vision tower and connector, and one entry per scale.
        """
        passes: dict[int, list[_Pass]] = {m: [] for m in scales}
        peaks = {m: self.peak_bytes(m) for m in scales}
        if compiled:
            self.model.model.language_model.compile(dynamic=True)
        total = (1 + repeats) * len(scales)
        for done in range(total):
            m = scales[done % len(scales)]
            measured = self._measure(m)
            if done >= len(scales):
                passes[m].append(measured)
            progress(done + 1, total)
        seeing = [each.vision_ms for m in scales for each in passes[m]]
        return Spread.of(seeing), [self._rung(m, passes[m], peaks[m]) for m in scales]

    def peak_bytes(self, num_visual_tokens: int) -> int:
        """Return the bytes alive at once in one pass, weights and pixels not counted."""
        self._encode()  # a resampler computes once, and keeps, what no image changes
        with _peak_bytes(self.model.device) as peak:
            self._answer(self._encode(), num_visual_tokens, self.load.new_tokens)
        return peak()

    @torch.inference_mode()
    def _encode(self) -> torch.Tensor:
        """Return features of all grids, shape [b * grids, n, d]."""
        encoded = self.model.get_image_features(pixel_values=self._pixels, return_dict=True)
        return torch.stack(list(encoded.pooler_output))

    @torch.inference_mode()
    def _answer(self, features: torch.Tensor, num_visual_tokens: int, new_tokens: int) -> None:
        if self.shape.num_queries is None:
            tokens = pool_tokens(features, num_visual_tokens)
        else:
            tokens = features[:, :num_visual_tokens]
        tokens = tokens.reshape(self.load.batch_size, -1, tokens.shape[-1])
        text = self.model.get_input_embeddings()(self._ids)
        prompts = torch.cat([tokens, text.to(tokens.dtype)], dim=1)
        language_model, head = self.model.model.language_model, self.model.lm_head
        # No stop token: every answer is of the same length.
        generate_greedily(language_model, head, list(prompts), max_new_tokens=new_tokens)

    def _measure(self, m: int) -> "_Pass":
        """Run one answer and then its prefill alone; decoding is what is left of the answer."""
        start = now(self.model.device)
        features = self._encode()
        seen = now(self.model.device)
        self._answer(features, m, self.load.new_tokens)
        answered = now(self.model.device)
        self._answer(features, m, 1)
        prefill = now(self.model.device) - answered
        decode = (answered - seen - prefill) / (self.load.new_tokens - 1)
        times = (seen - start, prefill, decode, answered - start)
        return _Pass(*(1000 * seconds / self.load.batch_size for seconds in times))

    def _rung(self, m: int, passes: "list[_Pass]", peak: int) -> RungCost:
        cost = llava_cost(
            self.shape,
            num_visual_tokens=m,
            text_tokens=self.load.text_tokens,
            new_tokens=self.load.new_tokens,
            grids=self.load.grids,
        )
        return RungCost(
            num_visual_tokens=m,
            prefill_ms=Spread.of([each.prefill_ms for each in passes]),
            decode_ms=Spread.of([each.decode_ms for each in passes]),
            total_ms=Spread.of([each.total_ms for each in passes]),
            peak_bytes=peak,
            flops=cost.flops,
        )


def calibrate(
    model: Any,
    shape: LlavaShape,
    load: Load,
    scales: Sequence[int],
    *,
    name: str,
    repeats: int,
    random_weights: bool = False,
    compiled: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> CostCalibration:
    """Measure a model and say where, when and how.

    Args:
        model: a LLaVA-like transformers model with its head.
        shape: its sizes.
        load: what one batch asks.
        scales: visual tokens of each grid, rising.
        name: of the model; whoever reads the calibration compares it.
        repeats: rounds through all scales.
        random_weights: whether only the model's shape is run.
        compiled: whether to run the language model through ``torch.compile``.
        progress: called with (passes done, passes in all).
    """
    vision_ms, rungs = Benchmark(model, shape, load).run(
        scales, repeats=repeats, compiled=compiled, progress=progress
    )
    return CostCalibration(
        format_version=1,
        kind="cost-calibration",
        model=name,
        random_weights=random_weights,
        compiled=compiled,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=describe_machine(model.device),
        dtype=str(model.dtype).removeprefix("torch."),
        repeats=repeats,
        vision_ms=vision_ms,
        rungs=rungs,
        **load._asdict(),
    )


class _Pass(NamedTuple):
    """Milliseconds per sample of one pass."""

    vision_ms: float
    prefill_ms: float
    decode_ms: float
    total_ms: float


@contextmanager
def _peak_bytes(device: torch.device) -> Iterator[Callable[[], int]]:
    """Count what is alive at once inside: by the allocator on CUDA, by tensors elsewhere."""
    if device.type != "cuda":
        with LiveBytes() as memory:
            yield lambda: memory.peak
        return
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    yield lambda: torch.cuda.max_memory_allocated(device) - before


def describe_machine(device: torch.device) -> Machine:
    """Return what the numbers of a benchmark depend on."""
    processor = _processor_name()
    cuda = device.type == "cuda"
    return Machine(
        platform=f"{platform.system()} {platform.machine()}",
        processor=f"{processor}, {os.cpu_count()} cores",
        device=str(device),
        device_name=torch.cuda.get_device_name(device) if cuda else processor,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
