"""Reads result files, and answers the questions that reports ask of them."""
import json
from pathlib import Path

EXACT_SEARCH = {"maxsim-cpu", "numpy-exact"}  # no index, so no part in comparisons of builds and sizes


def read(paths):
    return [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]


def measured(lines):
    return [line for line in lines if "error" not in line]


def groups(lines, *names):
    """{values of `names`: lines}, in order of appearance."""
    out = {}
    for line in lines:
        out.setdefault(tuple(line.get(name) for name in names), []).append(line)
    return out


def indexes(lines):
    """One line an index that was built: the one with its best recall."""
    best = {}
    for line in measured(lines):
        key = (line["engine"], line["variant"])
        if line["engine"] not in EXACT_SEARCH and (key not in best or line["recall"] > best[key]["recall"]):
            best[key] = line
    return list(best.values())


def fastest_as_good(lines, as_this, by="recall"):
    """The fastest of these lines with at least the recall of a line, at its k or (`recall10`) at 10; or None."""
    return min((line for line in lines if line[by] >= as_this[by]), key=lambda line: line["p50_ms"], default=None)


def recalls(lines):
    """What these lines, all of one k, can be compared by, with its name. Older lines do not tell both."""
    k = lines[0]["k"]
    both = {"recall": f"recall@{k}"} | ({"recall10": "recall@10"} if k > 10 else {})
    return {by: name for by, name in both.items() if all(by in line for line in lines)}


def smallest_as_good(lines, recall):
    """The line of the smallest index among those with at least that recall, or None."""
    return min((line for line in lines if line["recall"] >= recall), key=lambda line: line["bytes_per_vector"], default=None)


def frontier(lines, cost):
    """The lines that no other beats in both cost and recall, by rising cost."""
    out = []
    for line in sorted(lines, key=lambda line: (line[cost], -line["recall"])):
        if not out or line["recall"] > out[-1]["recall"]:
            out.append(line)
    return out
