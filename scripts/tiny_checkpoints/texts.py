"""Texts that are awkward to tokenise."""

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

# Enough for a second checkpoint with the same tokenizer, or one whose tokenizer is plain.
FEW = [
    "",
    ".",
    "The cat and the dog: 1,234 patients!",
    "MIXED Case, ACCENTS: café naïve Ångström",
    "中文 検索 привет عربي 한국어 🙂🇳🇱",
    "tabs\tnewlines\nnull\x00bell\x07separator\x1c\ufffd",
    "\u3000 wide and no-break\u00a0 spaces  inside \u2003",
    "[MASK] <mask> <s> [PAD] <pad> [D] [Q] [unused1] written in the text",
    "antidisestablishmentarianism",
    " ".join(["water"] * 60),
]

# For checkpoints that differ in their settings alone: case, accents, Chinese, white space, length,
# punctuation.
SETTINGS = [
    "",
    "The cat and the dog: 1,234 patients!",
    "MIXED Case, ACCENTS: café naïve Ångström İstanbul",
    "中文 検索 привет 한국어 🙂",
    "  two\nlines, outer and inner  white\tspace. ",
    "[MASK] <mask> [D] [Q] [unused1] zebras written in the text",
    "a star. " * 30,
]
