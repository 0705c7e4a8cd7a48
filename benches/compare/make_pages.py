#!/usr/bin/env python3
"""Makes token vectors that behave like those of page images (ColPali: 1,030 a page), in the `--embeddings` layout.
Needs numpy.

    make_pages.py --out DIR --pages 5000 [--queries 100]

Written to --out: doc_embeddings.npy [tokens, dim] f16 and doc_lens.npy [pages] i32, query_embeddings.npy
[queries, tokens, dim] f32, and query_targets.npy [queries] i32, the page that each query was made from.

The model. A page is a grid of patches and then a prompt that is the same on all pages. Some 60 rectangles on it each show
one of 8,000 concepts, which come in 64 families; what lies outside of them is blank, of one of eight kinds. A patch is
concept + page + noise. A query is some concepts of its page, perturbed, and blends of these.
"""
import argparse
from pathlib import Path

import numpy as np

from make_synthetic import NpyWriter, unit

SIDE = 32  # patches
PROMPT = 6  # vectors after the patches
RECTANGLES = 60
CONCEPTS, FAMILIES, BLANKS = 8000, 64, 8


class Model:
    def __init__(self, dim, rng):
        self.dim, self.rng = dim, rng
        families = unit(rng.standard_normal((FAMILIES, dim)))
        own = unit(rng.standard_normal((CONCEPTS, dim)))
        self.concepts = unit(0.6 * families[rng.integers(0, FAMILIES, CONCEPTS)] + 0.8 * own).astype(np.float32)
        self.blanks = unit(rng.standard_normal((BLANKS, dim))).astype(np.float32)
        self.prompt = unit(rng.standard_normal((PROMPT, dim))).astype(np.float32)

    def around(self, rows, noise):
        return unit(rows + noise * self.rng.standard_normal(rows.shape) / np.sqrt(self.dim)).astype(np.float32)

    def page(self):
        """The vectors of a page [patches, dim] and the concepts that it shows."""
        rng = self.rng
        grid = np.repeat(self.blanks[rng.integers(BLANKS)][None], SIDE * SIDE, axis=0).reshape(SIDE, SIDE, -1)
        shown = rng.integers(0, CONCEPTS, RECTANGLES)
        for concept in shown:
            y, x = rng.integers(0, SIDE, 2)
            height, width = rng.integers(1, 5), rng.integers(1, 9)
            grid[y:y + height, x:x + width] = self.concepts[concept]
        page = 0.4 * unit(rng.standard_normal(self.dim))
        rows = np.concatenate([grid.reshape(-1, self.dim), self.prompt]) + page
        return self.around(rows, 0.6), shown

    def query(self, shown, tokens):
        """[tokens, dim]: half are concepts of the page, the others blends of them."""
        rng = self.rng
        real = max(1, tokens // 2)
        asked = self.around(self.concepts[rng.choice(shown, real)], 0.7)
        if real == tokens:
            return asked
        blends = rng.dirichlet(np.full(real, 0.35), tokens - real) @ asked
        return np.concatenate([asked, self.around(blends, 0.35)])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--pages", type=int, required=True)
    ap.add_argument("--queries", type=int, default=100)
    ap.add_argument("--q-tokens", type=int, default=20)
    ap.add_argument("--dim", type=int, default=128)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    rng = np.random.default_rng(a.seed)
    model = Model(a.dim, rng)
    vectors = SIDE * SIDE + PROMPT
    a.out.mkdir(parents=True)
    targets = np.sort(rng.choice(a.pages, min(a.queries, a.pages), replace=False)).astype(np.int32)
    queries = []
    writer = NpyWriter(a.out / "doc_embeddings.npy", np.float16, (a.pages * vectors, a.dim))
    for number in range(a.pages):
        page, shown = model.page()
        writer.append(page)
        if number in targets:
            queries.append(model.query(shown, a.q_tokens))
    writer.close()
    np.save(a.out / "doc_lens.npy", np.full(a.pages, vectors, np.int32))
    np.save(a.out / "query_embeddings.npy", np.stack(queries).astype(np.float32))
    np.save(a.out / "query_targets.npy", targets)


if __name__ == "__main__":
    main()
