#!/usr/bin/env python3
"""Computes result lines from the log of a run of compare.py. Needs numpy and ir_measures.

    metrics.py --run DIR --data DIR --out FILE.jsonl

recall is the share of the exact top k over uncompressed vectors among the k hits, recall10 that of
the exact top 10 among the first 10. nDCG@10 needs judgements. Both are over the queries that were
answered. Lines of --out that this run does not replace are kept.
"""
import argparse
import json
import statistics
from pathlib import Path

import ir_measures
import numpy as np

from layout import Layout

MEDIANS = ("p50_ms", "p95_ms", "qps", "open_ms", "peak_rss", "load")


def read_run(path, row_of):
    """{query row: document rows, best first}."""
    hits = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, key, *_ = line.split()
        hits.setdefault(int(query), []).append(row_of[key])
    return hits


def recall(hits, truth, k, answered):
    shares = []
    for query in range(answered):
        want = set(truth[query][:k].tolist())
        shares.append(len(want & set(hits.get(query, [])[:k])) / len(want))
    return statistics.mean(shares)


def ndcg10(hits, qrels, answered):
    judged = {query: gains for query, gains in qrels.items() if int(query) < answered}
    run = {str(query): {str(row): -float(rank) for rank, row in enumerate(rows)} for query, rows in hits.items()}
    return ir_measures.calc_aggregate([ir_measures.nDCG @ 10], judged, run)[ir_measures.nDCG @ 10]


def rounded(name, value):
    return int(value) if name == "peak_rss" else round(value, 3)


class Metrics:
    def __init__(self, run, data):
        self.run = run
        self.layout = Layout(data)
        self.truth = np.load(data / "exact_ids.npy")
        self.qrels = self.layout.qrels()
        self.row_of = {key: row for row, key in enumerate(self.layout.keys())}
        self.about = json.loads((run / "about.json").read_text())
        noted = [json.loads(line) for line in (run / "turns.jsonl").read_text().splitlines()]
        self.indexes = {(n["engine"], n["variant"]): n for n in noted if n["kind"] == "index"}
        self.noted = [n for n in noted if n["kind"] != "index"]

    def quality(self, engine, variant, setting, k):
        path = self.run / f"{engine}-{variant}-{setting}-k{k}.run"
        hits = read_run(path, self.row_of)
        answered = next(n["queries"] for n in self.noted if n["kind"] == "hits" and n["k"] == k and n["setting"] == setting
                        and (n["engine"], n["variant"]) == (engine, variant))
        most = min(k, len(self.layout.lens))
        return {"recall": round(recall(hits, self.truth, k, answered), 4),
                "recall10": round(recall(hits, self.truth, min(k, 10), answered), 4),
                "ndcg10": round(ndcg10(hits, self.qrels, answered), 4) if self.qrels and k >= 10 else None,
                "short": sum(len(hits.get(query, [])) < most for query in range(answered)), "judged_queries": answered}

    def line(self, engine, variant, **rest):
        index = {name: value for name, value in self.indexes[engine, variant].items() if name != "kind"}
        size = index.get("index_bytes")
        index["bytes_per_vector"] = round(size / self.about["vectors"], 2) if size else None
        return {**index, **rest, **self.about}

    def lines(self):
        for (engine, variant), index in self.indexes.items():
            if "error" in index:
                yield self.line(engine, variant, setting=None, k=None, threads=None)
        for n in self.noted:
            if n["kind"] == "error":
                yield self.line(n["engine"], n["variant"], setting=n["setting"], params=n.get("params"), k=n["k"],
                                threads=n["threads"], error=n["error"])
        turns = {}
        for n in self.noted:
            if n["kind"] == "turn":
                turns.setdefault((n["engine"], n["variant"], n["setting"], n["k"], n["threads"]), []).append(n)
        for (engine, variant, setting, k, threads), rounds in turns.items():
            figures = {name: rounded(name, statistics.median(r[name] for r in rounds)) for name in MEDIANS}
            version = self.indexes[engine, variant]["version"] or rounds[0].get("version")
            yield self.line(
                engine, variant, version=version, setting=setting, params=rounds[0]["params"], k=k, threads=threads,
                rounds=len(rounds), timed_queries=min(r["queries"] for r in rounds),
                p50_rounds=[round(r["p50_ms"], 3) for r in rounds],
                **{{"peak_rss": "peak_rss_search"}.get(name, name): value for name, value in figures.items()},
                **self.quality(engine, variant, setting, k))


def place(line):
    return tuple(line[name] for name in ("engine", "variant", "setting", "k", "threads"))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--run", required=True, type=Path)
    ap.add_argument("--data", required=True, type=Path)
    ap.add_argument("--out", required=True, type=Path)
    a = ap.parse_args()
    old = [json.loads(line) for line in a.out.read_text().splitlines()] if a.out.exists() else []
    lines = {place(line): line for line in [*old, *Metrics(a.run, a.data).lines()]}
    part = a.out.with_name(a.out.name + ".part")
    part.write_text("".join(json.dumps(line) + "\n" for line in lines.values()))
    part.rename(a.out)


if __name__ == "__main__":
    main()
