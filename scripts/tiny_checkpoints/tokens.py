"""Tokenizers with a few hundred tokens."""

import string

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram, WordPiece
from transformers import PreTrainedTokenizerFast

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


def vocabulary(words):
    """Every ASCII letter and digit alone and as a continuation, so that any English word has pieces."""
    special = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    continued = list(string.ascii_lowercase + string.digits) + list("привет") + PIECES
    tokens = special + CHARACTERS + words + PIECES + ["##" + piece for piece in continued]
    return {token: id for id, token in enumerate(dict.fromkeys(tokens))}


def wordpiece(words=WORDS):
    vocab = vocabulary(words)
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


def corpus():
    return [" ".join(WORDS[i::7]) + ". " + "The 1,234 " + " ".join(WORDS[i::11]).title() for i in range(11)]


def byte_level(size, specials, cls, sep, prefix_space):
    """Byte-level BPE as RoBERTa (prefix_space False) and ModernBERT have it; no text is unknown."""
    inner = Tokenizer(BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(corpus(), trainer)
    return inner, [(cls, inner.token_to_id(cls)), (sep, inner.token_to_id(sep))]


def roberta():
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    inner, ends = byte_level(300, specials, "<s>", "</s>", prefix_space=False)
    inner.post_processor = processors.RobertaProcessing(
        sep=ends[1], cls=ends[0], trim_offsets=True, add_prefix_space=False
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, model_max_length=64, bos_token="<s>", eos_token="</s>", cls_token="<s>",
        sep_token="</s>", unk_token="<unk>", pad_token="<pad>", mask_token="<mask>",
    )


def modernbert():
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    inner, ends = byte_level(300, specials, "[CLS]", "[SEP]", prefix_space=False)
    inner.normalizer = normalizers.NFC()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, model_max_length=64, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        pad_token="[PAD]", mask_token="[MASK]",
    )


def decoder(bos="<|begin|>", eos=None, mask=None):
    """Byte-level BPE as language models have it: what stands around a text is named alone."""
    specials = ["<|pad|>", "<|begin|>", "<|end|>", "<|mask|>"]
    inner, _ = byte_level(300, specials, "<|begin|>", "<|end|>", prefix_space=False)
    single = " ".join(filter(None, [bos, "$A", eos]))
    ends = [(token, inner.token_to_id(token)) for token in (bos, eos) if token]
    inner.post_processor = processors.TemplateProcessing(single=single, pair=single + " $B", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, model_max_length=64, bos_token="<|begin|>", eos_token="<|end|>", pad_token="<|pad|>",
        mask_token=mask,
    )


def xlm_roberta():
    """Unigram over words that begin with a mark, as SentencePiece has them; what it has not seen is unknown."""
    inner = Tokenizer(Unigram())
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    inner.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    inner.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=200,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        unk_token="<unk>",
        initial_alphabet=list(string.ascii_letters + string.digits + string.punctuation + "▁é中"),
        show_progress=False,
    )
    inner.train_from_iterator(corpus(), trainer)
    ends = [(token, inner.token_to_id(token)) for token in ("<s>", "</s>")]
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, model_max_length=64, bos_token="<s>", eos_token="</s>", cls_token="<s>",
        sep_token="</s>", unk_token="<unk>", pad_token="<pad>", mask_token="<mask>",
    )
