#!/usr/bin/env python3
"""Prepares a data set: the exact top 100, and the queries to judge and to time.

    prepare.py --data DIR --out DIR [--queries N] [--timed N]

Written to --out: queries.npy, which are judged, and timed.npy, the first of these, which are timed. Prints what the data is.
"""
import argparse
import json
from pathlib import Path

import numpy as np

from exact import exact
from layout import Layout, load_queries


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, type=Path)
    ap.add_argument("--out", required=True, type=Path)
    ap.add_argument("--top", type=int, default=100)
    ap.add_argument("--queries", type=int)
    ap.add_argument("--timed", type=int)
    a = ap.parse_args()
    layout = Layout(a.data)
    queries = load_queries(a.data / "query_embeddings.npy")[:a.queries]
    exact(a.data, a.top, len(queries))
    np.save(a.out / "queries.npy", queries)
    np.save(a.out / "timed.npy", queries[:a.timed])
    print(json.dumps({"documents": len(layout.lens), "vectors": len(layout.vectors), "dim": layout.dim}))


if __name__ == "__main__":
    main()
