#!/usr/bin/env python3
"""Write the tiny checkpoint in the layout of jina-colbert-v2: XLM-RoBERTa with rotary embeddings, its tensors named as
flash-attention's BERT names them, and ColBERT's projection beside them.

transformers has the same model under other names (JinaEmbeddingsV3Model), which gives the vectors to expect.

Usage: pip install transformers==5.24.0 torch && scripts/tiny_checkpoints/rotary.py
"""

import json
import pathlib
import shutil

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors
from texts import SETTINGS
from transformers import AutoTokenizer, JinaEmbeddingsV3Config, JinaEmbeddingsV3Model

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "crates/colidx-encoder/tests/fixtures"
NAME = "jina-rotary-stanford"
QUERY_LENGTH, DOCUMENT_LENGTH, HIDDEN, DIM = 12, 100, 16, 8

# From our names to flash-attention's, which fuses queries, keys and values.
NAMES = [
    ("embeddings.LayerNorm", "emb_ln"),
    ("self_attn.o_proj", "mixer.out_proj"),
    ("self_attn.qkv", "mixer.Wqkv"),
    ("post_attention_layernorm", "norm1"),
    ("post_mlp_layernorm", "norm2"),
]


def flash(state):
    """The tensors under the names of the published checkpoint."""
    tensors = {}
    for name, value in state.items():
        if ".q_proj." in name:
            parts = [state[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            name, value = name.replace("q_proj", "qkv"), torch.cat(parts)
        elif ".k_proj." in name or ".v_proj." in name:
            continue
        for ours, theirs in NAMES:
            name = name.replace(ours, theirs)
        if name.startswith("layers."):
            name = f"encoder.{name}"
        tensors[f"roberta.{name}"] = value.contiguous()
    return tensors


def main():
    torch.manual_seed(len(NAME))
    folder = FIXTURES / NAME
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = AutoTokenizer.from_pretrained(FIXTURES / "tiny-xlm-roberta", tokenizer_class="PreTrainedTokenizerFast")
    tokenizer.add_tokens(["[QueryMarker]", "[DocumentMarker]"])
    tokenizer.save_pretrained(folder)
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    config = JinaEmbeddingsV3Config(
        vocab_size=len(tokenizer), hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, pad_token_id=tokenizer.pad_token_id, rope_parameters=rope,
    )
    model = JinaEmbeddingsV3Model(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.uniform_(0.5, 1.5)
            else:
                parameter.normal_(0.0, 0.5 if "embeddings" in name else 0.8 * HIDDEN**-0.5)
    linear = torch.randn(DIM, HIDDEN) * HIDDEN**-0.5
    tensors = flash(model.state_dict()) | {"linear.weight": linear}
    save_tensors(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    written = {
        "architectures": ["HF_ColBERT"], "model_type": "xlm-roberta", "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
        "hidden_act": "gelu", "layer_norm_eps": 1e-05, "max_position_embeddings": 8194, "type_vocab_size": 1,
        "pad_token_id": tokenizer.pad_token_id, "position_embedding_type": "rotary", "rotary_emb_base": 10000.0,
    }
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    metadata = {
        "query_token_id": "[QueryMarker]", "doc_token_id": "[DocumentMarker]", "query_maxlen": QUERY_LENGTH,
        "doc_maxlen": DOCUMENT_LENGTH, "dim": DIM, "similarity": "cosine", "attend_to_mask_tokens": True,
        "mask_punctuation": False,
    }
    (folder / "artifact.metadata").write_text(json.dumps(metadata, indent=2) + "\n")

    cases, vectors = [], []
    for is_query in (False, True):
        length = QUERY_LENGTH if is_query else DOCUMENT_LENGTH
        marker = "[QueryMarker]" if is_query else "[DocumentMarker]"
        for text in SETTINGS:
            if "<mask>" in text:
                continue
            ids = tokenizer(text, truncation=True, max_length=length - 1)["input_ids"]
            ids.insert(1, tokenizer.convert_tokens_to_ids(marker))
            if is_query:
                ids += [tokenizer.mask_token_id] * (length - len(ids))
            with torch.no_grad():
                states = model(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).last_hidden_state[0]
                values = torch.nn.functional.normalize(states @ linear.T, dim=1).numpy()
            cases.append({"query": is_query, "text": text, "ids": ids, "kept": ids})
            vectors.append(values.astype(np.float32))
    lines = ",\n".join(json.dumps(case) for case in cases)
    (folder / "expected.json").write_text(f"[{lines}]\n")
    save_file({"vectors": np.concatenate(vectors)}, folder / "expected.safetensors")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{NAME}: {size} bytes")


if __name__ == "__main__":
    main()
