#!/usr/bin/env python3
"""colidx and next-plaid side by side: one corpus of token vectors, one machine, one run, one thread.

    compare.py --data DIR --work DIR --colidx BIN --next-plaid BIN [--nbits 4,2] [--rounds 5] [--check]

DIR is the `--embeddings` layout with query_embeddings.npy, and qrels.json where there are judgements (encode_pylate.py
makes both). Every index is built from the same vectors, then the settings take turns, a process each, for --rounds
rounds: what else the machine does falls on all of them alike. Each figure is the median over rounds.

Written to --work: the indexes, a TREC run a setting, compare.log, results.jsonl (one line a setting) and results.md (the table, which
is printed too). Indexes and builds' figures are kept for the next run; --rebuild makes them anew.

Needs numpy and ir_measures. Neither is imported before the measurements are over: a child's peak memory, as the kernel
counts it, is never below what its parent held when it was started.
"""
import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

# What next-plaid is asked for besides its defaults (8 probes, 4096 candidates, threshold 0.4).
NEXT_PLAID_SETTINGS = {
    "cheap": ["--n-ivf-probe", "2", "--n-full-scores", "512", "--centroid-score-threshold", "0.5"],
    "default": [],
    "expensive": ["--n-ivf-probe", "32", "--n-full-scores", "8192", "--centroid-score-threshold", "none"],
}


@dataclass
class Setting:
    """One engine, at one number of bits, searched in one way."""

    engine: str
    nbits: int
    name: str
    index: Path
    command: list  # up to the flags that every bench takes
    exact: bool = False  # the engine's own exhaustive search: run once, for its hits

    @property
    def label(self):
        return f"{self.engine}-{self.nbits}bit-{self.name}"


def run(a, command, threads):
    """Runs a command; its last line of stdout as JSON, its wall seconds and its peak memory in bytes. What it says on
    stderr goes to a log."""
    env = dict(os.environ)
    for variable in ("RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        env[variable] = str(threads)
    start = time.monotonic()
    with open(a.work / "compare.log", "a", encoding="utf-8") as log:
        log.write("$ " + " ".join(map(str, command)) + "\n")
        log.flush()
        child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=log, text=True, env=env)
        lines = child.stdout.read().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"exit status {child.returncode} from: {' '.join(map(str, command))}\nwhat it said is at the end of {log.name}")
    try:
        printed = json.loads(lines[-1])
    except (IndexError, ValueError):
        printed = {}
    return printed, time.monotonic() - start, usage.ru_maxrss * 1024


def bytes_below(path):
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def build(a, engine, nbits):
    """Builds one index, or takes the one that is there. Its path and the figures of its build."""
    index = a.work / f"{engine}-{nbits}bit"
    figures = a.work / f"{engine}-{nbits}bit.build.json"
    if a.rebuild or not figures.exists():
        shutil.rmtree(index, ignore_errors=True)
        figures.unlink(missing_ok=True)
        if engine == "colidx":
            command = [a.colidx, "build", "--embeddings", a.data, "--index", index, "--nbits", nbits,
                       "--threads", a.build_threads, *a.colidx_build_flags.split()]
        else:
            command = [a.next_plaid, "build", "--embeddings", a.data, "--index", index, "--nbits", nbits]
        print(f"building {index.name}", file=sys.stderr)
        load = os.getloadavg()[0]
        _, seconds, peak = run(a, command, a.build_threads)
        figures.write_text(json.dumps({
            "build_s": round(seconds, 1), "build_threads": a.build_threads, "build_peak_rss_bytes": peak,
            "build_load_before": round(load, 1), "index_bytes": bytes_below(index)}))
    return index, json.loads(figures.read_text())


def settings_of(a, engine, nbits, index):
    if engine == "colidx":
        base = [a.colidx, "bench", "--index", index, "--threads", "1"]
        return [Setting(engine, nbits, "default", index, base),
                Setting(engine, nbits, "exact", index, [*base, "--exact"], exact=True)]
    base = [a.next_plaid, "bench", "--index", index]
    keys = a.data / "doc_keys.txt"
    base += ["--doc-keys", keys] if keys.exists() else []
    everything = ["--n-ivf-probe", 10**9, "--n-full-scores", 10**9, "--centroid-score-threshold", "none"]
    return [*(Setting(engine, nbits, name, index, base + flags) for name, flags in NEXT_PLAID_SETTINGS.items()),
            Setting(engine, nbits, "exact", index, base + everything, exact=True)]


