#!/usr/bin/env python3
"""Write the tiny random-weight checkpoints that the tests of colidx-encoder use.

Each checkpoint is a folder under crates/colidx-encoder/tests/fixtures/ in the layout that PyLate, ColBERT or transformers
writes, with two more files: `expected.json` (texts, token ids, and which tokens are kept) and `expected.safetensors` (the
vectors that PyLate or ColBERT gives for them, in the same order).

Usage: pip install pylate==1.6.0 && scripts/tiny_checkpoints/make.py [NAME...]
What transformers has had since 5.3 (nomic-bert, gte, jina-v3; lfm2, eurobert and qwen3 were made so too) needs a later one, with
which PyLate runs all the same: pip install --no-deps transformers==5.24.0
The Stanford layouts need ColBERT's own package as well: pip install --no-deps colbert-ai==0.2.22 ujson GitPython ninja
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
from pylate import models
from safetensors.numpy import save_file
from texts import FEW, TEXTS
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    EuroBertConfig,
    EuroBertModel,
    Lfm2Config,
    Lfm2Model,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedModel,
    Qwen3Config,
    Qwen3Model,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "crates/colidx-encoder/tests/fixtures"


def large(model, hidden):
    """Weights so large that a wrong mask, position or window changes every vector."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.uniform_(0.5, 1.5)
            else:
                parameter.normal_(0.0, 0.5 if "embeddings" in name else 0.8 * hidden**-0.5)
    return model.eval()


def bert(vocab_size, hidden, layers, heads, places=64):
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * hidden,
        max_position_embeddings=places,
    )
    return large(BertModel(config, add_pooling_layer=False), hidden)


def write_tiny_bert(folder, scratch):
    """One projection without bias; expansion tokens are added but not attended to."""
    wordpiece = tokens.wordpiece()
    wordpiece.save_pretrained(scratch)
    bert(len(wordpiece), hidden=32, layers=2, heads=4).save_pretrained(scratch)
    model = models.ColBERT(
        str(scratch),
        device="cpu",
        embedding_size=16,
        query_prefix="[unused0]",
        document_prefix="[unused1]",
        query_length=16,
        document_length=48,
    )
    model.save(str(folder), create_model_card=False)


def write_tiny_bert_dense(folder, scratch):
    """Three projections with bias, activation and residuals; text is lower-cased, expansion attended to."""
    wordpiece = tokens.wordpiece()
    wordpiece.save_pretrained(scratch)
    bert(len(wordpiece), hidden=16, layers=1, heads=2).save_pretrained(scratch)
    base = models.ColBERT(
        str(scratch),
        device="cpu",
        embedding_size=16,
        query_prefix="[Q] ",
        document_prefix="[D] ",
        query_length=12,
        document_length=40,
        attend_to_expansion_tokens=True,
        skiplist_words=["the", "of", ".", "unheard-of"],
    )
    model = models.ColBERT(
        modules=[
            base[0],
            models.Dense(16, 24, bias=True, activation_function=torch.nn.Tanh(), use_residual=True),
            models.Dense(24, 24, bias=True, activation_function=torch.nn.GELU(), use_residual=True),
            models.Dense(24, 12, bias=False, activation_function=torch.nn.Identity()),
        ],
        device="cpu",
        query_prefix=base.query_prefix,
        document_prefix=base.document_prefix,
        query_length=base.query_length,
        document_length=base.document_length,
        attend_to_expansion_tokens=True,
        skiplist_words=base.skiplist_words,
    )
    model[0].do_lower_case = True
    model.save(str(folder), create_model_card=False)


def write_tiny_bert_plain_query(folder, scratch):
    """No query expansion and no markers, as in checkpoints trained without them."""
    wordpiece = tokens.wordpiece()
    wordpiece.save_pretrained(scratch)
    bert(len(wordpiece), hidden=16, layers=1, heads=1).save_pretrained(scratch)
    model = models.ColBERT(
        str(scratch),
        device="cpu",
        embedding_size=8,
        query_prefix="",
        document_prefix="",
        query_length=12,
        document_length=40,
        do_query_expansion=False,
        skiplist_words=[],
    )
    model.save(str(folder), create_model_card=False)


