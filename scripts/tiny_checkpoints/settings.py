#!/usr/bin/env python3
"""Write the tiny checkpoints with settings in unusual places, for the tests of colidx-encoder.

Each is like one that make.py writes, with one file changed, and has the ids and vectors that PyLate gives for it (or
FlagEmbedding's way, in a few lines here).

Usage: pip install pylate==1.6.0 transformers==5.3.0 && scripts/tiny_checkpoints/settings.py [NAME...]
"""

import json
import pathlib
import random
import shutil
import sys
import tempfile

import numpy as np
import tokens
import torch
from make import FIXTURES, bert, by_pylate, large, modernbert_config, pylate, sizes, stanford
from safetensors.numpy import save_file
from texts import SETTINGS
from transformers import ModernBertModel, RobertaConfig, RobertaModel, XLMRobertaConfig, XLMRobertaModel

MARKERS = {"query_prefix": "[unused0]", "document_prefix": "[unused1]"}


def change(path, **keys):
    """Sets keys of a JSON file; None removes them."""
    written = json.loads(path.read_text()) if path.exists() else {}
    written |= keys
    path.write_text(json.dumps({key: value for key, value in written.items() if value is not None}, indent=2) + "\n")


def with_bert(folder, scratch, **settings):
    wordpiece = tokens.wordpiece(tokens.WORDS[::6])
    model = bert(len(wordpiece), hidden=16, layers=2, heads=2)
    pylate(folder, scratch, wordpiece, model, **(MARKERS | settings))


def tokenizer_config(**keys):
    """A BERT whose tokenizer_config.json contradicts its tokenizer.json."""

    def write(folder, scratch):
        with_bert(folder, scratch)
        change(folder / "tokenizer_config.json", **keys)

    return write


def write_mask_by_default(folder, scratch):
    with_bert(folder, scratch)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]"}) + "\n")


def write_no_class(folder, scratch):
    """An old tokenizer_config.json: BERT's class implies the names of all special tokens."""
    with_bert(folder, scratch)
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}) + "\n")


def write_added_tokens(folder, scratch):
    """Markers in tokenizer_config.json, not in tokenizer.json."""
    with_bert(folder, scratch, query_prefix="[Q] ", document_prefix="[D] ")
    path = folder / "tokenizer.json"
    written = json.loads(path.read_text())
    added = {str(token["id"]): token for token in written["added_tokens"]}
    written["added_tokens"] = [token for token in written["added_tokens"] if token["content"] not in ("[Q] ", "[D] ")]
    path.write_text(json.dumps(written, ensure_ascii=False) + "\n")
    for token in added.values():
        del token["id"]
    change(folder / "tokenizer_config.json", added_tokens_decoder=added)


def with_roberta(folder, scratch):
    tokenizer = tokens.roberta()
    config = RobertaConfig(
        **sizes(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    pylate(folder, scratch, tokenizer, large(RobertaModel(config, add_pooling_layer=False), 16))


def write_prefix_space(folder, scratch):
    with_roberta(folder, scratch)
    change(folder / "tokenizer_config.json", tokenizer_class="RobertaTokenizer", add_prefix_space=True)


def write_sentence_roberta(folder, scratch):
    """Lower-casing in the file that only RoBERTa's models once had."""
    with_roberta(folder, scratch)
    (folder / "sentence_bert_config.json").rename(folder / "sentence_roberta_config.json")
    change(folder / "sentence_roberta_config.json", do_lower_case=True)


def write_prompts(folder, scratch):
    with_bert(folder, scratch)
    prompts = {"query": "search query: ", "document": "search document: "}
    change(folder / "config_sentence_transformers.json", prompts=prompts)


def write_beyond_positions(folder, scratch):
    tokenizer = tokens.modernbert()
    config = modernbert_config(tokenizer)
    config.max_position_embeddings = 32
    pylate(folder, scratch, tokenizer, large(ModernBertModel(config), 16), document_length=100)


def write_null_theta(folder, scratch):
    """Rotary embeddings with one base, as transformers 4 reads a null; version 5 needs it written out for the expectation."""
    tokenizer = tokens.modernbert()
    config = modernbert_config(tokenizer)
    config.rope_parameters["full_attention"]["rope_theta"] = 5000.0
    config.rope_parameters["sliding_attention"]["rope_theta"] = 5000.0
    pylate(folder, scratch, tokenizer, large(ModernBertModel(config), 16))


def with_colbert(folder, scratch):
    wordpiece = tokens.wordpiece(tokens.WORDS[::6])
    model = bert(len(wordpiece), hidden=16, layers=2, heads=2)
    stanford(folder, scratch, wordpiece, model, query_token_id="[unused0]", doc_token_id="[unused1]")
    change(folder / "config.json", architectures=["HF_ColBERT"])


def write_stale_modules(folder, scratch):
    """A list of modules that knows nothing of the projection."""
    with_colbert(folder, scratch)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules) + "\n")


