"""What labelling many samples at every scale costs: GPU hours, wall time, bytes.

    python -m experiments.scale docs/m3-7b.json

A sample takes ``flops / speed`` on a GPU, where ``flops`` are the fewest that answer it at every
scale and ``speed`` is assumed, and before that ``image`` on a core, one after the other as a worker
does it. Workers share the samples; the process that hands them out and writes takes ``driver`` for
each, and the slower of the two sets the pace. Before the run one process takes ``check`` a sample.
The constants were measured by ``experiments.scale_measure``; docs/scale.md says on what. Hours are
wall time, GPU hours those of the workers; the last line is JSON.
"""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from budget.config_files import read_sizes
from budget.console import print_json_line, print_table
from budget.every_scale_cost import every_scale_flops

SAMPLES = (10**6, 10**8)
GPUS = (1, 8, 256)


class Constants(NamedTuple):
    """What was measured, a sample.

    Attributes:
        image: seconds of a core, from a JPEG to the vision tower's pixels.
        check: seconds of one process before the run.
        driver: seconds of the one process that hands out and writes.
        part_bytes: bytes in parts.
    """

    image: float = 10.6e-3
    check: float = 0.17e-3
    driver: float = 0.17e-3
    part_bytes: float = 159.0


class Bill(NamedTuple):
    """What a run costs.

    Attributes:
        samples: labelled.
        gpus: workers, each with one.
        gpu_hours: of all workers, at work.
        hours: from the start to the end.
        check_hours: of these, before the first sample runs.
        limit: what sets the pace, ``GPUs`` or ``driver``.
        gigabytes: of parts.
    """

    samples: int
    gpus: int
    gpu_hours: float
    hours: float
    check_hours: float
    limit: str
    gigabytes: float


def sample_flops(config: str, *, before: int, behind: int, new_tokens: int, sharing: int) -> float:
    """Return the fewest FLOPs of one sample at every scale; see ``every_scale_flops``."""
    sizes = read_sizes(config)
    return every_scale_flops(
        sizes.shape,
        sizes.ladder.scales,
        [new_tokens] * len(sizes.ladder),
        before=before,
        behind=behind,
        nested=sizes.shape.num_queries is not None,
        sharing=sharing,
    )


def bill(
    samples: int, gpus: int, flops: float, speed: float, constants: Constants | None = None
) -> Bill:
    """Return what labelling costs.

    Args:
        samples: to label.
        gpus: at work.
        flops: of one sample.
        speed: FLOPs a second that a GPU reaches.
        constants: of a sample; those measured by default.

    Example:
        >>> round(bill(10**6, 8, 2e12, 2e14, Constants(image=0.01)).gpu_hours, 2)
        5.56
    """
    known = constants or Constants()
    at_work = samples * (flops / speed + known.image)
    driving = samples * known.driver
    pace = max(at_work / gpus, driving)
    return Bill(
        samples,
        gpus,
        at_work / 3600,
        (samples * known.check + pace) / 3600,
        samples * known.check / 3600,
        "driver" if driving > at_work / gpus else "GPUs",
        samples * known.part_bytes / 1e9,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Parse a command line and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config.json of a model")
    parser.add_argument("--before", type=int, default=35, help="text tokens before the image")
    parser.add_argument("--behind", type=int, default=20, help="text tokens behind it")
    parser.add_argument("--new-tokens", type=int, default=4, help="tokens of each answer")
    parser.add_argument("--batch-size", type=int, default=64, help="samples that run together")
    parser.add_argument(
        "--tflops", type=float, nargs="+", default=[100, 200, 400], help="that a GPU reaches"
    )
    args = parser.parse_args(argv)
    flops = sample_flops(
        args.config,
        before=args.before,
        behind=args.behind,
        new_tokens=args.new_tokens,
        sharing=args.batch_size,
    )
    bills = [
        (tflops, bill(samples, gpus, flops, tflops * 1e12))
        for samples in SAMPLES
        for tflops in args.tflops
        for gpus in GPUS
    ]
    headings = ("samples", "TFLOP/s", "GPUs", "GPU hours", "hours", "of it checks", "limit", "GB")
    cells = [
        (
            f"{b.samples:,}",
            f"{tflops:g}",
            b.gpus,
            f"{b.gpu_hours:,.0f}",
            f"{b.hours:,.1f}",
            f"{b.check_hours:.2f}",
            b.limit,
            f"{b.gigabytes:.2g}",
        )
        for tflops, b in bills
    ]
    print_table(headings, cells, f"{flops / 1e12:.2f} TFLOPs a sample at every scale")
    print_json_line(
        {"flops": flops, "bills": [{"tflops": tflops, **b._asdict()} for tflops, b in bills]}
    )


if __name__ == "__main__":
    main()
