"""next-plaid (crates.io), through the driver in src/, with the crate's OpenBLAS feature on."""
NAME = "next-plaid"
VERSION = "1.8.5"  # Cargo.toml pins it
BINARY = "next-plaid"
EXHAUSTIVE = set()

VARIANTS = {
    "4bit": {"nbits": 4},  # the crate's default
    "2bit": {"nbits": 2},
    "sign": {"nbits": 1, "binary": True},  # its mode without residuals
}

# Probes, candidates kept by the centroid-level score (a quarter of them is scored in full),
# threshold of a probed centroid.
SEARCHES = {
    "tiny": (1, 256, "0.5"),
    "cheap": (2, 512, "0.5"),
    "middle": (4, 1024, "0.4"),
    "default": (8, 4096, "0.4"),
    "expensive": (32, 8192, "none"),
}


def settings(k):
    return {label: {"n_ivf_probe": probes, "n_full_scores": full, "centroid_score_threshold": threshold}
            for label, (probes, full, threshold) in SEARCHES.items() if full >= 4 * k}


def build_command(binary, data, index, variant, threads):
    mode = ["--binary"] if variant.get("binary") else ["--nbits", variant["nbits"]]
    return [binary, "build", "--embeddings", data, "--index", index, *mode]


def bench_command(binary, index, queries, keys, k, threads, repeat, params, run):
    flags = [part for name, value in params.items() for part in ("--" + name.replace("_", "-"), value)]
    return [binary, "bench", "--index", index, "--query-embeddings", queries, "-k", k, "--repeat", repeat, *flags,
            *(["--doc-keys", keys] if keys else []), *(["--run-out", run] if run else [])]
