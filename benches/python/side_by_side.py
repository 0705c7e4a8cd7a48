#!/usr/bin/env python3
"""colidx beside fast-plaid, xtr-warp-rs and PyLate's default index, from Python, over the same vectors.

    python -m venv v && v/bin/pip install colidx fast-plaid==1.7.0.2110 xtr-warp-rs==2.1.0.2110
    v/bin/python benches/compare/make_synthetic.py --out data --docs 10000 --queries 300
    v/bin/python benches/python/side_by_side.py --data data --work work --out lines.jsonl
    v/bin/python benches/python/side_by_side.py --table lines.jsonl

DATA is the layout of `colidx encode` with query_embeddings.npy beside it. PyLate wants an older fast-plaid, so it has an
environment of its own: `--python pylate=other/bin/python`, as any engine can.

Every engine builds in a process of its own. Then all are open, and asked in turns, round after round, so that whatever
else runs on the machine slows all of them alike; figures are medians over the rounds. `cpu` counts the work
of all threads and hardly depends on what else runs. recall@k is the share of the exact
top k over the vectors as they were given.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "compare"))
from engines import ENGINES


# %% An engine in another process
class Remote:
    def __init__(self, python, name, folder, data, threads):
        limits = {name: str(threads) for name in
                  ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        command = [python, str(HERE / "worker.py"), name, str(folder), str(data)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **limits})

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else {"error": f"the process ended with {self.process.wait()}"}

    def end(self):
        self.process.stdin.close()
        self.process.wait()


# %% Build
def built(remote, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    line = {**remote.ask(do="about"), **remote.ask(do="build")}
    remote.end()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {**line, "index_bytes": sum(path.stat().st_size for path in files)}


# %% Search
def recall(found, exact, k):
    return statistics.fmean(len(set(rows[:k]) & set(map(int, best[:k]))) / k for rows, best in zip(found, exact, strict=True))


def measured(args, names, pythons, exact):
    """A line for each engine and setting."""
    remotes = {name: Remote(pythons[name], name, args.work / name, args.data, args.threads) for name in names}
    turns = {(name, setting): [] for name in names for setting in ENGINES[name].settings}
    for _ in range(args.rounds):
        for (name, setting), seen in turns.items():
            if seen and "error" in seen[-1]:
                continue
            seen.append(remotes[name].ask(do="turn", setting=setting, k=args.k, count=args.count, batch=args.batch))
    for remote in remotes.values():
        remote.end()
    for (name, setting), seen in turns.items():
        line = {"engine": name, "setting": setting}
        if "error" in seen[-1]:
            yield {**line, "error": seen[-1]["error"]}
            continue
        for figure in ("p50_ms", "batch_qps", "batch_cpu_ms"):
            line[figure] = statistics.median(turn[figure] for turn in seen)
            line[f"{figure}_rounds"] = [round(turn[figure], 3) for turn in seen]
        yield {**line, "recall": recall(seen[-1]["found"], exact, args.k)}


def run(args):
    from exact import exact

    ids, _ = exact(args.data, args.k, args.batch)
    args.batch = len(ids)
    pythons = {name: sys.executable for name in ENGINES}
    pythons.update(pair.split("=", 1) for pair in args.python)
    names = args.engines.split(",")
    common = {"data": args.data.name, "k": args.k, "threads": args.threads, "batch": args.batch,
              "date": time.strftime("%Y-%m-%d"), "load": os.getloadavg()[0]}
    builds = {}
    for name in names:
        folder = args.work / name
        builds[name] = built(Remote(pythons[name], name, folder, args.data, args.threads), folder)
        print(name, builds[name], file=sys.stderr)
    with open(args.out, "a") as out:
        for name in (name for name in names if "error" in builds[name]):
            print(json.dumps({"engine": name, **common, **builds[name]}), file=out)
        names = [name for name in names if "error" not in builds[name]]
        for line in measured(args, names, pythons, ids):
            print(json.dumps({**line, **common, **builds[line["engine"]]}), file=out, flush=True)


# %% Show
def table(path):
    rows = ["| engine | setting | build, s | cpu, s | peak, MB | index, MB | p50, ms | batch, queries/s | cpu, ms | recall@k |",
            "|---|---|" + "---:|" * 8]
    for line in map(json.loads, Path(path).read_text().splitlines()):
        named = f"| {line['engine']} {line.get('version', '')} |"
        if "error" in line:
            rows.append(f"{named} {line['error']} | | | | | | | | |")
            continue
        megabytes = [round(line[name] / 1e6) for name in ("peak_bytes", "index_bytes")]
        rows.append(f"{named} {line['setting']} | {line['build_s']:.1f} | {line['build_cpu_s']:.1f} | {megabytes[0]} | {megabytes[1]} | "
                    f"{line['p50_ms']:.2f} | {line['batch_qps']:.0f} | {line['batch_cpu_ms']:.2f} | {line['recall']:.3f} |")
    print("\n".join(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of vectors")
    parser.add_argument("--work", type=Path, default=Path("side-by-side"), help="where indexes go")
    parser.add_argument("--out", default="side-by-side.jsonl", help="lines are added here")
    parser.add_argument("--engines", default="colidx,fast-plaid,xtr-warp-rs")
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=PATH")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=50, help="queries asked one at a time in a round")
    parser.add_argument("--batch", type=int, default=100, help="queries asked at once")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--table", metavar="LINES", help="prints a table of lines that were written")
    args = parser.parse_args()
    table(args.table) if args.table else run(args)


if __name__ == "__main__":
    main()
