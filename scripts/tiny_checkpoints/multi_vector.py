#!/usr/bin/env python3
"""Write the tiny checkpoints of sentence-transformers' MultiVectorEncoder that the tests of colidx-encoder use.

They are made from the checkpoints that make.py wrote, whose weights they keep, and have its two more files:
`expected.json` and `expected.safetensors`. A case of pooled vectors has how many there are in place of the tokens kept.

Usage: pip install sentence-transformers==6.2.0 transformers==5.24.0 scipy && scripts/tiny_checkpoints/multi_vector.py [NAME...]
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling, MultiVectorMask
from sentence_transformers.sentence_transformer.modules import Normalize
from texts import SETTINGS

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "crates/colidx-encoder/tests/fixtures"


def resaved(source):
    """A checkpoint of another layout, loaded and saved."""
    return MultiVectorEncoder(str(FIXTURES / source), device="cpu")


def fresh(source, dim=8, mask=None, pooling=None, prompts=None, dense=None, **transformer):
    """The transformer of `source` with modules of its own."""
    first = Transformer(str(FIXTURES / source), **transformer)
    width = first.get_embedding_dimension()
    modules = [
        first,
        Dense(width, dim, module_input_name="token_embeddings", **({"bias": False, "activation_function": None} | (dense or {}))),
        MultiVectorMask(**(mask or {})),
        Normalize(module_input_name="token_embeddings"),
    ]
    if pooling:
        modules.append(HierarchicalTokenPooling(**pooling))
    return MultiVectorEncoder(modules=modules, prompts=prompts, device="cpu")


CHECKPOINTS = {
    # The usual way to continue training a PyLate checkpoint.
    "mve-resaved-modernbert": lambda: resaved("tiny-modernbert"),
    "mve-resaved-bert-plain": lambda: resaved("tiny-bert-plain-query"),
    # Markers that are tokens of the vocabulary, written as text.
    "mve-resaved-stanford": lambda: resaved("stanford-no-metadata"),
    # Text is lower-cased by a step of the tokenizer; three Dense modules.
    "mve-resaved-bert-dense": lambda: resaved("tiny-bert-dense"),
    # The defaults: no marker, no expansion, no skiplist.
    "mve-fresh-modernbert": lambda: fresh("tiny-modernbert"),
    "mve-prompts-min-modernbert": lambda: fresh(
        "tiny-modernbert",
        prompts={"query": "search_query: ", "document": "search_document: "},
        mask={"skiplist_words": [".", ","], "skiplist_tasks": ["query", "document"]},
        query_length=40,
        document_length=32,
        query_expansion={"strategy": "min", "length": 16},
    ),
    # Expansion with attention, by a named token, and skiplisted words that are not tokens.
    "mve-named-token-roberta": lambda: fresh(
        "tiny-roberta",
        prompts={"query": "Q: ", "document": None},
        mask={"skiplist_words": ["zebras", ".", "<unk>"]},
        query_expansion={"strategy": "fixed", "length": 14, "attend": True, "token": "<unk>"},
        dense={"activation_function": torch.nn.Tanh(), "bias": True},
    ),
    "mve-keep-only-bert": lambda: fresh(
        "tiny-distilbert", mask={"keep_only_token_ids": list(range(20, 260)), "skiplist_words": ["the"]}, document_length=20
    ),
    "mve-pooled-modernbert": lambda: fresh(
        "tiny-modernbert", pooling={"pool_factor": 2.0, "num_protected_tokens": 1}, document_length=48
    ),
    # Means without normalisation, shorter than one; queries too.
    "mve-pooled-both-bert": lambda: fresh(
        "tiny-distilbert",
        mask={"skiplist_words": [","]},
        pooling={
            "pool_factor": 1.5,
            "num_protected_tokens": 0,
            "normalize_embeddings": False,
            "tasks": ["query", "document"],
        },
    ),
}


def cases(model, texts):
    for is_query, encode in ((False, model.encode_document), (True, model.encode_query)):
        for text in texts:
            values = encode([text], convert_to_numpy=True)[0]
            task = "query" if is_query else "document"
            prompt = model.prompts.get(task)
            features = model.preprocess([text], prompt=prompt, task=task)
            ids = features["input_ids"][0]
            yield is_query, text, ids.tolist(), kept(model, features, task), values


def kept(model, features, task):
    """Ids of the tokens that the mask keeps."""
    features = {key: value.clone() if torch.is_tensor(value) else value for key, value in features.items()}
    ids = features["input_ids"][0].clone()
    with torch.no_grad():
        for module in model:
            if isinstance(module, HierarchicalTokenPooling):
                break
            options = {"task": task} if isinstance(module, MultiVectorMask) else {}
            features = module(features, **options)
    return ids[features["attention_mask"][0].bool()].tolist()


def main():
    for name in sys.argv[1:] or CHECKPOINTS:
        torch.manual_seed(len(name))
        folder = FIXTURES / name
        shutil.rmtree(folder, ignore_errors=True)
        CHECKPOINTS[name]().save_pretrained(str(folder), create_model_card=False)
        model = MultiVectorEncoder(str(folder), device="cpu")
        rows, vectors = [], []
        for is_query, text, ids, kept, values in cases(model, SETTINGS):
            row = {"query": is_query, "text": text, "ids": ids, "kept": kept}
            if len(values) != len(kept):
                row["pooled"] = len(values)
            rows.append(row)
            vectors.append(values.astype(np.float32))
        lines = ",\n".join(json.dumps(row) for row in rows)
        (folder / "expected.json").write_text(f"[{lines}]\n")
        save_file({"vectors": np.concatenate(vectors)}, folder / "expected.safetensors")
        for path in folder.rglob("tokenizer.json"):
            path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")) + "\n")
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder.name}: {size} bytes")


if __name__ == "__main__":
    main()
