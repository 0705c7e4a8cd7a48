"""The Python engines of compare.py: each a process that answers lines like the Rust drivers.

    engines.py NAME --model DIR --cache DIR --threads N
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

BATCH = 32


def batches(texts):
    """Batches of rows of similar length."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]["ids"]))
    return [order[at : at + BATCH] for at in range(0, len(order), BATCH)]


def padded(texts, rows):
    """[rows, longest] ids and attention mask."""
    import numpy as np

    longest = max(len(texts[i]["ids"]) for i in rows)
    ids = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    for row, i in enumerate(rows):
        ids[row, : len(texts[i]["ids"])] = texts[i]["ids"]
        mask[row, : texts[i]["attended"]] = 1
    return ids, mask


class Onnx:
    """onnxruntime on the transformer, the projection and the normalisation in one graph."""

    def __init__(self, a, file):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = a.threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(a.cache / file), options, providers=["CPUExecutionProvider"])

    def encode(self, texts, query):
        out = [None] * len(texts)
        for rows in batches(texts):
            ids, mask = padded(texts, rows)
            (vectors,) = self.session.run(None, {"input_ids": ids, "attention_mask": mask})
            for row, i in enumerate(rows):
                out[i] = vectors[row, : len(texts[i]["ids"])]
        return out


class PyLate:
    """torch's BertModel through PyLate, tokenisation included."""

    def __init__(self, a):
        import torch
        from pylate import models

        torch.set_num_threads(a.threads)
        self.model = models.ColBERT(str(a.model), device="cpu")

    def encode(self, texts, query):
        return self.model.encode(
            [text["text"] for text in texts], is_query=query, batch_size=BATCH, show_progress_bar=False
        )


def export(a):
    """Writes the checkpoint as ONNX: f32, and two dynamic int8 forms of it."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from safetensors.torch import load_file
    from transformers import AutoModel

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = AutoModel.from_pretrained(a.model, attn_implementation="eager").eval()
            self.linear = load_file(a.model / "1_Dense/model.safetensors")["linear.weight"]

        def forward(self, input_ids, attention_mask):
            # The additive mask: the one that transformers builds does not export.
            mask = (1.0 - attention_mask[:, None, None, :].float()) * -1e9
            states = self.bert.embeddings(input_ids=input_ids)
            for layer in self.bert.encoder.layer:
                states = layer(states, mask)
                states = states[0] if isinstance(states, tuple) else states
            return torch.nn.functional.normalize(states @ self.linear.T, dim=2)

    a.cache.mkdir(parents=True, exist_ok=True)
    full = a.cache / "model.onnx"
    ids = torch.randint(1000, 2000, (2, 24))
    axes = {0: "batch", 1: "tokens"}
    with torch.no_grad():
        torch.onnx.export(
            Model(), (ids, torch.ones_like(ids)), str(full), dynamo=False, opset_version=17,
            input_names=["input_ids", "attention_mask"], output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": axes},
        )
    for name, per_channel in (("int8-tensor.onnx", False), ("int8-channel.onnx", True)):
        quantize_dynamic(full, a.cache / name, weight_type=QuantType.QInt8, per_channel=per_channel)


ENGINES = {
    "onnxruntime f32": lambda a: Onnx(a, "model.onnx"),
    "onnxruntime int8, per tensor": lambda a: Onnx(a, "int8-tensor.onnx"),
    "onnxruntime int8, per channel": lambda a: Onnx(a, "int8-channel.onnx"),
    "PyLate": PyLate,
}


def peak_bytes():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("name", choices=[*ENGINES, "export"])
    ap.add_argument("--model", required=True, type=Path)
    ap.add_argument("--cache", required=True, type=Path)
    ap.add_argument("--threads", required=True, type=int)
    a = ap.parse_args()
    if a.name == "export":
        return export(a)
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine = ENGINES[a.name](a)
    for line in sys.stdin:
        request = json.loads(line)
        texts = json.loads(Path(request["texts"]).read_text())
        latencies = []
        start = time.perf_counter()
        if request["single"]:
            vectors = []
            for text in texts:
                begin = time.perf_counter()
                vectors += engine.encode([text], request["query"])
                latencies.append(time.perf_counter() - begin)
        else:
            vectors = engine.encode(texts, request["query"])
        seconds = time.perf_counter() - start
        if request.get("vectors"):
            import numpy as np

            np.concatenate(vectors).astype("<f4").tofile(request["vectors"])
        answer = {
            "seconds": seconds,
            "tokens": sum(len(text["ids"]) for text in texts),
            "latencies": latencies,
            "peak_bytes": peak_bytes(),
        }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
