"""A sweep of the toy over two nodes, one of which is killed while it works.

python tests/oracle/toy_cluster.py OUT TRACES

TRACES gets one empty file for each process that measured, named by its id. The last line is JSON:
the processes that were killed, and what was said.
"""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import toys
from ray.cluster_utils import Cluster

from oracle.engines.ray_engine import ray_engine
from oracle.run_folder.runner import sweep_to


class TracedVLM(toys.ReaderVLM):
    def __init__(self, traces):
        super().__init__(pause=0.1)
        self.traces = traces

    def encode(self, images):
        (self.traces / str(os.getpid())).touch()
        return super().encode(images)


def main(out, traces):
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    raylet = cluster.add_node(num_cpus=1).all_processes["raylet"][0].process.pid
    killed, said = [], []

    def kill_when_at_work(done, total):
        children = list(
            map(int, Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split())
        )
        if any((traces / str(pid)).exists() for pid in children):
            killed.extend([raylet, *children])
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    data, load = toys.reader_dataset(range(80)), partial(TracedVLM, traces)
    address = {"address": cluster.address, "workers": 2, "notify": said.append}
    with ray_engine(load, lambda: None, device="cpu", **address) as engine:
        sweep_to(
            out,
            engine.model,
            data,
            batch_size=2,
            chunk_size=8,
            begin=engine.begin,
            progress=lambda *step: None if killed else kill_when_at_work(*step),
        )
    cluster.shutdown()
    sys.stdout.write(json.dumps({"killed": killed, "said": said}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
