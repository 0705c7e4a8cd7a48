"""One engine in a process of its own: `worker.py ENGINE FOLDER DATA`, and a command a line on standard input.

Answers are lines of JSON on the standard output that the process was given; what engines print goes to standard error.
"""
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "compare"))
from engines import ENGINES
from layout import Layout


def peak():
    """Most bytes of memory that this process ever had, mapped files included."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


class Worker:
    def __init__(self, name, folder, data):
        self.engine, self.folder, self.data = ENGINES[name], folder, Path(data)
        self.opened = None

    def about(self, **_):
        try:
            return {"version": importlib.metadata.version(self.engine.package)}
        except importlib.metadata.PackageNotFoundError:
            return {"version": "of this tree"}

    def build(self, **_):
        layout = Layout(self.data)
        documents = [layout.document(row) for row in range(len(layout.lens))]
        before = peak()
        began, cpu = time.perf_counter(), time.process_time()
        self.engine.build(self.folder, documents)
        took = {"build_s": time.perf_counter() - began, "build_cpu_s": time.process_time() - cpu}
        return {**took, "peak_bytes": peak(), "peak_before": before}

    def turn(self, setting, k, count, batch):
        """Latencies of `count` queries one at a time, and the time of `batch` queries at once."""
        queries = np.load(self.data / "query_embeddings.npy").astype(np.float32)
        options = self.engine.settings[setting]
        if self.opened is None:
            self.opened = self.engine.open(self.folder)
        search, many = self.engine.search, self.engine.batch
        search(self.opened, queries[0], k, **options)
        times = []
        for query in queries[:count]:
            began = time.perf_counter()
            search(self.opened, query, k, **options)
            times.append(time.perf_counter() - began)
        began, cpu = time.perf_counter(), time.process_time()
        found = many(self.opened, queries[:batch], k, **options)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        return {"p50_ms": float(np.median(times)) * 1e3, "batch_qps": len(found) / took,
                "batch_cpu_ms": cpu * 1e3 / len(found), "found": found}


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(*sys.argv[1:4])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # noqa: BLE001
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
