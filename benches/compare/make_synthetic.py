#!/usr/bin/env python3
"""Makes token vectors that behave like ColBERT's, of any number of documents, in the `--embeddings` layout. Needs numpy.

    make_synthetic.py --out DIR --docs 50000 [--queries 200]

Written to --out, which appears under its name only when it is complete:
    doc_embeddings.npy    [tokens, dim] f16, L2-normalised rows
    doc_lens.npy          [documents] i32
    token_ids.npy         [tokens] i32, a stand-in for the vocabulary id behind each vector
    query_embeddings.npy  [queries, tokens, dim] f32, L2-normalised rows
    query_targets.npy     [queries] i32, the document that each query was made from
    meta.json             the parameters

The model. 16 sqrt(tokens) topics with Zipfian weights, their centres correlated through super-topics as the centres of real
token types are; four topics of one super-topic share a vocabulary id, as one word has several senses. A document has a
theme, which favours some 150 topics, so that the best hundred of a query are documents of its theme and not chance. A
token is topic + theme + document + noise with a decaying spectrum; --noise makes the cosine of a token with the centroid
that k-means finds for it about 0.75 to 0.9 (ColBERTv2 on MS MARCO: 0.8). A query is twelve perturbed tokens of its target,
and blends of these in place of [MASK] tokens.

Blocks of documents go to disk as they are made, so a million documents (15 GB) take less than 2 GB of memory.
"""
import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np

BLOCK = 4000  # documents made at a time; changing it changes the output
TOPICS_PER_THEME = 150
REAL_TOKENS = 12  # of a query; the rest imitate [MASK]


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


class NpyWriter:
    """Appends rows to a .npy file of known shape. A plain file, not a memory map, so that written pages leave this
    process's memory."""

    def __init__(self, path, dtype, shape):
        self.dtype = np.dtype(dtype)
        self.file = open(path, "wb")
        np.lib.format.write_array_header_1_0(
            self.file, {"descr": self.dtype.str, "fortran_order": False, "shape": shape})

    def append(self, rows):
        self.file.write(np.ascontiguousarray(rows, self.dtype).data)

    def close(self):
        self.file.close()


