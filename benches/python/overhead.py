#!/usr/bin/env python3
"""A search from Python over the same search in Rust, and how searches from Python's threads scale.

    python benches/python/overhead.py --index v.colidx --queries query_embeddings.npy [--rounds 7]

Rust is `python -m colidx bench`, so both run the same compiled code. Rounds are interleaved, and every ratio is the median
of the ratios of the rounds. A round compares

- p50 of one query after the other: `Index.search_vectors(parallel=False)` with `colidx bench --threads 1`;
- queries a second with --threads callers at a time: that many threads of Python with that many of `colidx bench`.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import colidx


def rust(args, threads):
    command = [sys.executable, "-m", "colidx", "bench", "--index", args.index, "--query-embeddings", args.queries,
               "-k", args.k, "--threads", threads, "--repeat", 1]
    out = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def one_by_one(index, queries, k):
    """Milliseconds of the median query."""
    times = []
    for query in queries:
        began = time.perf_counter()
        index.search_vectors(query, k, parallel=False)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def from_threads(index, queries, k, threads):
    """Queries a second."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda query: index.search_vectors(query, k, parallel=False), queries[:threads]))
        began = time.perf_counter()
        list(pool.map(lambda query: index.search_vectors(query, k, parallel=False), queries))
        return len(queries) / (time.perf_counter() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--queries", required=True, help="[queries, tokens, dim] f32")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("-k", type=int, default=10)
    args = parser.parse_args()
    colidx.set_threads(args.threads)
    index, queries = colidx.open(args.index), np.load(args.queries).astype(np.float32)
    one_by_one(index, queries, args.k)
    slower, scaled = [], []
    for _ in range(args.rounds):
        slower.append(one_by_one(index, queries, args.k) / rust(args, 1)["p50_ms"])
        scaled.append(from_threads(index, queries, args.k, args.threads) / rust(args, args.threads)["qps"])
    for name, ratios in (("p50, Python over Rust", slower),
                         (f"queries a second from {args.threads} threads, Python over Rust", scaled)):
        print(f"{name}: {statistics.median(ratios):.3f}  ({', '.join(f'{ratio:.3f}' for ratio in sorted(ratios))})")


if __name__ == "__main__":
    main()
