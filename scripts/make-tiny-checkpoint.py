#!/usr/bin/env python3
"""Write the tiny random-weight PyLate checkpoints that the tests of colidx-encoder use.

Each checkpoint is a folder under crates/colidx-encoder/tests/fixtures/ in the layout that
`pylate.models.ColBERT.save` writes, with two more files: `expected.json` (texts, token ids, and which
tokens are kept) and `expected.safetensors` (the vectors PyLate gives for them, in the same order).

Usage: pip install pylate==1.6.0 && scripts/make-tiny-checkpoint.py [NAME...]
"""

import json
import pathlib
import random
import shutil
import string
import sys
import tempfile

import numpy as np
import torch
from pylate import models
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "crates/colidx-encoder/tests/fixtures"

WORDS = """
the of and to in a is for that with on as are by this was be at from an it or which have has not were can
we our these their its than but also been between may after more all two one other when into most such both
who will there about only over time new use used using high low many where how what does do did no if then so
cell cells protein gene human disease cancer blood patients risk effect growth study results treatment data
search index vector token document query language model late interaction rank score memory disk file word
system network machine learning information retrieval energy water light heat earth sun moon star planet
ocean river mountain forest tree plant animal bird fish dog cat horse city country world people history war
king queen book music art science physics chemistry biology mathematics number theory computer program code
rust python fast small large open close first second year day night house road food bread milk coffee tea
wine apple orange fruit sugar salt health heart brain body hand eye increase decrease cause prevent
""".split()
PIECES = """
s es ed ing er ers est ly ion ions tion ation ment ness ity ive al ic ical ous able ible ant ent ance ence
th ch sh ck st nd ng nt rt ll ss tt ee oo ou ea ai in on an en un re de or ar el il is it at et us um
""".split()
CHARACTERS = list(string.ascii_lowercase + string.digits + string.punctuation) + list("中文検索æßøµпривет’“”–…€")


def vocabulary():
    """Every ASCII letter and digit alone and as a continuation, so that any English word has pieces."""
    special = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    continued = list(string.ascii_lowercase + string.digits) + list("привет") + PIECES
    tokens = special + CHARACTERS + WORDS + PIECES + ["##" + piece for piece in continued]
    return {token: id for id, token in enumerate(dict.fromkeys(tokens))}


def tokenizer():
    vocab = vocabulary()
    inner = Tokenizer(WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        model_max_length=64,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
    )


def bert(vocab_size, hidden, layers, heads):
    """A BERT whose weights are large enough that a wrong mask or position moves every vector."""
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * hidden,
        max_position_embeddings=64,
    )
    model = BertModel(config, add_pooling_layer=False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.uniform_(0.5, 1.5)
            else:
                parameter.normal_(0.0, 0.5 if "embeddings" in name else 0.8 * hidden**-0.5)
    return model


def write_tiny_bert(folder, scratch):
    """One projection without bias; expansion tokens are added and nobody attends to them."""
    tokens = tokenizer()
    tokens.save_pretrained(scratch)
    bert(len(tokens), hidden=32, layers=2, heads=4).save_pretrained(scratch)
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
    tokens = tokenizer()
    tokens.save_pretrained(scratch)
    bert(len(tokens), hidden=16, layers=1, heads=2).save_pretrained(scratch)
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
    """No query expansion and no markers, as checkpoints trained without them have it."""
    tokens = tokenizer()
    tokens.save_pretrained(scratch)
    bert(len(tokens), hidden=16, layers=1, heads=1).save_pretrained(scratch)
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


CHECKPOINTS = {
    "tiny-bert": write_tiny_bert,
    "tiny-bert-dense": write_tiny_bert_dense,
    "tiny-bert-plain-query": write_tiny_bert_plain_query,
}

TEXTS = [
    "",
    " ",
    ".",
    "!?...",
    "the",
    "The cat and the dog",
    "How does late interaction rank a document?",
    "Protein-protein interactions (PPI) in human cells: a study of 1,234 patients.",
    "MIXED Case Words And ACCENTS: café naïve Ångström İstanbul ẞtraße",
    "中文 検索 and привет мир",
    "emoji 🙂🚀 and flags 🇳🇱, zero\u200bwidth, soft\u00adhyphen",
    "tabs\tnewlines\nand\r\ncarriage\x00null\x07bell\x1cseparator\ufffd",
    "\u3000\u00a0 wide and no-break spaces \u2003",
    "[MASK] [CLS] [unused1] [SEP] written in the text [D] [Q] ",
    "antidisestablishmentarianism " + "x" * 120,
    "“quoted” – dashes — and … ellipsis’s €5",
    "e\u0301 combining and ﬁ ligature ½ ² ™",
    "عربي עברית हिन्दी ไทย 한국어",
    " ".join(["water"] * 200),
    "the sun is a star. " * 30,
]


def write_expected(folder):
    model = models.ColBERT(str(folder), device="cpu")
    vectors, cases = [], []
    for is_query in (False, True):
        encoded = model.encode(TEXTS, is_query=is_query, batch_size=7, output_value=None, show_progress_bar=False)
        for text, ids, mask, values, attended in zip(
            TEXTS, encoded["input_ids"], encoded["masks"], encoded["token_embeddings"], encoded["attention_mask"]
        ):
            # Padding of the batch is not part of the answer, except where it is query expansion.
            real = slice(None) if is_query and model.do_query_expansion else attended.astype(bool)
            ids, mask, values = ids[real], mask[real].astype(bool), values[real]
            cases.append({"query": is_query, "text": text, "ids": ids.tolist(), "kept": ids[mask].tolist()})
            vectors.append(values[mask].astype(np.float32))
    (folder / "expected.json").write_text(json.dumps(cases, indent=0) + "\n")
    save_file({"vectors": np.concatenate(vectors)}, folder / "expected.safetensors")


def main():
    for name in sys.argv[1:] or CHECKPOINTS:
        torch.manual_seed(len(name))
        random.seed(0)
        folder = FIXTURES / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            CHECKPOINTS[name](folder, pathlib.Path(scratch))
        write_expected(folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder}: {size} bytes")


if __name__ == "__main__":
    main()
