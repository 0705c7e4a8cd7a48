"""Reads result files and selects lines for reports."""
import json
from pathlib import Path

EXACT_SEARCH = {"maxsim-cpu", "numpy-exact"}  # no index: left out when builds and sizes are compared


def read(paths):
    return [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]


def measured(lines):
    return [line for line in lines if "error" not in line]


def groups(lines, *names):
    """Lines grouped by the values of `names`, in order of appearance."""
    out = {}
    for line in lines:
        out.setdefault(tuple(line.get(name) for name in names), []).append(line)
    return out


def indexes(lines):
    """The line with the best recall of each index that was built."""
    best = {}
    for line in measured(lines):
        key = (line["engine"], line["variant"])
        if line["engine"] not in EXACT_SEARCH and (key not in best or line["recall"] > best[key]["recall"]):
            best[key] = line
    return list(best.values())


def fastest_as_good(lines, as_this, by="recall"):
    """The fastest line with at least the recall of `as_this` (at k, or by `recall10` at 10), or None."""
    return min((line for line in lines if line[by] >= as_this[by]), key=lambda line: line["p50_ms"], default=None)


def recalls(lines):
    """The recalls that all these lines (of one k) have, with names. Older lines lack `recall10`."""
    k = lines[0]["k"]
    both = {"recall": f"recall@{k}"} | ({"recall10": "recall@10"} if k > 10 else {})
    return {by: name for by, name in both.items() if all(by in line for line in lines)}


def smallest_as_good(lines, recall):
    """The line of the smallest index with at least that recall, or None."""
    return min((line for line in lines if line["recall"] >= recall), key=lambda line: line["bytes_per_vector"], default=None)


def frontier(lines, cost):
    """The Pareto front of cost and recall, by rising cost."""
    out = []
    for line in sorted(lines, key=lambda line: (line[cost], -line["recall"])):
        if not out or line["recall"] > out[-1]["recall"]:
            out.append(line)
    return out