def pylate(folder, scratch, tokenizer, model, **settings):
    """A checkpoint of PyLate with one projection to 8 dimensions."""
    tokenizer.save_pretrained(scratch)
    model.save_pretrained(scratch)
    settings = {"query_length": 12, "document_length": 40, "embedding_size": 8} | settings
    models.ColBERT(str(scratch), device="cpu", **settings).save(str(folder), create_model_card=False)


def sizes(tokenizer, layers=2):
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": 24,
    }


def write_tiny_roberta(folder, scratch):
    """Byte-level BPE; positions start after that of the padding."""
    tokenizer = tokens.roberta()
    config = RobertaConfig(
        **sizes(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    model = large(RobertaModel(config, add_pooling_layer=False), 16)
    pylate(folder, scratch, tokenizer, model, attend_to_expansion_tokens=True)


def write_tiny_xlm_roberta(folder, scratch):
    """Unigram pieces; positions start after that of the padding."""
    tokenizer = tokens.xlm_roberta()
    config = XLMRobertaConfig(
        **sizes(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    pylate(folder, scratch, tokenizer, large(XLMRobertaModel(config, add_pooling_layer=False), 16))


def write_tiny_distilbert(folder, scratch):
    """No token types, and tensor names of its own."""
    tokenizer = tokens.wordpiece(tokens.WORDS[::6])
    config = DistilBertConfig(
        vocab_size=len(tokenizer), dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=64
    )
    model = large(DistilBertModel(config), 16)
    pylate(folder, scratch, tokenizer, model, query_prefix="[unused0]", document_prefix="[unused1]")


def modernbert_config(tokenizer, **more):
    return ModernBertConfig(
        **sizes(tokenizer, layers=4),
        max_position_embeddings=128,
        local_attention=8,
        global_attn_every_n_layers=3,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        **more,
    )


def write_tiny_modernbert(folder, scratch):
    """Two global layers and two with a window of four positions on either side."""
    tokenizer = tokens.modernbert()
    model = large(ModernBertModel(modernbert_config(tokenizer)), 16)
    pylate(folder, scratch, tokenizer, model, document_length=48)


def write_tiny_modernbert_bias(folder, scratch):
    """Every bias that ModernBERT can have, and a configuration with the keys of transformers 4."""
    tokenizer = tokens.modernbert()
    config = modernbert_config(tokenizer, norm_bias=True, attention_bias=True, mlp_bias=True)
    config.rope_parameters["full_attention"]["rope_theta"] = 5000.0
    config.rope_parameters["sliding_attention"]["rope_theta"] = 100.0
    model = large(ModernBertModel(config), 16)
    pylate(folder, scratch, tokenizer, model, do_query_expansion=False)
    path = folder / "config.json"
    written = json.loads(path.read_text())
    for key in ("layer_types", "rope_parameters", "sliding_window"):
        written.pop(key, None)
    written |= {"global_attn_every_n_layers": 3, "global_rope_theta": 5000.0, "local_rope_theta": 100.0}
    path.write_text(json.dumps(written, indent=2) + "\n")


def decoder_sizes(tokenizer, layers):
    """Sizes of decoder-like models, with fewer key/value heads than query heads."""
    return sizes(tokenizer, layers) | {
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


def write_tiny_lfm2(folder, scratch):
    """Alternating short convolutions and causal attention; queries are padded with end-of-text, not attended to."""
    tokenizer = tokens.decoder()
    config = Lfm2Config(
        **decoder_sizes(tokenizer, layers=4), block_multiple_of=8, full_attn_idxs=[1, 3], rope_theta=5000.0
    )
    pylate(folder, scratch, tokenizer, large(Lfm2Model(config), 16))


def write_tiny_lfm2_bias(folder, scratch):
    """Convolutions with bias over four positions, feed-forward width as configured; bidirectional attention; expansion
    tokens are attended to."""
    tokenizer = tokens.decoder(eos="<|end|>")
    config = Lfm2Config(
        **decoder_sizes(tokenizer, layers=3),
        conv_bias=True,
        conv_L_cache=4,
        block_auto_adjust_ff_dim=False,
        layer_types=["conv", "full_attention", "conv"],
        is_causal=False,
    )
    pylate(folder, scratch, tokenizer, large(Lfm2Model(config), 16), attend_to_expansion_tokens=True)


def write_tiny_eurobert(folder, scratch):
    """Bidirectional attention with fewer key heads than query heads."""
    tokenizer = tokens.decoder(eos="<|end|>", mask="<|mask|>")
    config = EuroBertConfig(
        **decoder_sizes(tokenizer, layers=3), rope_theta=250.0, mask_token_id=tokenizer.mask_token_id
    )
    pylate(folder, scratch, tokenizer, large(EuroBertModel(config), 16))


def write_tiny_eurobert_bias(folder, scratch):
    """Every bias that EuroBERT can have, and rotary frequencies scaled."""
    tokenizer = tokens.decoder(eos="<|end|>", mask="<|mask|>")
    config = EuroBertConfig(
        **decoder_sizes(tokenizer, layers=2),
        attention_bias=True,
        mlp_bias=True,
        hidden_act="gelu_pytorch_tanh",
        rope_parameters={"rope_type": "linear", "rope_theta": 250.0, "factor": 2.0},
        mask_token_id=tokenizer.mask_token_id,
    )
    pylate(folder, scratch, tokenizer, large(EuroBertModel(config), 16), do_query_expansion=False)


def write_tiny_qwen3(folder, scratch):
    """Bidirectional attention, heads wider than the model, the type and keys of pplx-embed's configuration."""
    tokenizer = tokens.decoder(eos="<|end|>")
    config = Qwen3Config(**decoder_sizes(tokenizer, layers=3), head_dim=8, is_causal=False)
    pylate(folder, scratch, tokenizer, large(Qwen3Model(config), 16), attend_to_expansion_tokens=True)


def write_tiny_qwen3_causal(folder, scratch):
    """Causal attention, windowed in two layers."""
    tokenizer = tokens.decoder(eos="<|end|>")
    config = Qwen3Config(
        **decoder_sizes(tokenizer, layers=4),
        head_dim=4,
        attention_bias=True,
        use_sliding_window=True,
        sliding_window=5,
        max_window_layers=2,
        is_causal=True,
    )
    pylate(folder, scratch, tokenizer, large(Qwen3Model(config), 16))


def write_tiny_nomic_bert(folder, scratch):
    """BERT with rotary positions and a gated feed-forward part, without biases."""
    from transformers import NomicBertConfig, NomicBertModel

    tokenizer = tokens.wordpiece(tokens.WORDS[::6])
    config = NomicBertConfig(**sizes(tokenizer), max_position_embeddings=64)
    pylate(
        folder, scratch, tokenizer, large(NomicBertModel(config), 16), query_prefix="[unused0]",
        document_prefix="[unused1]",
    )


def write_tiny_gte(folder, scratch):
    """The same with biases, and the two halves of the feed-forward part in one tensor."""
    from transformers import GteConfig, GteModel

    tokenizer = tokens.xlm_roberta()
    config = GteConfig(**sizes(tokenizer), max_position_embeddings=64, pad_token_id=tokenizer.pad_token_id)
    pylate(folder, scratch, tokenizer, large(GteModel(config), 16))


def write_tiny_jina_v3(folder, scratch):
    """XLM-RoBERTa with rotary positions."""
    from transformers import JinaEmbeddingsV3Config, JinaEmbeddingsV3Model

    tokenizer = tokens.xlm_roberta()
    config = JinaEmbeddingsV3Config(
        **sizes(tokenizer), max_position_embeddings=64, pad_token_id=tokenizer.pad_token_id
    )
    pylate(folder, scratch, tokenizer, large(JinaEmbeddingsV3Model(config), 16), attend_to_expansion_tokens=True)


def stanford(folder, scratch, tokenizer, model, binary=False, **settings):
    """A checkpoint of ColBERT: the transformer's tensors under its name and `linear.weight` in one file, and
    artifact.metadata."""
    from safetensors.torch import save_file as save_tensors

    tokenizer.save_pretrained(folder)
    model.config.save_pretrained(folder)
    tensors = {f"{model.base_model_prefix}.{name}": value for name, value in model.state_dict().items()}
    tensors["linear.weight"] = torch.randn(8, 16) * 16**-0.5
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    if binary:
        torch.save(tensors, folder / "pytorch_model.bin")
    else:
        save_tensors(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    settings = {"query_maxlen": 12, "doc_maxlen": 40, "dim": 8, "similarity": "cosine"} | settings
    (folder / "artifact.metadata").write_text(json.dumps(settings, indent=2) + "\n")


def write_tiny_stanford(folder, scratch):
    """HF_ColBERT with the defaults of ColBERTv2."""
    tokenizer = tokens.wordpiece(tokens.WORDS[::6])
    model = bert(len(tokenizer), hidden=16, layers=2, heads=2)
    stanford(
        folder, scratch, tokenizer, model, mask_punctuation=True, attend_to_mask_tokens=False,
        query_token_id="[unused0]", doc_token_id="[unused1]", query_token="[Q]", doc_token="[D]",
    )


def write_tiny_stanford_bin(folder, scratch):
    """The same as pytorch_model.bin, over XLM-RoBERTa, with the mask tokens attended to."""
    tokenizer = tokens.xlm_roberta()
    config = XLMRobertaConfig(
        **sizes(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    model = large(XLMRobertaModel(config, add_pooling_layer=False), 16)
    stanford(
        folder, scratch, tokenizer, model, binary=True, mask_punctuation=True, attend_to_mask_tokens=True,
        query_token_id="<unk>", doc_token_id="<mask>",
    )


def write_tiny_plain(folder, scratch):
    """A sentence-transformers encoder not trained for late interaction; no tokenizer.json, but vocab.txt."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    tokenizer = tokens.wordpiece(tokens.WORDS[::6])
    tokenizer.save_pretrained(scratch)
    bert(len(tokenizer), hidden=16, layers=1, heads=2).save_pretrained(scratch)
    transformer = Transformer(str(scratch))
    SentenceTransformer(modules=[transformer, Pooling(16)], device="cpu").save(str(folder), create_model_card=False)
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in vocabulary))
    (folder / "tokenizer.json").unlink()
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"do_lower_case": True, "tokenizer_class": "BertTokenizer"}))


# Each folder: how it is written, its texts, and the reference for its vectors.
CHECKPOINTS = {
    "tiny-bert": (write_tiny_bert, TEXTS, "pylate"),
    "tiny-bert-dense": (write_tiny_bert_dense, TEXTS, "pylate"),
    "tiny-bert-plain-query": (write_tiny_bert_plain_query, TEXTS, "pylate"),
    "tiny-roberta": (write_tiny_roberta, FEW, "pylate"),
    "tiny-xlm-roberta": (write_tiny_xlm_roberta, FEW, "pylate"),
    "tiny-distilbert": (write_tiny_distilbert, FEW, "pylate"),
    "tiny-modernbert": (write_tiny_modernbert, FEW, "pylate"),
    "tiny-modernbert-bias": (write_tiny_modernbert_bias, FEW, "pylate"),
    "tiny-lfm2": (write_tiny_lfm2, FEW, "pylate"),
    "tiny-lfm2-bias": (write_tiny_lfm2_bias, FEW, "pylate"),
    "tiny-eurobert": (write_tiny_eurobert, FEW, "pylate"),
    "tiny-eurobert-bias": (write_tiny_eurobert_bias, FEW, "pylate"),
    "tiny-qwen3": (write_tiny_qwen3, FEW, "pylate"),
    "tiny-qwen3-causal": (write_tiny_qwen3_causal, FEW, "pylate"),
    "tiny-nomic-bert": (write_tiny_nomic_bert, FEW, "pylate"),
    "tiny-gte": (write_tiny_gte, FEW, "pylate"),
    "tiny-jina-v3": (write_tiny_jina_v3, FEW, "pylate"),
    "tiny-stanford": (write_tiny_stanford, FEW, "colbert"),
    "tiny-stanford-bin": (write_tiny_stanford_bin, FEW, "colbert"),
    "tiny-plain": (write_tiny_plain, FEW, "transformers"),
}


def by_pylate(folder, texts):
    model = models.ColBERT(str(folder), device="cpu")
    for is_query in (False, True):
        encoded = model.encode(texts, is_query=is_query, batch_size=7, output_value=None, show_progress_bar=False)
        for text, ids, mask, values, attended in zip(
            texts, encoded["input_ids"], encoded["masks"], encoded["token_embeddings"], encoded["attention_mask"]
        ):
            # Batch padding is not part of the output, unless it is query expansion.
            real = slice(None) if is_query and model.do_query_expansion else attended.astype(bool)
            yield is_query, text, ids[real], mask[real].astype(bool), values[real]


def by_colbert(folder, texts):
    from colbert.infra import ColBERTConfig
    from colbert.modeling.colbert import ColBERT
    from colbert.modeling.tokenization import DocTokenizer, QueryTokenizer

    # ColBERT was written for transformers 4, whose models did not need this; the extension speeds
    # up scoring alone.
    PreTrainedModel.all_tied_weights_keys = {}
    ColBERT.try_load_torch_extensions = classmethod(lambda cls, use_gpu: None)
    config = ColBERTConfig.load_from_checkpoint(str(folder))
    config.checkpoint = str(folder)
    model = ColBERT(str(folder), colbert_config=config)
    with torch.no_grad():
        ids, attended = DocTokenizer(config).tensorize(texts)
        values, mask = model.doc(ids, attended, keep_dims="return_mask")
        for text, ids, attended, mask, values in zip(texts, ids, attended, mask.squeeze(2), values):
            real = attended.bool()
            yield False, text, ids[real].numpy(), mask[real].numpy(), values[real].numpy()
        ids, attended = QueryTokenizer(config, verbose=0).tensorize(texts)
        for text, ids, values in zip(texts, ids, model.query(ids, attended)):
            yield True, text, ids.numpy(), np.ones(len(ids), bool), values.numpy()


def by_transformers(folder, texts):
    """The last hidden states, brought to length one: no marker, no expansion, nothing skipped."""
    from transformers import AutoModel, BertTokenizerFast

    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True)
    model = AutoModel.from_pretrained(folder)
    for is_query in (False, True):
        for text in texts:
            inputs = tokenizer(text, truncation=True, max_length=32 if is_query else 64, return_tensors="pt")
            with torch.no_grad():
                values = torch.nn.functional.normalize(model(**inputs).last_hidden_state[0], dim=1).numpy()
            ids = inputs["input_ids"][0].numpy()
            yield is_query, text, ids, np.ones(len(ids), bool), values


def write_expected(folder, texts, reference):
    reference = {"pylate": by_pylate, "colbert": by_colbert, "transformers": by_transformers}[reference]
    cases, vectors = [], []
    for is_query, text, ids, mask, values in reference(folder, texts):
        cases.append({"query": is_query, "text": text, "ids": ids.tolist(), "kept": ids[mask].tolist()})
        vectors.append(values[mask].astype(np.float32))
    lines = ",\n".join(json.dumps(case) for case in cases)
    (folder / "expected.json").write_text(f"[{lines}]\n")
    save_file({"vectors": np.concatenate(vectors)}, folder / "expected.safetensors")


def main():
    for name in sys.argv[1:] or CHECKPOINTS:
        write, texts, reference = CHECKPOINTS[name]
        torch.manual_seed(len(name))
        random.seed(0)
        folder = FIXTURES / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            write(folder, pathlib.Path(scratch))
        write_expected(folder, texts, reference)
        for path in folder.rglob("tokenizer.json"):
            path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")) + "\n")
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder.name}: {size} bytes")


if __name__ == "__main__":
    main()
