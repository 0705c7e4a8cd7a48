//! Recognises folders by the names in them: an index or a model named by mistake, and a collection
//! with queries and judgements beside its corpus; and files whose extensions are not those of text.

use std::path::Path;

use super::format::{Format, ending, name};
use crate::error::InputError;
use crate::files::{file_name, is_index};
use crate::skipped::SkipReason;

/// Names whose folder holds a corpus with its queries and judgements beside it.
const CORPUS: &[&str] = &["corpus", "collection", "documents", "docs", "passages"];
const QUERIES: &[&str] = &["queries", "query", "topics", "questions"];
const JUDGEMENTS: &[&str] = &["qrels", "qrel", "judgements", "judgments"];

/// Endings of pictures, sounds, archives, programs and documents that are not read as text.
const NOT_TEXT: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "gif",
    "bmp",
    "ico",
    "icns",
    "webp",
    "avif",
    "tif",
    "tiff",
    "psd",
    "mp3",
    "mp4",
    "m4a",
    "m4v",
    "mov",
    "avi",
    "mkv",
    "webm",
    "ogg",
    "oga",
    "ogv",
    "wav",
    "flac",
    "aac",
    "opus",
    "zip",
    "tar",
    "tgz",
    "gz",
    "bz2",
    "xz",
    "zst",
    "7z",
    "rar",
    "jar",
    "war",
    "whl",
    "deb",
    "rpm",
    "dmg",
    "iso",
    "exe",
    "dll",
    "so",
    "dylib",
    "o",
    "a",
    "lib",
    "rlib",
    "rmeta",
    "obj",
    "class",
    "pyc",
    "wasm",
    "bin",
    "dat",
    "db",
    "sqlite",
    "sqlite3",
    "npy",
    "npz",
    "pt",
    "pth",
    "onnx",
    "safetensors",
    "gguf",
    "parquet",
    "arrow",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "pdf",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "ppt",
    "pptx",
    "odt",
    "ods",
    "odp",
    "epub",
];

/// Whether the ending says that a file is no text, so that it need not be opened to know.
pub(super) fn is_known_not_to_be_text(path: &Path) -> bool {
    let name = name(path).unwrap_or_default();
    ending(&name).is_some_and(|ending| NOT_TEXT.contains(&ending))
}

/// Why a file that was named is not read.
pub(super) fn unknown(file: &Path) -> InputError {
    let named = file_name(file).to_string();
    if is_pdf(file) {
        return InputError::Pdf { file: named };
    }
    InputError::UnknownFormat {
        file: named,
        formats: Format::list(),
    }
}

pub(super) fn is_pdf(file: &Path) -> bool {
    name(file).is_some_and(|name| ending(&name) == Some("pdf"))
}

/// Refuses a folder that is an index, a model or a folder of token vectors.
pub(super) fn check(folder: &Path, index_magic: Option<[u8; 8]>) -> Result<(), InputError> {
    let has = |names: &[&str]| names.iter().any(|name| folder.join(name).is_file());
    let weights = [
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
    ];
    let kind = if index_magic.is_some_and(|magic| is_index(folder, &magic)) {
        "an index"
    } else if has(&["config.json"]) && (has(&weights) || has(&["tokenizer.json", "vocab.txt"])) {
        "a model"
    } else if has(&["doc_embeddings.npy"]) && has(&["doc_lens.npy"]) {
        "a folder of token vectors"
    } else {
        return Ok(());
    };
    Err(InputError::NotCorpus {
        folder: file_name(folder).to_string(),
        kind,
    })
}

/// Whether a folder is a collection: a corpus with queries and judgements beside it. It has a file
/// of records named as a corpus, or one name of a corpus and one of judgements.
pub(super) fn is_collection(paths: &[impl AsRef<Path>]) -> bool {
    let has = |words| paths.iter().any(|path| has_word(path.as_ref(), words));
    let has_records = paths.iter().any(|path| {
        let format = Format::of_path(path.as_ref());
        format.is_some_and(Format::has_records) && has_word(path.as_ref(), CORPUS)
    });
    has_records || has(CORPUS) && has(JUDGEMENTS)
}

/// Whether a name in a collection stands for queries or judgements.
pub(super) fn companion(path: &Path) -> Option<SkipReason> {
    if has_word(path, JUDGEMENTS) {
        Some(SkipReason::Judgements)
    } else if has_word(path, QUERIES) && !has_word(path, CORPUS) {
        Some(SkipReason::Queries)
    } else {
        None
    }
}

/// Whether a name has one of these words before its endings, as in `queries.dev.small.tsv`.
fn has_word(path: &Path, words: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    let mut parts = name.split(|char: char| !char.is_ascii_alphanumeric());
    parts.any(|part| words.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_a_corpus() {
        let collection = |names: &[&str]| is_collection(names);
        assert!(collection(&["queries.jsonl", "corpus.jsonl.gz", "qrels"]));
        assert!(collection(&["collection.tsv", "queries.dev.tsv"]));
        assert!(collection(&["msmarco-docs.tsv"]));
        assert!(collection(&["corpus", "queries", "qrels"]));
        assert!(!collection(&["a.md", "queries.md"]));
        assert!(!collection(&["docs.md", "queries.md"]));
        assert!(!collection(&["docs", "README.md"]));
        for (name, reason) in [
            ("queries.jsonl", Some(SkipReason::Queries)),
            ("queries.dev.small.tsv", Some(SkipReason::Queries)),
            ("topics.dl20.txt", Some(SkipReason::Queries)),
            ("test_queries.tsv", Some(SkipReason::Queries)),
            ("qrels", Some(SkipReason::Judgements)),
            ("qrels.dev.tsv", Some(SkipReason::Judgements)),
            ("corpus.jsonl", None),
            ("query-expansion-corpus.jsonl", None),
            ("subqueries.md", None),
            ("README.md", None),
        ] {
            assert_eq!(companion(Path::new(name)), reason, "{name}");
        }
    }
}
