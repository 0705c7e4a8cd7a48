#!/usr/bin/env python3
"""Encodes a BEIR collection with PyLate into the layout that `colidx build --embeddings` reads.

PyLate is the reference implementation of the checkpoints colidx reads, so these vectors owe nothing to colidx's own
encoder. Needs pylate (tested with 1.6.0).

    encode_pylate.py --corpus corpus.jsonl --queries queries.jsonl --qrels qrels.tsv --model DIR --out DIR

Written to --out:
    doc_embeddings.npy    [tokens, dim] f16, L2-normalised rows, the skiplist's tokens left out
    doc_lens.npy          [documents] i32, token vectors of each document
    token_ids.npy         [tokens] i32, vocabulary id behind each vector
    doc_keys.txt          one `_id` a line, in the corpus's order
    query_embeddings.npy  [queries, tokens, dim] f32, [MASK] expansion included
    query_keys.txt        one `_id` a line: the judged queries, in the query file's order
    qrels.json            {"query row": {"document row": gain}}

The folder appears under its name only when it is complete.
"""
import argparse
import csv
import json
import os
import shutil
import time
from pathlib import Path


def jsonl(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def read_qrels(path):
    """{query id: {document id: gain}} of a BEIR qrels TSV, which has a header line."""
    qrels = {}
    with open(path, encoding="utf-8", newline="") as lines:
        for row in list(csv.reader(lines, delimiter="\t"))[1:]:
            qrels.setdefault(row[0], {})[row[1]] = int(row[2])
    return qrels


def document_text(document):
    return f"{document.get('title') or ''} {document.get('text') or ''}".strip()


def encode_documents(model, texts, batch_size):
    """[tokens, dim] f32 and [tokens] i32 of each text, as PyLate keeps them."""
    import numpy as np

    lengths = [len(ids) for ids in model.tokenizer(texts, truncation=True, max_length=model.document_length)["input_ids"]]
    order = sorted(range(len(texts)), key=lambda i: -lengths[i])
    out = [None] * len(texts)
    start = time.monotonic()
    for at in range(0, len(order), batch_size):
        rows = order[at:at + batch_size]
        # `None` returns every token with PyLate's own keep mask beside it, which is the only way to
        # the vocabulary ids.
        batch = model.encode([texts[i] for i in rows], batch_size=batch_size, is_query=False, output_value=None,
                             show_progress_bar=False)
        for i, vectors, ids, mask in zip(rows, batch["token_embeddings"], batch["input_ids"], batch["masks"]):
            keep = np.asarray(mask, bool)
            out[i] = (np.asarray(vectors, np.float32)[keep], np.asarray(ids, np.int32)[keep])
        done = at + len(rows)
        if (at // batch_size) % 40 == 0:
            print(f"{done} of {len(order)} documents, {time.monotonic() - start:.0f} s", flush=True)
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--corpus", required=True, type=Path)
    ap.add_argument("--queries", required=True, type=Path)
    ap.add_argument("--qrels", required=True, type=Path)
    ap.add_argument("--model", required=True)
    ap.add_argument("--out", required=True, type=Path)
    ap.add_argument("--document-length", type=int, default=300)
    ap.add_argument("--batch-size", type=int, default=16)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    a = ap.parse_args()
    if a.out.exists():
        raise SystemExit(f"{a.out} exists already; remove it or name another folder")

    import numpy as np
    import torch
    from pylate import models

    torch.set_num_threads(a.threads)
    corpus = jsonl(a.corpus)
    qrels = read_qrels(a.qrels)
    queries = [q for q in jsonl(a.queries) if q["_id"] in qrels]
    model = models.ColBERT(model_name_or_path=a.model, document_length=a.document_length, device="cpu")
    model.eval()

    encoded = encode_documents(model, [document_text(d) for d in corpus], a.batch_size)
    query_vectors = np.stack(model.encode([q["text"] for q in queries], batch_size=32, is_query=True,
                                          show_progress_bar=False)).astype(np.float32)

    part = a.out.with_name(a.out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    np.save(part / "doc_embeddings.npy", np.concatenate([v for v, _ in encoded]).astype(np.float16))
    np.save(part / "doc_lens.npy", np.array([len(v) for v, _ in encoded], np.int32))
    np.save(part / "token_ids.npy", np.concatenate([ids for _, ids in encoded]))
    np.save(part / "query_embeddings.npy", query_vectors)
    (part / "doc_keys.txt").write_text("".join(d["_id"] + "\n" for d in corpus), encoding="utf-8")
    (part / "query_keys.txt").write_text("".join(q["_id"] + "\n" for q in queries), encoding="utf-8")
    document_row = {d["_id"]: row for row, d in enumerate(corpus)}
    (part / "qrels.json").write_text(json.dumps({
        str(row): {str(document_row[d]): gain for d, gain in qrels[q["_id"]].items() if d in document_row}
        for row, q in enumerate(queries)}))
    part.rename(a.out)
    print(f"{a.out}: {len(corpus)} documents, {sum(len(v) for v, _ in encoded)} vectors, queries {query_vectors.shape}")


if __name__ == "__main__":
    main()
