"""What answers cost: a line of JSON for each, and a line of text for all."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from budget.adaptive import AdaptiveAnswer
from budget.console import plain_values
from budget.ladder import ScaleLadder
from experiments.evals.places import Place


class Report:
    """Counts answers, and writes them where that is asked for.

    Args:
        ladder: the model's scales.
        path: file for a line of JSON per answer, replaced; None for none.

    Attributes:
        seconds: that answering took; whoever answers adds them.
        new_tokens: generated, over all answers.

    Raises:
        OSError: if the file cannot be written.
    """

    def __init__(self, ladder: ScaleLadder, path: str | Path | None = None) -> None:
        self.ladder = ladder
        self.answers = self.images = self.visual_tokens = self.new_tokens = 0
        self.fallbacks = self.failed = 0
        self.flops = self.full_flops = self.decision_ms = self.seconds = 0.0
        self.scales: Counter[int] = Counter()
        self.path = None if path is None else Path(path)
        if self.path is not None:
            self.path.write_text("", encoding="utf-8")

    def add(self, place: Place, answer: AdaptiveAnswer) -> None:
        """Count and write one answer."""
        self.answers += 1
        self.images += len(answer.choices)
        self.visual_tokens += answer.num_visual_tokens
        self.new_tokens += len(answer.token_ids)
        self.flops += answer.flops
        self.full_flops += answer.full_flops
        self.decision_ms += answer.decision_ms * len(answer.choices)
        self.fallbacks += bool(answer.fallback)
        self.scales.update(choice.num_visual_tokens for choice in answer.choices)
        self._write({**place._asdict(), **as_json(answer)})

    def add_failed(self, place: Place, why: str) -> None:
        """Count and write a sample that could not be answered."""
        self.failed += 1
        self._write({**place._asdict(), "error": why})

    def values(self) -> dict[str, float]:
        """Return the sums as a tool's results take them; what is unknown is left out.

        Returns:
            ``visual_tokens`` per image, ``flops_of_full`` (a share), ``decision_ms`` per image,
            ``failed`` samples, and ``share_at_M`` of the images per scale M.
        """
        found: dict[str, float] = {"failed": self.failed}
        if self.images:
            found["visual_tokens"] = self.visual_tokens / self.images
            found["decision_ms"] = self.decision_ms / self.images
            for scale in sorted({*self.ladder, *self.scales}):
                found[f"share_at_{scale}"] = self.scales[scale] / self.images
        if self.full_flops > 0:  # not where they are unknown
            found["flops_of_full"] = self.flops / self.full_flops
        return found

    def line(self) -> str:
        """Return what was counted, in one line."""
        found = self.values()
        parts = [f"{self.answers} answers about {self.images} images"]
        if self.images:
            parts.append(
                f"{found['visual_tokens']:.1f} visual tokens an image (largest scale "
                f"{self.ladder[-1]}), decided in {found['decision_ms']:.2f} ms"
            )
            shares = (f"{m}: {found[f'share_at_{m}']:.1%}" for m in sorted(self.scales))
            parts.append(f"images at scale {', '.join(shares)}")
        if "flops_of_full" in found:
            parts.append(f"FLOPs {found['flops_of_full']:.3f} of the largest scale's")
        if self.fallbacks:
            parts.append(f"{self.fallbacks} answers at a fallback scale")
        if self.failed:
            parts.append(f"{self.failed} samples could not be answered and count as empty")
        return "; ".join(parts)

    def _write(self, values: Mapping[str, Any]) -> None:
        if self.path is not None:
            line = json.dumps(plain_values(values), allow_nan=False, ensure_ascii=False)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


def as_json(answer: AdaptiveAnswer) -> dict[str, Any]:
    """Return an answer's choices and costs as a line of the file has them."""
    return {
        "num_visual_tokens": answer.num_visual_tokens,
        "prompt_tokens": answer.prompt_tokens,
        "new_tokens": len(answer.token_ids),
        "choices": [choice._asdict() for choice in answer.choices],
        "decision_ms": answer.decision_ms,
        "flops": answer.flops,
        "full_flops": answer.full_flops,
        "confidence": answer.confidence,
        "finish_reason": answer.finish_reason,
        "text": answer.text,
    }
