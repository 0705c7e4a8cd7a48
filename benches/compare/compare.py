#!/usr/bin/env python3
"""colidx and its peers side by side: the same vectors, the same queries, one machine, one run.

    compare.py --data DIR [--data DIR ...] --work DIR --colidx BIN --next-plaid BIN [--engines LIST] [--k 10,100] ...

DIR has the `--embeddings` layout with query_embeddings.npy, and qrels.json if there are judgements.
Missing indexes are built first, one at a time, each in a process with a time limit. Then, for each
thread count and k, every setting of every engine answers all queries once for its hits. After that
the settings are interleaved over the first --timed-queries for --rounds rounds, so that other load
on the machine affects all of them alike. Figures are medians over rounds.

Output: indexes and runs below --work, kept for the next run; one JSON line a setting in --out, in a
file named after date, machine and data. Lines of an earlier run of the same day stay unless this
run replaces them.

Uses the standard library only; engines run in processes of their own (processes.py says why).
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import machine
from engines import ENGINES
from runners import Index, Refused, open_runner
from processes import WorkerGone, run

HERE = Path(__file__).resolve().parent


def numbers(text):
    return [int(n) for n in text.split(",")]


def names(text):
    return text.split(",")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def load():
    """Load average of the last minute."""
    return round(os.getloadavg()[0], 1)


def installed_program(a, name):
    """The binary or the Python of an engine, or None if it is not installed."""
    engine = ENGINES[name]
    path = getattr(a, engine.BINARY.replace("-", "_")) if hasattr(engine, "BINARY") else a.venvs / name / "bin" / "python"
    return str(path.absolute()) if path and path.exists() else None


def build(a, index):
    """Builds an index unless it exists. Returns its figures, with `error` if the build failed."""
    if getattr(index.engine, "INDEXLESS", False):
        return {"index_bytes": index.size()}
    record = index.path.with_name(index.path.name + ".build.json")
    if record.exists() and not {index.engine.NAME, "all"} & set(a.rebuild):
        figures = json.loads(record.read_text())
        if figures["variant"] == index.variant:
            return figures if "error" in figures else figures | {"index_bytes": index.size()}
    say(f"building {index.name}, load {load()}")
    index.remove()
    before = load()
    outcome = index.build(a.build_threads, a.build_limit * 60)
    figures = {"variant": index.variant, "build_threads": a.build_threads, "build_load": [before, load()],
               "peak_rss_build": outcome.peak_rss}
    if outcome.error:
        late = outcome.error.startswith("not finished")
        figures["error"] = f"not built in {a.build_limit} min" if late else f"build failed: {outcome.error}"
        index.remove()
        say("  " + figures["error"])
        if not late:
            return figures  # not recorded, so that the next run tries again
    else:
        figures |= {"build_s": round(outcome.printed.get("build_s", outcome.seconds), 1), "index_bytes": index.size()}
        say(f"  {figures['build_s']} s, {figures['peak_rss_build'] >> 20} MiB, {figures['index_bytes'] >> 20} MiB on disk")
    record.write_text(json.dumps(figures) + "\n")
    return figures


def indexes(a, data, work):
    """All indexes that the flags select, built or with an error in their figures."""
    out = []
    for name in a.engines:
        engine, path = ENGINES[name], installed_program(a, name)
        for label, variant in engine.VARIANTS.items():
            if a.nbits and variant["nbits"] not in a.nbits and variant["nbits"] != 32:
                continue
            index = Index(engine, label, work / f"{name}-{label}", path, data, work / f"{name}.log")
            index.figures = build(a, index) if path else {"error": "not installed"}
            out.append(index)
    return out


class Run:
    """The turns of one data set, logged to a folder of their own as they happen."""

    def __init__(self, a, data, work, facts):
        self.a, self.work, self.started = a, work, time.strftime("%Y-%m-%dT%H:%M:%S")
        self.folder = work / self.started.replace(":", "")
        self.folder.mkdir()
        self.dropped = set()  # settings that failed
        about = {"run": self.started, "date": self.started[:10], "dataset": data.name, **facts,
                 "machine": machine.describe(), "commit": a.commit or machine.commit(HERE)}
        (self.folder / "about.json").write_text(json.dumps(about) + "\n")
        self.data = data
        self.out = a.out / f"{self.started[:10]}-{machine.slug(about['machine'])}-{data.name}.jsonl"

    def note(self, index, **what):
        line = {"engine": index.engine.NAME, "variant": index.label, **what}
        with open(self.folder / "turns.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")

    def note_index(self, index):
        version = index.engine.VERSION
        if not version and index.is_program and index.program:
            version = index.engine.version(index.program)
        self.note(index, kind="index", version=version, nbits=index.variant["nbits"],
                  **{name: value for name, value in index.figures.items() if name != "variant"})

    def settings(self, runners, k):
        for index, runner in runners.items():
            for label, params in index.engine.settings(k).items():
                if (not self.a.settings or label in self.a.settings) and (index.name, label, k) not in self.dropped:
                    yield index, runner, label, params

    def turn(self, runners, index, runner, label, params, k, threads, number):
        """Runs one turn of one setting; `number` is None for the turn that records hits."""
        busy = load()
        hits = number is None
        run_file = self.folder / f"{index.name}-{label}-k{k}.run" if hits else None
        queries = self.work / ("queries.npy" if hits else "timed.npy")
        about = {"setting": label, "params": params, "k": k, "threads": threads}
        try:
            figures = runner.turn(queries, k, params, self.a.answer_seconds if hits else self.a.turn_seconds, run_file)
        except (Refused, WorkerGone) as error:
            say(f"  {index.name} {label}: {error}")
            self.note(index, kind="error", error=str(error), **about)
            self.dropped.add((index.name, label, k))
            if isinstance(error, WorkerGone):
                runners.pop(index)
            return
        self.note(index, kind="hits" if hits else "turn", round=number, load=busy, **about, **figures)
        say(f"  {index.name + ' ' + label:<34} p50 {figures['p50_ms']:9.2f} ms")

    def go(self, built, threads, first):
        runners = {}
        for index in built:
            try:
                runners[index] = open_runner(index, threads)
            except WorkerGone as error:
                self.note(index, kind="error", error=f"not opened: {error}", setting=None, k=None, threads=threads)
        for k in self.a.k:
            for number in [*([None] if first else []), *range(self.a.rounds)]:
                say(f"{self.data.name}, k {k}, {threads} thread{'s' * (threads > 1)}, "
                    f"{'hits' if number is None else f'round {number + 1} of {self.a.rounds}'}, load {load()}")
                for index, runner, label, params in list(self.settings(runners, k)):
                    if index in runners and not (number and label in index.engine.EXHAUSTIVE):
                        self.turn(runners, index, runner, label, params, k, threads, number)
            self.compute_metrics()
        for runner in runners.values():
            runner.stop()

    def compute_metrics(self):
        """Writes result lines, in a child process that may import numpy."""
        outcome = run([sys.executable, HERE / "metrics.py", "--run", self.folder, "--data", self.data, "--out", self.out],
                     os.cpu_count(), self.work / "metrics.log")
        say(outcome.error or f"written: {self.out}")


def compare(a, data):
    work = a.work / data.name
    work.mkdir(parents=True, exist_ok=True)
    say(f"{data.name}: exact search over the uncompressed vectors, where it is not there yet")
    prepared = run([sys.executable, HERE / "prepare.py", "--data", data, "--out", work, "--timed", a.timed_queries,
                    *(["--queries", a.judged_queries] if a.judged_queries else [])], os.cpu_count(), work / "prepare.log")
    if prepared.error:
        sys.exit(prepared.error)
    every = indexes(a, data, work)
    if a.build_only:
        return
    this = Run(a, data, work, prepared.printed)
    for index in every:
        this.note_index(index)
    built = [index for index in every if "error" not in index.figures]
    for at, threads in enumerate(a.threads):
        this.go(built, threads, first=at == 0)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, action="append", type=Path, help="folder of vectors; may be given again")
    ap.add_argument("--work", required=True, type=Path, help="where indexes and runs go")
    ap.add_argument("--out", type=Path, default=HERE / "results", help="where result files go (default: %(default)s)")
    ap.add_argument("--venvs", type=Path, help="virtual environments of the engines (default: venvs below --work)")
    ap.add_argument("--colidx", type=Path, help="the binary")
    ap.add_argument("--commit", help="what the binary was built from (default: the commit of this working tree)")
    ap.add_argument("--next-plaid", type=Path, help="the driver's binary")
    ap.add_argument("--engines", type=names, default=list(ENGINES), help=f"default: {','.join(ENGINES)}")
    ap.add_argument("--settings", type=names, help="only settings of these names")
    ap.add_argument("--nbits", type=numbers, help="only indexes of these bits a dimension (and exact search)")
    ap.add_argument("--k", type=numbers, default=[10, 100], help="hits a query (default: 10,100)")
    ap.add_argument("--threads", type=numbers, default=[1], help="thread counts of the search (default: 1)")
    ap.add_argument("--rounds", type=int, default=5, help="turns of each setting (default: %(default)s)")
    ap.add_argument("--judged-queries", type=int, help="only the first N queries (default: all)")
    ap.add_argument("--timed-queries", type=int, default=100, help="of these, how many are timed (default: %(default)s)")
    ap.add_argument("--turn-seconds", type=float, default=15, help="a library's turn ends after this (default: %(default)s)")
    ap.add_argument("--answer-seconds", type=float, default=120, help="and its answering of all queries (default: %(default)s)")
    ap.add_argument("--build-threads", type=int, default=os.cpu_count())
    ap.add_argument("--build-limit", type=int, default=30, help="minutes a build may take (default: %(default)s)")
    ap.add_argument("--build-only", action="store_true", help="build what is missing and stop")
    ap.add_argument("--rebuild", type=names, default=[], help="engines whose indexes are rebuilt, or `all`")
    a = ap.parse_args()
    if unknown := (set(a.engines) | set(a.rebuild) - {"all"}) - set(ENGINES):
        ap.error(f"no such engine: {', '.join(sorted(unknown))}")
    if max(a.k) > 100:
        ap.error("the exact hits go down to 100, so --k cannot ask for more")
    a.venvs = a.venvs or a.work / "venvs"
    a.out.mkdir(parents=True, exist_ok=True)
    for data in a.data:
        compare(a, data.resolve())


if __name__ == "__main__":
    main()