def bench(a, setting):
    """One process of one setting: its figures, its hits left in a run file."""
    command = [*setting.command, "--query-embeddings", a.data / "query_embeddings.npy", "-k", a.k,
               "--repeat", a.repeat if not setting.exact else 1, "--run-out", a.work / f"{setting.label}.run"]
    printed, _, peak = run(a, command, 1)
    print(f"  {setting.label:<24} p50 {printed['p50_ms']:8.2f} ms", file=sys.stderr)
    return {**{name: printed[name] for name in ("p50_ms", "p95_ms", "p99_ms", "qps", "open_ms")}, "peak_rss_bytes": peak}


def read_run(path):
    """{query: {document: score}}, hits in the order of the file."""
    hits = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, document, _, score, _ = line.split()
        hits.setdefault(query, {})[document] = float(score)
    return hits


def overlap(hits, truth, k):
    """Mean share of the k true hits that were found."""
    shares = []
    for query, documents in truth.items():
        want = set(list(documents)[:k])
        shares.append(len(want & set(list(hits.get(query, {}))[:k])) / len(want))
    return statistics.mean(shares)


def judgements(a):
    """qrels.json with rows turned into the keys that runs hold, or None."""
    path = a.data / "qrels.json"
    if not path.exists():
        return None
    keys = a.data / "doc_keys.txt"
    keys = keys.read_text(encoding="utf-8").splitlines() if keys.exists() else None
    return {query: {(keys[int(row)] if keys else row): gain for row, gain in documents.items()}
            for query, documents in json.loads(path.read_text()).items()}


def ndcg(hits, qrels):
    import ir_measures

    return ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, hits)[ir_measures.nDCG @ 10]


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def measure(a):
    """Builds what is missing, then lets the settings take turns. [(setting, figures of build, figures of each round)]."""
    rows = []
    for nbits in a.nbits:
        for engine in ("colidx", "next-plaid"):
            index, built = build(a, engine, nbits)
            rows += [(s, built, []) for s in settings_of(a, engine, nbits, index) if s.name in a.settings]
    for number in range(a.rounds):
        print(f"round {number + 1} of {a.rounds}, load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
        for setting, _, rounds in rows:
            if not setting.exact or number == 0:
                rounds.append({**bench(a, setting), "load": round(os.getloadavg()[0], 1)})
    return rows


def judge(a, rows):
    """One line of results a setting."""
    exact_run = a.work / "exact.run"
    if a.rebuild or not exact_run.exists():
        print("exact search over the uncompressed vectors", file=sys.stderr)
        run(a, [sys.executable, HERE / "exact.py", "--data", a.data, "--top", max(100, a.k), "--run-out", exact_run], os.cpu_count())
    truth, qrels = read_run(exact_run), judgements(a)
    out = []
    for setting, built, rounds in rows:
        hits = read_run(a.work / f"{setting.label}.run")
        own = read_run(a.work / f"{setting.engine}-{setting.nbits}bit-exact.run") if "exact" in a.settings else None
        out.append({
            "engine": setting.engine, "nbits": setting.nbits, "setting": setting.name, "k": a.k,
            **{name: round(statistics.median(r[name] for r in rounds), 3) for name in rounds[0]},
            "p50_ms_rounds": [round(r["p50_ms"], 3) for r in rounds],
            "overlap_exact": round(overlap(hits, truth, a.k), 4),
            "overlap_own_exact": round(overlap(hits, own, a.k), 4) if own else None,
            "ndcg@10": round(ndcg(hits, qrels), 4) if qrels and a.k >= 10 else None,
            "short": sum(len(hits.get(q, {})) < min(a.k, len(truth[q])) for q in truth),
            **built})
    if qrels and a.k >= 10:
        print(f"exact search on the uncompressed vectors: nDCG@10 {ndcg({q: dict(list(d.items())[:a.k]) for q, d in truth.items()}, qrels):.4f}\n")
    return out


def share(value):
    return "" if value is None else f"{value:.4f}"


COLUMNS = [
    ("engine", "engine", str), ("bits", "nbits", str), ("setting", "setting", str),
    ("p50 ms", "p50_ms", "{:.2f}".format), ("p95 ms", "p95_ms", "{:.2f}".format), ("qps", "qps", "{:.0f}".format),
    ("overlap@k", "overlap_exact", share), ("own exact", "overlap_own_exact", share), ("nDCG@10", "ndcg@10", share), ("open ms", "open_ms", "{:.1f}".format),
    ("index MB", "index_bytes", lambda v: f"{v / 1e6:.1f}"), ("build s", "build_s", "{:.0f}".format),
    ("build RSS MB", "build_peak_rss_bytes", lambda v: f"{v / 1e6:.0f}"), ("RSS MB", "peak_rss_bytes", lambda v: f"{v / 1e6:.0f}"),
]


def table(lines):
    """The results as a Markdown table."""
    cells = [[head for head, _, _ in COLUMNS], *([show(line[name]) for _, name, show in COLUMNS] for line in lines)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    rows = ["| " + " | ".join(text.ljust(w) if i in (0, 2) else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths))) + " |"
            for row in cells]
    rows.insert(1, "|" + "|".join("-" * (w + 1) + ("-" if i in (0, 2) else ":") for i, w in enumerate(widths)) + "|")
    return "\n".join(rows) + "\n"


