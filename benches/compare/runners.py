"""Builds and queries an engine in the same way, whether it is a program or a library."""
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from processes import Worker, run

WORKER = Path(__file__).resolve().parent / "worker.py"


class Refused(Exception):
    """An engine refused a setting; the message says why."""


@dataclass(eq=False)  # each is a key of its own
class Index:
    """One engine's index of one data set, built in one way."""

    engine: object  # a module of engines/
    label: str
    path: Path
    program: str  # a program's binary, or the Python of a library's virtual environment
    data: Path
    log: Path
    figures: dict = field(default_factory=dict)

    @property
    def name(self):
        return f"{self.engine.NAME}-{self.label}"

    @property
    def variant(self):
        return self.engine.VARIANTS[self.label]

    @property
    def is_program(self):
        return hasattr(self.engine, "BINARY")

    def worker_command(self, task, threads):
        return [self.program, WORKER, task, self.engine.__name__.split(".")[-1], "--data", self.data, "--index", self.path,
                "--variant", json.dumps(self.variant), "--threads", threads]

    def build(self, threads, limit):
        """Runs the build in a process of its own."""
        if self.is_program:
            command = self.engine.build_command(self.program, self.data, self.path, self.variant, threads)
            return run(command, threads, self.log, limit)
        return run(self.worker_command("build", threads), threads, self.log, limit, self.program)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def size(self):
        """Bytes of the files that the engine needs to search."""
        if getattr(self.engine, "INDEXLESS", False):
            return (self.data / "doc_embeddings.npy").stat().st_size
        spare = {f for pattern in getattr(self.engine, "SPARE", ()) for f in self.path.rglob(pattern)}
        return sum(f.stat().st_size for f in self.path.rglob("*") if f.is_file() and f not in spare)


class Program:
    """Each turn is a process: open the index, answer all queries once untimed, then timed."""

    def __init__(self, index, threads):
        self.index, self.threads = index, threads

    def turn(self, queries, k, params, seconds, run_file=None):
        index = self.index
        keys = index.data / "doc_keys.txt"
        command = index.engine.bench_command(index.program, index.path, queries, keys if keys.exists() else None, k,
                                             self.threads, 1, params, run_file)
        outcome = run(command, self.threads, index.log)
        if outcome.error:
            raise Refused(outcome.error)
        names = ("p50_ms", "p95_ms", "qps", "open_ms", "queries")
        return {name: outcome.printed[name] for name in names} | {"peak_rss": outcome.peak_rss}

    def stop(self):
        pass


class Library:
    """One process that stays open between turns."""

    def __init__(self, index, threads):
        self.worker = Worker(index.worker_command("serve", threads), threads, index.log, index.program)

    def turn(self, queries, k, params, seconds, run_file=None):
        answer = self.worker.ask(queries=str(queries), k=k, params=params, seconds=seconds,
                               run=str(run_file) if run_file else None)
        if reason := answer.get("refused"):
            raise Refused(reason)
        return answer | self.worker.opened

    def stop(self):
        self.worker.stop()


def open_runner(index, threads):
    print(f"  opening {index.name}", file=sys.stderr)
    return (Program if index.is_program else Library)(index, threads)
