#!/usr/bin/env python3
"""colidx beside fast-plaid, xtr-warp-rs and PyLate's default index, from Python, over the same vectors.

    python -m venv v && v/bin/pip install colidx fast-plaid==1.7.0.2110 xtr-warp-rs==2.1.0.2110
    v/bin/python benches/compare/make_synthetic.py --out data --docs 10000 --queries 300
    v/bin/python benches/python/side_by_side.py --data data --work work --out lines.jsonl
    v/bin/python benches/python/side_by_side.py --table lines.jsonl
    v/bin/python benches/python/side_by_side.py --picture side-by-side.svg --lines '10,000 documents=lines.jsonl'

DATA is the layout of `colidx encode` with query_embeddings.npy beside it. PyLate wants an older fast-plaid, so it has an
environment of its own: `--python pylate=other/bin/python`, as any engine can.

Engines build in turns, each in a process of its own. Then all are open, and asked in turns, round after round, so that
whatever else runs on the machine slows all of them alike; figures are medians over the rounds. `cpu` counts the work
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


def middle(rounds):
    """The line of the last build, with the medians of all."""
    line = dict(rounds[-1])
    if "error" not in line:
        for figure in ("build_s", "build_cpu_s"):
            line[figure] = statistics.median(seen[figure] for seen in rounds)
            line[f"{figure}_rounds"] = [round(seen[figure], 2) for seen in rounds]
    return line


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
    rounds = {name: [] for name in names}
    for _ in range(args.builds):
        for name, seen in rounds.items():
            folder = args.work / name
            seen.append(built(Remote(pythons[name], name, folder, args.data, args.threads), folder))
            print(name, seen[-1], file=sys.stderr)
    builds = {name: middle(seen) for name, seen in rounds.items()}
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


def picture(lines_of, path):
    """A row for each file: recall against batches, and what builds take. Needs matplotlib."""
    from matplotlib.ticker import LogLocator
    from pictures import COLOURS, labels, logarithmic, plt, save

    figure, rows = plt.subplots(len(lines_of), 2, figsize=(9.6, 3.4 * len(lines_of)), squeeze=False,
                                width_ratios=(3, 2))
    for (title, lines), (found, built) in zip(lines_of, rows):
        engines = {}
        for line in lines:
            engines.setdefault(line["engine"], []).append(line)
        ends = []
        for engine, of_engine in engines.items():
            of_engine.sort(key=lambda line: line["batch_qps"])
            found.plot([line["batch_qps"] for line in of_engine], [line["recall"] for line in of_engine], "o-",
                       ms=5, lw=1.5, color=COLOURS[engine])
            ends.append((engine, of_engine[-1]["batch_qps"], of_engine[-1]["recall"]))
        found.margins(y=0.2)
        found.set_xscale("log")
        logarithmic(found.xaxis)
        found.set_xlim(right=found.get_xlim()[1] * 4)  # room for names
        found.set(xlabel=f"queries a second, batches of {lines[0]['batch']}, {lines[0]['threads']} threads",
                  ylabel=f"recall@{lines[0]['k']} of exact search", title=title)
        figure.tight_layout()
        labels(found, ends)
        names = sorted(engines, key=lambda engine: -engines[engine][0]["build_s"])
        seconds = [engines[name][0]["build_s"] for name in names]
        built.barh(names, seconds, color=[COLOURS[name] for name in names], height=0.55)
        for at, name in enumerate(names):
            line = engines[name][0]
            built.annotate(f"{line['build_s']:,.1f} s, {line['peak_bytes'] / 1e9:.1f} GB", (line["build_s"], at),
                           xytext=(4, 0), textcoords="offset points", va="center")
        built.set_xscale("log")
        logarithmic(built.xaxis)
        built.xaxis.set_major_locator(LogLocator(base=10))
        built.set_xlim(1, max(seconds) * 60)  # room for figures
        built.set(xlabel="build, seconds, and peak memory", title=title)
        built.grid(axis="y", visible=False)
    save(figure, path)


def lines_in(path):
    return [line for line in map(json.loads, Path(path).read_text().splitlines()) if "error" not in line]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of vectors")
    parser.add_argument("--work", type=Path, default=Path("side-by-side"), help="where indexes go")
    parser.add_argument("--out", default="side-by-side.jsonl", help="lines are added here")
    parser.add_argument("--engines", default="colidx,fast-plaid,xtr-warp-rs")
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=PATH")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="of searches")
    parser.add_argument("--builds", type=int, default=1, help="rounds of builds")
    parser.add_argument("--count", type=int, default=50, help="queries asked one at a time in a round")
    parser.add_argument("--batch", type=int, default=100, help="queries asked at once")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--table", metavar="LINES", help="prints a table of lines that were written")
    parser.add_argument("--picture", metavar="SVG", help="draws --lines")
    parser.add_argument("--lines", action="append", default=[], metavar="TITLE=LINES", help="lines that were written")
    args = parser.parse_args()
    if args.picture:
        picture([(title, lines_in(path)) for title, path in (pair.split("=", 1) for pair in args.lines)], args.picture)
    else:
        table(args.table) if args.table else run(args)


if __name__ == "__main__":
    main()
