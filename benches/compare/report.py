#!/usr/bin/env python3
"""Tables and pictures of result files.

    report.py results/*.jsonl [--pictures DIR]

Prints for each data set: builds, all settings, for each setting of a peer the fastest setting of
colidx with at least its recall, and ratios against their targets; then growth with the number of
documents. --pictures, which needs matplotlib, draws recall against latency, size against recall, and
growth.
"""
import argparse
from pathlib import Path

import tables
from results import groups, read


def about(line, lines):
    machine = line["machine"]
    judged = f", nDCG@10 of {line['dataset']}'s judgements" if any(l.get("ndcg10") is not None for l in lines) else ""
    return (f"{line['documents']:,} documents, {line['vectors']:,} vectors of {line['dim']} dimensions{judged}. {machine['processor']} "
            f"(family {machine['family']}, model {machine['model']}), {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{line['date']}, commit {(line['commit'] or 'unknown')[:10]}.\n")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("files", nargs="+", type=Path)
    ap.add_argument("--pictures", type=Path, help="folder for SVG files")
    a = ap.parse_args()
    lines = read(a.files)
    for (dataset,), group in groups(lines, "dataset").items():
        print(f"## {dataset}\n\n{about(group[-1], group)}")
        for title, table in (("Targets", tables.acceptance), ("Builds", tables.builds),
                             ("Latency at equal recall", tables.latency_ratios), ("Index at equal recall", tables.index_ratios),
                             ("Every setting", tables.settings)):
            print(f"### {title}\n\n{table(group)}")
    print(f"## Growth\n\n{tables.growth(lines)}")
    if a.pictures:
        from pictures import draw

        for name in draw(lines, a.pictures):
            print(f"drawn: {name}")


if __name__ == "__main__":
    main()
