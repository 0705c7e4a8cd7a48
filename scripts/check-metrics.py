#!/usr/bin/env python3
"""Recomputes the output of `colidx eval` with ir_measures (which calls trec_eval), and fails if they disagree.

    colidx eval --index DIR --queries FILE --qrels FILE --metrics ndcg@10,recall@100,mrr@10,map,success@5 > metrics.json
    colidx search --index DIR --queries FILE -k 1000 --run-out run.trec
    check-metrics.py --qrels FILE --run run.trec --metrics metrics.json

Needs ir_measures from PyPI. `map` without a cut-off looks at every hit, so the run must be as deep as the evaluation
was (`"k"` in its JSON: 1000 for a metric without a cut-off unless `-k` said otherwise); what is deeper is cut off. Exit status 0 when every metric agrees to --tolerance, 1 when one does not.
"""
import argparse
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

try:
    import ir_measures
    from ir_measures import AP, RR, P, R, Success, nDCG
except ImportError:
    sys.exit("check-metrics.py needs ir_measures: pip install ir_measures")

MEASURES = {"ndcg": nDCG, "recall": R, "mrr": RR, "map": AP, "success": Success, "p": P}
NAME = re.compile(rf"({'|'.join(MEASURES)})(?:@(\d+))?")


def read_qrels(path):
    """{query: {document: gain}} of a BEIR TSV (header, three columns) or TREC qrels (four columns)."""
    qrels = defaultdict(dict)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not fields or (number == 1 and fields[-1] == "score"):
            continue
        if len(fields) not in (3, 4):
            sys.exit(f"{path}:{number}: expected 3 or 4 columns, got {len(fields)}")
        qrels[fields[0]][fields[-2]] = int(fields[-1])
    return dict(qrels)


def read_run(path, depth):
    """{query: {document: score}} of the first `depth` hits (None: all) of a TREC run, and how many hits share their score.

    trec_eval orders equal scores by document id, descending; colidx promises ascending, and its order is what is to be
    judged. So each score becomes minus the rank that score and order in the file give.
    """
    scored = defaultdict(dict)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split()
        if len(fields) != 6:
            sys.exit(f"{path}:{number}: expected `query Q0 document rank score tag`, got {len(fields)} columns")
        query, _, document, _, score, _ = fields
        if document in scored[query]:
            sys.exit(f"{path}:{number}: document {document} is listed twice for query {query}")
        scored[query][document] = float(score)
    ties = sum(len(hits) - len(set(hits.values())) for hits in scored.values())
    run = {query: {document: -rank for rank, document in enumerate(sorted(hits, key=hits.get, reverse=True)[:depth], 1)}
           for query, hits in scored.items()}
    return run, ties


def measure_of(name):
    """The ir_measures measure of a metric name such as `ndcg@10`, or None for anything else."""
    match = NAME.fullmatch(name.lower())
    if not match:
        return None
    measure = MEASURES[match[1]]
    return measure @ int(match[2]) if match[2] else measure


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--qrels", required=True, type=Path)
    ap.add_argument("--run", required=True, type=Path)
    ap.add_argument("--metrics", required=True, type=Path, help="the JSON object that colidx eval printed; - for stdin")
    ap.add_argument("--tolerance", type=float, default=1e-6)
    a = ap.parse_args()

    qrels = read_qrels(a.qrels)
    printed = json.loads(sys.stdin.read() if str(a.metrics) == "-" else a.metrics.read_text(encoding="utf-8"))
    run, ties = read_run(a.run, printed.get("k"))
    measures = {name: m for name in printed if (m := measure_of(name)) is not None}
    if not measures:
        sys.exit(f"{a.metrics}: no metric to check among {', '.join(printed)}")

    # A judged query without a hit counts as 0, as with `trec_eval -c`.
    recomputed = ir_measures.calc_aggregate(list(measures.values()), qrels, run)
    print(f"{len(qrels)} judged queries, {sum(q in run for q in qrels)} of them in the run")
    if ties:
        print(f"{ties} hits share their score with another hit: trec_eval alone would order those by document id, descending")
    print(f"{'metric':<12} {'colidx':>12} {'ir_measures':>12} {'difference':>12}")
    failed = False
    for name, measure in measures.items():
        difference = printed[name] - recomputed[measure]
        bad = not abs(difference) <= a.tolerance
        failed |= bad
        print(f"{name:<12} {printed[name]:>12.8f} {recomputed[measure]:>12.8f} {difference:>12.1e}{'  DIFFERS' if bad else ''}")
    if failed:
        sys.exit(f"metrics differ by more than {a.tolerance:g}: does the run hold what was evaluated, to the same depth?")


if __name__ == "__main__":
    main()
