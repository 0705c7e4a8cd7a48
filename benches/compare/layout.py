"""The `--embeddings` layout: the folder of token vectors that every engine reads."""
import json
from pathlib import Path

import numpy as np


class Layout:
    """Vectors are memory-mapped, so that an engine can stream them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        # Copy on write: torch warns about read-only arrays.
        self.vectors = np.load(self.folder / "doc_embeddings.npy", mmap_mode="c")
        self.lens = np.load(self.folder / "doc_lens.npy").astype(np.int64)
        self.ends = np.cumsum(self.lens)
        self.starts = self.ends - self.lens

    @property
    def dim(self):
        return self.vectors.shape[1]

    def document(self, row):
        """[tokens, dim], in the type of the file."""
        return self.vectors[self.starts[row]:self.ends[row]]

    def token_ids(self):
        """[tokens], the vocabulary id behind each vector."""
        return np.load(self.folder / "token_ids.npy")

    def keys(self):
        """A key a document: doc_keys.txt, or row numbers."""
        path = self.folder / "doc_keys.txt"
        if path.exists():
            return path.read_text(encoding="utf-8").splitlines()
        return [str(row) for row in range(len(self.lens))]

    def qrels(self):
        """{query row: {document row: gain}}, or None without judgements."""
        path = self.folder / "qrels.json"
        return json.loads(path.read_text()) if path.exists() else None


def load_queries(path):
    """[queries, tokens, dim] f32."""
    return np.load(path).astype(np.float32)
