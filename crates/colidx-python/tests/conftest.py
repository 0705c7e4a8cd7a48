"""A tiny checkpoint, a corpus in words that it knows, and folders to work in."""

from pathlib import Path

import colidx
import numpy as np
import pytest

#: The tiny checkpoint of the workspace's tests.
MODEL = Path(__file__).parents[2] / "colidx-encoder" / "tests" / "fixtures" / "tiny-bert"

CORPUS = [
    {
        "_id": "rust",
        "title": "Rust",
        "text": "Rust is a fast language for computer code and system memory.",
        "year": 2015,
    },
    {"_id": "tea", "text": "Tea and coffee are food for the body."},
    {
        "_id": "moon",
        "title": "The moon",
        "text": "The moon and the earth go around the sun.",
        "tags": ["sky"],
    },
    {"_id": "cell", "text": "A cell is small. The protein and the gene have an effect."},
]

DIM = 16


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working directory, which goes away; no test asks the model hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path


@pytest.fixture(scope="session")
def encoder():
    return colidx.Encoder(MODEL)


@pytest.fixture
def index(encoder):
    """`CORPUS`, indexed."""
    return colidx.build("docs.colidx", CORPUS, encoder)


def unit(rng, tokens, dim=DIM):
    """Random vectors of length one, `[tokens, dim]`."""
    vectors = rng.standard_normal((tokens, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def arrays():
    """Vectors of 50 documents."""
    rng = np.random.default_rng(7)
    return [unit(rng, 3 + number % 5) for number in range(50)]


@pytest.fixture
def vectors(arrays):
    """An index of `arrays` with keys `d0`, `d1` and so on."""
    return colidx.build_from_vectors("v.colidx", (f"d{n}" for n in range(50)), iter(arrays))


def maxsim(query, document):
    """The definition."""
    return float((query @ document.T).max(axis=1).sum())