def verdicts(lines):
    """For each number of bits: is colidx no slower than next-plaid at its defaults, and does it find no less?"""
    found = {(line["engine"], line["nbits"], line["setting"]): line for line in lines}
    good = True
    for nbits in dict.fromkeys(line["nbits"] for line in lines):
        if ("colidx", nbits, "default") not in found:
            continue
        ours, theirs = (found[engine, nbits, "default"] for engine in ("colidx", "next-plaid"))
        ratio = statistics.median(o / t for o, t in zip(ours["p50_ms_rounds"], theirs["p50_ms_rounds"]))
        best = min(ours["p50_ms_rounds"]) / min(theirs["p50_ms_rounds"])
        good &= ratio <= 1 and ours["overlap_exact"] >= theirs["overlap_exact"]
        yield good, (f"{nbits} bits, both at their defaults: colidx takes {ratio:.2f} of next-plaid's p50 "
                     f"(median over rounds; {best:.2f} in the best round of each), "
                     f"overlap@{ours['k']} with exact {ours['overlap_exact']:.4f} against {theirs['overlap_exact']:.4f}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, type=Path)
    ap.add_argument("--work", required=True, type=Path, help="where indexes, runs and results go")
    ap.add_argument("--colidx", required=True, type=Path, help="the binary")
    ap.add_argument("--next-plaid", required=True, type=Path, help="the driver's binary")
    ap.add_argument("--nbits", default="4", type=lambda v: [int(n) for n in v.split(",")], help="bits a dimension, comma-separated")
    ap.add_argument("-k", type=int, default=10)
    ap.add_argument("--settings", default="cheap,default,expensive,exact", type=lambda v: v.split(","),
                    help="which to run, comma-separated; `exact` takes longest (default: %(default)s)")
    ap.add_argument("--rounds", type=int, default=5, help="turns of each setting, a process each")
    ap.add_argument("--repeat", type=int, default=1, help="timed passes over the queries in each turn")
    ap.add_argument("--build-threads", type=int, default=os.cpu_count())
    ap.add_argument("--colidx-build-flags", default="", help="further flags for colidx build, in one string")
    ap.add_argument("--rebuild", action="store_true", help="build the indexes anew")
    ap.add_argument("--check", action="store_true", help="exit with 1 when colidx is slower or finds less than next-plaid at its defaults")
    a = ap.parse_args()

    if unknown := set(a.settings) - {*NEXT_PLAID_SETTINGS, "exact"}:
        ap.error(f"no such setting: {', '.join(sorted(unknown))}")
    if a.check and "default" not in a.settings:
        ap.error("--check judges the setting `default`: keep it in --settings")
    a.colidx, a.next_plaid = a.colidx.resolve(), a.next_plaid.resolve()
    for package in ("numpy", "ir_measures"):
        if importlib.util.find_spec(package) is None:
            sys.exit(f"{package} is missing: pip install {package}")
    a.work.mkdir(parents=True, exist_ok=True)
    lines = judge(a, measure(a))
    machine = {"machine": cpu_model(), "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d"), "data": a.data.resolve().name}
    (a.work / "results.jsonl").write_text("".join(json.dumps({**line, **machine}) + "\n" for line in lines))
    (a.work / "results.md").write_text(table(lines))
    print(table(lines))
    good = True
    for good, text in verdicts(lines):
        print(text)
    if a.check and not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
