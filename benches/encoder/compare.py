#!/usr/bin/env python3
"""Times encoders side by side on one checkpoint: colidx, onnxruntime, torch through PyLate, and candle-transformers.

    compare.py --model DIR --corpus corpus.jsonl --queries queries.jsonl --out results.jsonl
    compare.py --render results.jsonl

Every engine is a process of its own that stays warm; the engines take turns, round after round, so that what else the
machine does hits all of them, and ratios are taken within a round. A line of --out is one measurement.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = ["colidx f32", "colidx int8"]
PEERS = [
    "onnxruntime f32",
    "onnxruntime int8, per tensor",
    "onnxruntime int8, per channel",
    "PyLate",
    "candle-transformers",
]


class Process:
    """An engine: lines in, lines out."""

    def __init__(self, name, a):
        threads = str(a.threads)
        environment = os.environ | {name: threads for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        environment |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
        release = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")) / "release"
        if name in OURS:
            command = [release / "colidx-driver", a.model, name.split()[1]]
        elif name == "candle-transformers":
            command = [release / "candle-driver", a.model]
        else:
            command = [sys.executable, HERE / "engines.py", name, "--model", a.model, "--cache", a.cache]
            command += ["--threads", threads]
        self.errors = open(a.cache / f"{name}.log", "w+")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            text=True, env=environment,
        )

    def ask(self, texts, query, single=False, vectors=None):
        request = {"texts": str(texts), "query": query, "single": single, "vectors": vectors and str(vectors)}
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.errors.seek(0)
            raise RuntimeError(self.errors.read().strip().splitlines()[-1:] or "it ended")
        return json.loads(answer)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def jsonl(path, count):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(count))]


def prepare(a):
    """Writes the workloads: texts, and the token ids that PyLate makes of them. Returns their files."""
    from tokenizers import Tokenizer

    settings = json.loads((a.model / "config_sentence_transformers.json").read_text())
    tokenizer = Tokenizer.from_file(str(a.model / "tokenizer.json"))
    tokenizer.no_padding()
    mask = tokenizer.token_to_id("[MASK]")

    def ids(text, marker, length):
        tokenizer.enable_truncation(length - 1)
        found = tokenizer.encode(text.strip()).ids
        return [found[0], tokenizer.token_to_id(marker), *found[1:]]

    def document(text):
        found = ids(text, settings["document_prefix"], settings["document_length"])
        return {"text": text, "ids": found, "attended": len(found)}

    def query(text):
        found = ids(text, settings["query_prefix"], settings["query_length"])
        padding = [mask] * (settings["query_length"] - len(found))
        return {"text": text, "ids": found + padding, "attended": len(found)}

    texts = [f"{d.get('title') or ''} {d['text']}".strip() for d in jsonl(a.corpus, a.documents)]
    workloads = {
        "documents": [document(text) for text in texts],
        # A word of one token; three special tokens complete the length.
        "32 x 180": [document(" ".join(["water"] * 177))] * 32,
        "32 x 64": [document(" ".join(["water"] * 61))] * 32,
        "single queries": [query(q["text"]) for q in jsonl(a.queries, 100)],
    }
    workloads["quality documents"] = workloads["documents"][:200]
    skip = {tokenizer.token_to_id(word) for word in settings["skiplist_words"]}
    files = {}
    for name, workload in workloads.items():
        files[name] = a.cache / f"{name}.json"
        files[name].write_text(json.dumps(workload))
    assert {len(text["ids"]) for text in workloads["32 x 180"]} == {180}
    keep = [id not in skip for text in workloads["quality documents"] for id in text["ids"]]
    return files, keep


def machine():
    info = {}
    for line in open("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        info.setdefault(name.strip(), value.strip())
    flags = info.get("flags", "").split()
    wanted = ["avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"]
    return {
        "processor": info.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "flags": [flag for flag in wanted if flag in flags],
    }


def versions():
    from importlib.metadata import version

    return {name: version(name) for name in ("pylate", "torch", "transformers", "onnxruntime")}


class Results:
    def __init__(self, a):
        commit = subprocess.run(["git", "-C", HERE, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
        self.common = {
            "date": datetime.date.today().isoformat(),
            "commit": commit,
            "threads": a.threads,
            "machine": machine(),
            "versions": versions(),
        }
        self.file = open(a.out, "w")

    def add(self, **line):
        print(json.dumps(line | self.common), file=self.file, flush=True)
        shown = {name: value for name, value in line.items() if name not in ("latencies",)}
        print("  ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{value}" for name, value in shown.items()))


def warm(a, results, files, names):
    """Tokens a second and latencies, engines interleaved; peak memory after the documents."""
    processes = {}
    for name in names:
        try:
            processes[name] = Process(name, a)
            processes[name].ask(files["32 x 64"], query=False)
        except RuntimeError as error:
            results.add(engine=name, failed=str(error))
            processes.pop(name).stop()
    for round in range(a.rounds):
        for workload in ("32 x 180", "32 x 64", "single queries", "documents"):
            for name, process in processes.items():
                single = workload == "single queries"
                answer = process.ask(files[workload], query=single, single=single)
                if single:
                    latency = statistics.median(answer["latencies"])
                    results.add(engine=name, workload=workload, round=round, p50_ms=1e3 * latency)
                else:
                    rate = answer["tokens"] / answer["seconds"]
                    results.add(engine=name, workload=workload, round=round, tokens_per_s=rate)
                if workload == "documents" and round == 0:
                    results.add(engine=name, workload="peak memory", mib=answer["peak_bytes"] / 2**20)
    for process in processes.values():
        process.stop()
    return list(processes)


def cold(a, results, files, names):
    """Time from process start to the first encoded query."""
    one = a.cache / "one query.json"
    one.write_text(json.dumps(json.loads(files["single queries"].read_text())[:1]))
    for round in range(a.rounds):
        for name in names:
            start = time.perf_counter()
            process = Process(name, a)
            process.ask(one, query=True)
            results.add(engine=name, workload="first query", round=round, ms=1e3 * (time.perf_counter() - start))
            process.stop()


def quality(a, results, files, keep, names):
    """The cosines of every vector with PyLate's."""
    import numpy as np

    def vectors(name):
        process = Process(name, a)
        out = []
        for workload, query in (("quality documents", False), ("single queries", True)):
            path = a.cache / "vectors.f32"
            process.ask(files[workload], query=query, vectors=path)
            found = np.fromfile(path, "<f4").reshape(-1, dim)
            # Engines without a skiplist return a vector for every token.
            out.append(found[keep] if not query and len(found) == len(keep) else found)
        process.stop()
        return np.concatenate(out)

    dim = json.loads((a.model / "1_Dense/config.json").read_text())["out_features"]
    keep = np.array(keep)
    reference = vectors("PyLate")
    for name in names:
        if name != "PyLate":
            cosines = (vectors(name).astype(np.float64) * reference).sum(axis=1)
            mean, least = float(1 - cosines.mean()), float(1 - cosines.min())
            results.add(engine=name, workload="quality", mean_distance=mean, largest_distance=least)


