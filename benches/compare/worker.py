#!/usr/bin/env python3
"""Runs one engine of engines/ in a process of its own, in that engine's virtual environment.

    worker.py build ENGINE --data DIR --index DIR --variant JSON --threads N
    worker.py serve ENGINE --data DIR --index DIR --variant JSON --threads N

`build` makes the index and prints its seconds. `serve` opens it and answers JSON lines on stdin,
one a turn:
    {"queries": FILE, "k": K, "params": {...}, "seconds": S, "run": FILE or null}
Queries are answered and timed one at a time, in order, until all are done or S seconds have passed.
With `run`, hits are written as a TREC run.
"""
import argparse
import importlib
import importlib.metadata
import json
import os
import sys
import time

from layout import Layout, load_queries

WARM = 8  # untimed queries before each turn


def take_stdout():
    """Returns the real stdout, and sends what libraries print to stderr, away from the answers."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


def nearest_rank(ordered, share):
    return ordered[min(len(ordered), max(1, -int(-share * len(ordered) // 1))) - 1]


def forget_peak():
    """Resets the kernel's peak of resident memory to the present value."""
    with open("/proc/self/clear_refs", "w") as control:
        control.write("5")


def peak_rss():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024


def write_run(path, hits, keys, tag):
    with open(path, "w", encoding="utf-8") as out:
        for query, rows in enumerate(hits):
            for rank, row in enumerate(rows, 1):
                # Only the order counts; some engines return no scores.
                out.write(f"{query} Q0 {keys[int(row)]} {rank} {-rank} {tag}\n")


def turn(engine, handle, queries, request, keys):
    k, params = request["k"], request["params"]
    forget_peak()
    for query in queries[:WARM]:
        engine.search(handle, query, k, **params)
    times, hits = [], []
    start = time.perf_counter()
    for query in queries:
        began = time.perf_counter()
        found = engine.search(handle, query, k, **params)
        times.append((time.perf_counter() - began) * 1e3)
        hits.append(list(found)[:k])
        if time.perf_counter() - start > request["seconds"]:
            break
    if request["run"]:
        write_run(request["run"], hits, keys, engine.NAME)
    ordered = sorted(times)
    return {"p50_ms": nearest_rank(ordered, 0.50), "p95_ms": nearest_rank(ordered, 0.95),
            "qps": 1e3 * len(times) / sum(times), "queries": len(times), "peak_rss": peak_rss()}


def serve(engine, layout, a, answer):
    start = time.perf_counter()
    handle = engine.open(a.index, layout, a.variant, a.threads)
    answer({"open_ms": (time.perf_counter() - start) * 1e3, "version": importlib.metadata.version(engine.PACKAGE)})
    queries, keys = {}, layout.keys()
    for line in sys.stdin:
        request = json.loads(line)
        path = request["queries"]
        if path not in queries:
            queries[path] = load_queries(path)
        try:
            answer(turn(engine, handle, queries[path], request, keys))
        except Exception as error:  # a refused setting is a result; the next may work
            answer({"refused": repr(error)[:300]})


def main():
    answers = take_stdout()
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("task", choices=["build", "serve"])
    ap.add_argument("engine")
    ap.add_argument("--data", required=True)
    ap.add_argument("--index", required=True)
    ap.add_argument("--variant", type=json.loads, required=True)
    ap.add_argument("--threads", type=int, required=True)
    a = ap.parse_args()
    engine = importlib.import_module(f"engines.{a.engine}")
    layout = Layout(a.data)

    def answer(line):
        print(json.dumps(line), file=answers, flush=True)

    if a.task == "serve":
        serve(engine, layout, a, answer)
    else:
        os.makedirs(a.index, exist_ok=True)
        start = time.perf_counter()
        engine.build(a.index, layout, a.variant, a.threads)
        answer({"build_s": time.perf_counter() - start})
    os._exit(0)  # threads of some libraries would keep the process alive


if __name__ == "__main__":
    main()