def write_no_metadata(folder, scratch):
    wordpiece = tokens.wordpiece(tokens.WORDS[::6])
    model = bert(len(wordpiece), hidden=16, layers=1, heads=2, places=192)
    stanford(folder, scratch, wordpiece, model)
    change(folder / "config.json", architectures=["HF_ColBERT"])
    (folder / "artifact.metadata").unlink()


def write_flag_embedding(folder, scratch):
    """An encoder with a head for token vectors in a file of its own, as bge-m3 has it."""
    tokenizer = tokens.xlm_roberta()
    config = XLMRobertaConfig(
        **sizes(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    tokenizer.save_pretrained(folder)
    large(XLMRobertaModel(config, add_pooling_layer=False), 16).save_pretrained(folder)
    head = torch.nn.Linear(16, 16)
    torch.save(head.state_dict(), folder / "colbert_linear.pt")


def by_flag_embedding(folder, texts):
    """The head over the last hidden states but the first, brought to length one."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    head = torch.load(folder / "colbert_linear.pt")
    for is_query in (False, True):
        for text in texts:
            inputs = tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
            with torch.no_grad():
                states = model(**inputs).last_hidden_state[0]
                values = torch.nn.functional.linear(states, head["weight"], head["bias"])
                values = torch.nn.functional.normalize(values, dim=1).numpy()
            ids = inputs["input_ids"][0].numpy()
            yield is_query, text, ids, np.arange(len(ids)) > 0, values


CHECKPOINTS = {
    "bert-tokconf-cased": tokenizer_config(tokenizer_class="BertTokenizer", do_lower_case=False),
    "bert-tokconf-keep-accents": tokenizer_config(tokenizer_class="BertTokenizer", strip_accents=False),
    "bert-tokconf-no-chinese-split": tokenizer_config(tokenizer_class="BertTokenizer", tokenize_chinese_chars=False),
    "bert-tokconf-truncation-left": tokenizer_config(truncation_side="left"),
    "bert-tokconf-mask-by-default": write_mask_by_default,
    "bert-tokconf-no-class": write_no_class,
    "bert-tokconf-added-tokens": write_added_tokens,
    "roberta-tokconf-prefix-space": write_prefix_space,
    "roberta-sentence-roberta-config": write_sentence_roberta,
    "pylate-prompts-behind-markers": write_prompts,
    "modernbert-document-beyond-positions": write_beyond_positions,
    "modernbert-null-theta": write_null_theta,
    "stanford-stale-modules-json": write_stale_modules,
    "stanford-no-metadata": write_no_metadata,
    "flag-embedding": write_flag_embedding,
}


def prompted(folder, texts):
    """As PyLate encodes for who names the checkpoint's prompts."""
    from pylate import models

    model = models.ColBERT(str(folder), device="cpu")
    for is_query in (False, True):
        name = "query" if is_query else "document"
        for text in texts:
            encoded = model.encode([text], is_query=is_query, prompt_name=name, output_value=None, show_progress_bar=False)
            ids, mask = encoded["input_ids"][0], encoded["masks"][0].astype(bool)
            attended = encoded["attention_mask"][0].astype(bool)
            real = slice(None) if is_query and model.do_query_expansion else attended
            yield is_query, text, ids[real], mask[real], encoded["token_embeddings"][0][real]


def main():
    for name in sys.argv[1:] or CHECKPOINTS:
        torch.manual_seed(len(name))
        random.seed(0)
        folder = FIXTURES / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            CHECKPOINTS[name](folder, pathlib.Path(scratch))
        reference = by_flag_embedding if name == "flag-embedding" else by_pylate
        if name == "pylate-prompts-behind-markers":
            reference = prompted
        # A marker written in a text is one to PyLate, and none to ColBERT, whose way colidx goes
        # for its checkpoints.
        texts = [text for text in SETTINGS if not (name.startswith("stanford") and "[unused1]" in text)]
        cases, vectors = [], []
        for is_query, text, ids, mask, values in reference(folder, texts):
            cases.append({"query": is_query, "text": text, "ids": ids.tolist(), "kept": ids[mask].tolist()})
            vectors.append(values[mask].astype(np.float32))
        lines = ",\n".join(json.dumps(case) for case in cases)
        (folder / "expected.json").write_text(f"[{lines}]\n")
        save_file({"vectors": np.concatenate(vectors)}, folder / "expected.safetensors")
        if name == "modernbert-null-theta":
            path = folder / "config.json"
            written = json.loads(path.read_text())
            for key in ("layer_types", "rope_parameters", "sliding_window"):
                written.pop(key, None)
            written |= {"global_attn_every_n_layers": 3, "global_rope_theta": 5000.0, "local_rope_theta": None}
            path.write_text(json.dumps(written, indent=2) + "\n")
        for path in folder.rglob("tokenizer.json"):
            path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")) + "\n")
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder.name}: {size} bytes")


if __name__ == "__main__":
    main()
