"""Writes answerai-colbert-small-v1 in the PyLate layout that colidx, PyLate and sentence-transformers read.

Whatever the source, the folder holds the same files, so that the encoder treats every source alike: the backbone
(model.safetensors), the projection of its token states (1_Dense), the tokenizer, and the query and document treatment
(config_sentence_transformers.json).
"""

from __future__ import annotations

import hashlib
import json
import string
from pathlib import Path

from safetensors_file import Tensor, write_tensors

# Keys of tokenizer.json that decide token ids, hashed as canonical JSON.
TOKENIZER_SHA256 = "aea3cb611ced88428503120bf699d010df465826e118f138fd439ea78552c375"

HIDDEN = 384
DOCUMENT_LENGTH = 300
QUERY_LENGTH = 32
QUERY_MARKER, DOCUMENT_MARKER, MASK = "[unused0]", "[unused1]", "[MASK]"
SPECIAL_TOKENS = {"cls_token": "[CLS]", "mask_token": MASK, "pad_token": MASK, "sep_token": "[SEP]", "unk_token": "[UNK]"}

BERT = {
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": HIDDEN,
    "initializer_range": 0.02,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "torch_dtype": "float32",
    "type_vocab_size": 2,
    "vocab_size": 30522,
}

TREATMENT = {
    "prompts": {},
    "default_prompt_name": None,
    "similarity_fn_name": "MaxSim",
    "query_prefix": QUERY_MARKER,
    "document_prefix": DOCUMENT_MARKER,
    "query_length": QUERY_LENGTH,
    "document_length": DOCUMENT_LENGTH,
    "attend_to_expansion_tokens": False,
    "skiplist_words": list(string.punctuation),
}

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Dense", "type": "pylate.models.Dense.Dense"},
]


def write_checkpoint(folder: Path, backbone: dict[str, Tensor], projection: Tensor, tokenizer: dict) -> None:
    """Writes all files of the checkpoint into an existing folder.

    `projection` is [dim, 384], `tokenizer` a parsed tokenizer.json. Raises ValueError where a part is not the one that
    this model needs.
    """
    digest = tokenizer_sha256(tokenizer)
    if digest != TOKENIZER_SHA256:
        raise ValueError(f"the tokenizer is another one: expected sha256 {TOKENIZER_SHA256}, got {digest}")
    write_tensors(folder / "model.safetensors", backbone, {"format": "pt"})
    write_projection(folder, projection)
    write_json(folder / "config.json", BERT)
    write_json(folder / "config_sentence_transformers.json", TREATMENT)
    write_json(folder / "modules.json", MODULES)
    # One less than the document length: the marker is inserted after tokenisation.
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": DOCUMENT_LENGTH - 1, "do_lower_case": False})
    write_json(folder / "special_tokens_map.json", SPECIAL_TOKENS)
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512, **SPECIAL_TOKENS},
    )
    write_json(folder / "tokenizer.json", with_markers(tokenizer))


def write_projection(folder: Path, projection: Tensor) -> None:
    """Writes the module that maps token states [384] to token vectors [dim]: `projection` is [dim, 384]."""
    dim, hidden = projection.shape
    if hidden != HIDDEN:
        raise ValueError(f"the projection reads {hidden} values a token, expected {HIDDEN}")
    dense = folder / "1_Dense"
    dense.mkdir()
    write_tensors(dense / "model.safetensors", {"linear.weight": projection})
    identity = "torch.nn.modules.linear.Identity"
    write_json(
        dense / "config.json",
        {"in_features": HIDDEN, "out_features": dim, "bias": False, "activation_function": identity},
    )


def tokenizer_sha256(tokenizer: dict) -> str:
    """The hash of the parts of a tokenizer.json that turn text into token ids."""
    parts = {key: tokenizer[key] for key in ("normalizer", "pre_tokenizer", "post_processor", "model")}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def with_markers(tokenizer: dict) -> dict:
    """The tokenizer as ColBERT uses it: markers are tokens of their own, padding is [MASK], long text is cut."""
    vocabulary = tokenizer["model"]["vocab"]
    added = {token["content"]: token for token in tokenizer["added_tokens"]}
    for marker in (QUERY_MARKER, DOCUMENT_MARKER):
        added[marker] = {
            "id": vocabulary[marker],
            "content": marker,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": True,
            "special": False,
        }
    truncation = {"direction": "Right", "max_length": DOCUMENT_LENGTH - 1, "strategy": "LongestFirst", "stride": 0}
    padding = {
        "strategy": "BatchLongest",
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": vocabulary[MASK],
        "pad_type_id": 0,
        "pad_token": MASK,
    }
    by_id = sorted(added.values(), key=lambda token: token["id"])
    return {**tokenizer, "truncation": truncation, "padding": padding, "added_tokens": by_id}


def write_json(path: Path, value: dict | list) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