def render(path):
    """Markdown tables of the median of each measurement, with the ratio to the peer of the same precision."""
    lines = [json.loads(line) for line in open(path)]
    found = {}
    for line in lines:
        for field in ("tokens_per_s", "p50_ms", "ms", "mib", "mean_distance", "largest_distance"):
            if field in line:
                found.setdefault((line["workload"], field), {}).setdefault(line["engine"], []).append(line[field])
    columns = [
        ("documents", "tokens_per_s", "documents, tokens/s", "{:,.0f}"),
        ("32 x 180", "tokens_per_s", "32 x 180, tokens/s", "{:,.0f}"),
        ("32 x 64", "tokens_per_s", "32 x 64, tokens/s", "{:,.0f}"),
        ("single queries", "p50_ms", "one query, ms", "{:.1f}"),
        ("first query", "ms", "start to first query, ms", "{:,.0f}"),
        ("peak memory", "mib", "peak memory, MiB", "{:,.0f}"),
        ("quality", "mean_distance", "1 - cosine, mean", "{:.1e}"),
        ("quality", "largest_distance", "largest", "{:.1e}"),
    ]
    first = lines[0]
    print(f"{first['machine']['processor']}, {first['threads']} threads, {first['date']}, commit {first['commit'][:7]}\n")
    print("| engine | " + " | ".join(title for *_, title, _ in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name in OURS + PEERS:
        cells = []
        for workload, field, _, form in columns:
            values = found.get((workload, field), {}).get(name)
            cells.append(form.format(statistics.median(values)) if values else "")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n| ratio, median of the rounds | " + " | ".join(title for *_, title, _ in columns[:4]) + " |")
    print("|---|---|---|---|---|")

    def ratios(ours, peers):
        cells = []
        for workload, field, _, _ in columns[:4]:
            measured = found.get((workload, field), {})
            # The best of the peers in each round.
            best = min if field == "p50_ms" else max
            rounds = zip(measured.get(ours, []), *(measured.get(peer, []) for peer in peers))
            values = [mine / best(others) for mine, *others in rounds]
            cells.append(f"{statistics.median(values):.2f}" if values else "")
        print(f"| {ours} : {' or '.join(peers)} | " + " | ".join(cells) + " |")

    ratios("colidx f32", ["onnxruntime f32"])
    ratios("colidx int8", PEERS[1:3])
    ratios("colidx int8", ["colidx f32"])
    ratios("colidx f32", ["PyLate"])
    ratios("colidx f32", ["candle-transformers"])
    for line in lines:
        if "failed" in line:
            print(f"\n{line['engine']} failed: {line['failed']}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--model", type=Path)
    ap.add_argument("--corpus", type=Path)
    ap.add_argument("--queries", type=Path)
    ap.add_argument("--out", type=Path)
    ap.add_argument("--cache", type=Path, default=HERE / "cache")
    ap.add_argument("--documents", type=int, default=1000)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--engines", nargs="*", default=OURS + PEERS, choices=OURS + PEERS)
    ap.add_argument("--render", type=Path)
    a = ap.parse_args()
    if a.render:
        return render(a.render)
    a.cache.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cargo", "build", "--release", "--locked", "--manifest-path", HERE / "Cargo.toml"], check=True)
    if not (a.cache / "int8-channel.onnx").exists():
        arguments = ["--model", a.model, "--cache", a.cache, "--threads", str(a.threads)]
        subprocess.run([sys.executable, HERE / "engines.py", "export", *arguments], check=True)
    files, keep = prepare(a)
    results = Results(a)
    names = warm(a, results, files, a.engines)
    cold(a, results, files, names)
    if "PyLate" in names:
        quality(a, results, files, keep, names)
    render(a.out)


if __name__ == "__main__":
    main()