class Model:
    """Topics, themes and the shape of the noise."""

    def __init__(self, a, rng, total):
        self.a, self.rng = a, rng
        self.topic_count = int(16 * np.sqrt(total))
        self.theme_count = a.themes or max(8, a.docs // 50)
        supers = max(32, self.topic_count // 64)

        # A rotation and a decaying spectrum: the noise of real models is not isotropic.
        # z @ noise_map has E|.|^2 = 1.
        rotation = np.linalg.qr(rng.standard_normal((a.dim, a.dim)))[0].astype(np.float32)
        spectrum = (np.arange(1, a.dim + 1) ** -0.25).astype(np.float32)
        spectrum /= np.sqrt((spectrum ** 2).sum())
        self.noise_map = (rotation * spectrum).T.copy()

        mean = unit(rng.standard_normal(a.dim)).astype(np.float32)
        centres = unit(rng.standard_normal((supers, a.dim))).astype(np.float32)
        own = unit(rng.standard_normal((self.topic_count, a.dim)) @ self.noise_map).astype(np.float32)
        topic_super = rng.integers(0, supers, self.topic_count)
        self.topics = unit(0.30 * mean + 0.60 * centres[topic_super] + 0.85 * own).astype(np.float32)
        self.word = np.empty(self.topic_count, np.int32)
        self.word[np.argsort(topic_super, kind="stable")] = np.arange(self.topic_count) // 4

        zipf = np.arange(1, self.topic_count + 1, dtype=np.float64) ** -a.zipf
        self.topic_weights = np.cumsum(zipf / zipf.sum())
        self.per_theme = min(TOPICS_PER_THEME, self.topic_count)
        self.theme_topics = self.draw(self.topic_weights, (self.theme_count, self.per_theme))
        self.themes = unit(rng.standard_normal((self.theme_count, a.dim)) @ self.noise_map).astype(np.float32)
        within = np.cumsum(np.arange(1, self.per_theme + 1) ** -0.7)
        self.theme_weights = within / within[-1]

    def draw(self, cumulative, shape):
        return np.searchsorted(cumulative, self.rng.random(shape)).clip(0, len(cumulative) - 1)

    def tokens(self, lens, doc_themes):
        """Vectors and vocabulary ids of a block of documents."""
        a, rng, n = self.a, self.rng, int(lens.sum())
        theme = np.repeat(doc_themes, lens)
        from_theme = rng.random(n) < 0.65
        topic = self.draw(self.topic_weights, n)
        favoured = self.draw(self.theme_weights, n)
        topic = np.where(from_theme, self.theme_topics[theme, favoured], topic)
        documents = unit(rng.standard_normal((len(lens), a.dim)) @ self.noise_map).astype(np.float32)
        x = self.topics[topic] + a.theme_w * self.themes[theme] + a.doc_w * np.repeat(documents, lens, axis=0)
        # A heavy tail: some tokens are far noisier than others.
        scale = a.noise * rng.gamma(4.0, 0.25, (n, 1)).astype(np.float32)
        x += scale * (rng.standard_normal((n, a.dim), dtype=np.float32) @ self.noise_map)
        return unit(x), self.word[topic]

    def query(self, document):
        a, rng = self.a, self.rng
        real = min(REAL_TOKENS, a.q_tokens)
        rows = rng.choice(len(document), real, replace=len(document) < real)
        scale = a.q_noise * rng.gamma(6.0, 1 / 6.0, (real, 1))
        out = unit(document[rows] + scale * (rng.standard_normal((real, a.dim)) @ self.noise_map))
        if masks := a.q_tokens - real:
            blend = rng.dirichlet(np.full(real, 0.35), masks) @ out
            out = np.concatenate([out, unit(blend + 0.35 * (rng.standard_normal((masks, a.dim)) @ self.noise_map))])
        return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", required=True, type=Path)
    ap.add_argument("--docs", required=True, type=int)
    ap.add_argument("--queries", type=int, default=200)
    ap.add_argument("--mean-len", type=float, default=60.0)
    ap.add_argument("--dim", type=int, default=128)
    ap.add_argument("--q-tokens", type=int, default=32)
    ap.add_argument("--themes", type=int, default=0, help="default: one for 50 documents")
    ap.add_argument("--zipf", type=float, default=0.9)
    ap.add_argument("--theme-w", type=float, default=0.30)
    ap.add_argument("--doc-w", type=float, default=0.20)
    ap.add_argument("--noise", type=float, default=0.55)
    ap.add_argument("--q-noise", type=float, default=0.75)
    ap.add_argument("--seed", type=int, default=7)
    a = ap.parse_args()
    if a.out.exists():
        raise SystemExit(f"{a.out} exists already; remove it or name another folder")
    started = time.monotonic()
    part = a.out.with_name(a.out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)

    rng = np.random.default_rng(a.seed)
    # Log-normal and clipped, as the lengths of passages are.
    lens = np.clip(rng.lognormal(np.log(a.mean_len) - 0.08, 0.4, a.docs), 8, 300).astype(np.int32)
    ends = np.cumsum(lens, dtype=np.int64)
    total = int(ends[-1])
    model = Model(a, rng, total)
    doc_themes = rng.integers(0, model.theme_count, a.docs)

    vectors = NpyWriter(part / "doc_embeddings.npy", np.float16, (total, a.dim))
    ids = NpyWriter(part / "token_ids.npy", np.int32, (total,))
    for first in range(0, a.docs, BLOCK):
        block = slice(first, first + BLOCK)
        x, word = model.tokens(lens[block], doc_themes[block])
        vectors.append(x)
        ids.append(word)
    vectors.close()
    ids.close()

    written = np.load(part / "doc_embeddings.npy", mmap_mode="r")
    targets = rng.choice(a.docs, a.queries, replace=a.queries > a.docs).astype(np.int32)
    queries = [model.query(np.asarray(written[ends[d] - lens[d]:ends[d]], np.float32)) for d in targets]
    np.save(part / "doc_lens.npy", lens)
    np.save(part / "query_embeddings.npy", np.stack(queries).astype(np.float32))
    np.save(part / "query_targets.npy", targets)
    meta = {name: value for name, value in vars(a).items() if name != "out"}
    meta |= {"tokens": total, "topics": model.topic_count, "themes": model.theme_count}
    (part / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
    part.rename(a.out)
    print(f"{a.out}: {a.docs} documents, {total} vectors, {a.queries} queries, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
