"""colidx, through its binary."""
import subprocess

NAME = "colidx"
VERSION = None
BINARY = "colidx"

# Flags of `colidx build`. The first is the default.
VARIANTS = {
    "4bit": {"nbits": 4, "flags": []},
    "2bit": {"nbits": 2, "flags": []},
    "1bit": {"nbits": 1, "flags": []},
    "8bit": {"nbits": 8, "flags": []},
}

# Flags of `colidx bench`.
SEARCHES = {
    "default": {"flags": []},
    **{f"probes-{p}-candidates-{c}-{f}k": {"flags": ["--candidates", c, "--probes", p], "finalists": f}
       for p, c, f in ((3, 48, 1.5), (8, 64, 1.5), (10, 64, 1.5), (12, 72, 1.5), (12, 88, 1.7), (16, 96, 1.5), (24, 96, 1.5),
                       (2, 100, 1), (3, 100, 1), (4, 100, 1), (8, 100, 1), (16, 100, 1), (10, 150, 1.15), (28, 176, 1),
                       (24, 380, 1.45), (24, 400, 1.5))},
    **{f"candidates-{c}-{f}k": {"flags": ["--candidates", c], "finalists": f}
       for c, f in ((64, 1.5), (96, 1.6), (112, 1.7), (128, 2), (480, 1.5), (540, 1.5), (600, 1.5), (800, 2), (2048, 4), (8192, 8),
                    (32768, 20))},
    "exact": {"flags": ["--exact"]},
}
EXHAUSTIVE = {"exact"}


def settings(k):
    """Drops settings with fewer candidates than finalists. Finalists are multiples of k."""
    chosen = {}
    for label, params in SEARCHES.items():
        flags = list(params["flags"])
        if "finalists" in params:
            finalists = int(params["finalists"] * k)
            if flags[1] < finalists:
                continue
            flags += ["--finalists", finalists]
        chosen[label] = {"flags": flags}
    return chosen


def version(binary):
    return subprocess.run([binary, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]


def build_command(binary, data, index, variant, threads):
    return [binary, "build", "--embeddings", data, "--index", index, "--force", "--nbits", variant["nbits"],
            "--threads", threads, *variant["flags"]]


def bench_command(binary, index, queries, keys, k, threads, repeat, params, run):
    return [binary, "bench", "--index", index, "--query-embeddings", queries, "-k", k, "--threads", threads,
            "--repeat", repeat, *params["flags"], *(["--run-out", run, "--force"] if run else [])]
