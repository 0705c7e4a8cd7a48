//! Targets that read what users bring: corpora, queries, judgements and arrays.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Cursor, Read};
use std::sync::LazyLock;

use colidx_data::embeddings::{Embeddings, QueryEmbeddings};
use colidx_data::harmless::is_hostile;
use colidx_data::npy::{Dtype, NpyReader};
use colidx_data::read_queries_from;
use colidx_data::{Corpus, CorpusOptions, Format, Judgements, QueryOptions};
use colidx_data::{Run, RunWriter};

use crate::pack::Pieces;
use crate::scratch::Scratch;

/// Gives a byte at a time, as a slow pipe may.
struct Slow(Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = out.len().min(1);
        self.0.read(&mut out[..length])
    }
}

const FORMATS: [Format; 6] = [
    Format::JSONL,
    Format::TSV,
    Format::TEXT,
    Format::MARKDOWN,
    Format::HTML,
    Format::CODE,
];

/// Three bytes say how; what follows is read as a corpus, at once and byte by byte, which must give
/// the same.
pub fn corpus(data: &[u8]) {
    let Some((&[how, format, name], content)) = data.split_first_chunk() else {
        return;
    };
    let format = FORMATS[usize::from(format) % FORMATS.len()];
    let file = ["corpus", "corpus.gz", "corpus.zst"][usize::from(name % 3)];
    let mut options = CorpusOptions::new()
        .skip_bad_lines(how & 1 != 0)
        .split_long(how & 8 != 0);
    if how & 2 != 0 {
        options = options.line_limit(64);
    }
    if how & 4 != 0 {
        options = options.passage_words(3).overlap(usize::from(how >> 4) % 3);
    }
    let whole = read_corpus(Cursor::new(content.to_vec()), file, format, &options);
    let slow = read_corpus(Slow(Cursor::new(content.to_vec())), file, format, &options);
    // How much of a damaged stream still comes out before the damage is met depends on how much is
    // read at a time, and so does whether a bad line that ends a text comes first.
    let errors = [&whole, &slow].map(|(_, _, error)| error.as_deref());
    let is_damage = |error: &str| error.ends_with("fetch or compress it again");
    if errors.iter().flatten().any(|error| is_damage(error)) {
        assert!(how & 1 != 0 || errors.iter().all(Option::is_some));
    } else {
        assert_eq!(whole, slow);
    }
}

/// A hash over the documents, their number, and the error at the end if there is one.
fn read_corpus(
    reader: impl Read + Send + 'static,
    file: &str,
    format: Format,
    options: &CorpusOptions,
) -> (u64, u64, Option<String>) {
    let mut corpus = match Corpus::from_reader(reader, file, format, options.clone()) {
        Ok(corpus) => corpus,
        Err(error) => return (0, 0, Some(error.to_string())),
    };
    let mut hash = DefaultHasher::new();
    let mut count = 0;
    for document in corpus.by_ref() {
        let document = match document {
            Ok(document) => document,
            Err(error) => return (hash.finish(), count, Some(error.to_string())),
        };
        assert!(!document.key.trim().is_empty());
        (&document.key, &document.title, &document.text).hash(&mut hash);
        (document.place.line, document.metadata.len()).hash(&mut hash);
        count += 1;
    }
    assert_eq!(corpus.report().documents, count);
    (hash.finish(), count, None)
}

/// A byte says which format.
pub fn queries(data: &[u8]) {
    let Some((&how, content)) = data.split_first() else {
        return;
    };
    let format = [Format::JSONL, Format::TSV][usize::from(how % 2)];
    let content = Cursor::new(content.to_vec());
    if let Ok(queries) = read_queries_from(content, "queries", format, &QueryOptions::default()) {
        let mut keys: Vec<&str> = queries.iter().map(|query| &query.key[..]).collect();
        keys.sort_unstable();
        assert!(keys.is_sorted_by(|a, b| a < b), "a key appears once");
    }
}

/// Judgements, and runs, which must come back when they are written.
pub fn qrels(data: &[u8]) {
    let content = || Cursor::new(data.to_vec());
    if let Ok(qrels) = Judgements::from_reader(content(), "qrels") {
        assert!(qrels.queries().all(|(_, judged)| !judged.is_empty()));
    }
    if let Ok(run) = Run::from_reader(content(), "run") {
        let mut writer = RunWriter::new(Vec::new(), "tag");
        for (query, ranking) in run.queries() {
            let hits = ranking.iter().map(|(key, score)| (&key[..], *score));
            if let Err(error) = writer.write(query, hits) {
                let hostile = |key: &str| key.contains(is_hostile);
                let found = hostile(query) || ranking.iter().any(|(key, _)| hostile(key));
                assert!(found, "keys are without white space: {error}");
                return;
            }
        }
        let written = writer.finish().expect("memory can be written");
        let again = Run::from_reader(Cursor::new(written), "run").expect("what is written is read");
        assert!(again == run);
    }
}

/// One array: read front to back and from the back, which must give the same.
pub fn npy(data: &[u8]) {
    let Ok(mut reader) = NpyReader::new(Cursor::new(data), "array.npy") else {
        return;
    };
    let elements = reader.header().elements();
    let count = usize::try_from(elements).expect("the file holds them");
    if reader.header().dtype.is_float() {
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        reader
            .read_floats(0, count, &mut forth)
            .expect("the file is as long as the header says");
        for at in (0..elements).rev() {
            reader
                .read_floats(at, 1, &mut back)
                .expect("the element is there");
        }
        let bits = |value: &f32| value.to_bits();
        assert!(forth.iter().map(bits).eq(back.iter().rev().map(bits)));
        reader
            .read_floats(elements, 1, &mut back)
            .expect_err("there are no more");
        reader
            .read_integers(0, count, &mut Vec::new())
            .expect_err("these are floats");
    } else if reader.header().dtype == Dtype::U8 {
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        reader
            .read_bytes(0, count, &mut forth)
            .expect("the file is as long as the header says");
        for at in (0..elements).rev() {
            reader
                .read_bytes(at, 1, &mut back)
                .expect("the element is there");
        }
        assert!(forth.iter().eq(back.iter().rev()));
    } else {
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        reader
            .read_integers(0, count, &mut forth)
            .expect("the file is as long as the header says");
        for at in (0..elements).rev() {
            reader
                .read_integers(at, 1, &mut back)
                .expect("the element is there");
        }
        assert!(forth.iter().eq(back.iter().rev()));
    }
}

/// The files of `--embeddings`, each of which may be missing, and a file of query vectors.
pub fn embeddings(data: &[u8]) {
    static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::new);
    let mut pieces = Pieces(data);
    for name in EMBEDDING_FILES {
        let path = FOLDER.path().join(name);
        if pieces.is_empty() {
            let _ = std::fs::remove_file(path);
        } else {
            FOLDER.write(name, pieces.next());
        }
    }
    if let Ok(mut embeddings) = Embeddings::open(FOLDER.path()) {
        let documents: Vec<u64> = (0..embeddings.documents().min(1000)).collect();
        let (mut vectors, mut lens, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        if embeddings
            .read(&documents, &mut vectors, &mut lens, &mut ids)
            .is_ok()
        {
            let total: usize = lens.iter().map(|&len| len as usize).sum();
            assert_eq!(vectors.len(), total * embeddings.dim());
            assert_eq!(
                ids.len(),
                if embeddings.has_token_ids() { total } else { 0 }
            );
        }
        let keys = embeddings.keys().expect("the keys were read before");
        assert_eq!(
            keys.take(1000).filter(Result::is_ok).count(),
            documents.len()
        );
    }
    if let Ok(mut queries) = QueryEmbeddings::open(&FOLDER.path().join("q.npy")) {
        let mut vectors = Vec::new();
        for query in 0..queries.queries().min(1000) {
            if queries.read(query, &mut vectors).is_ok() {
                assert!(vectors.len().is_multiple_of(queries.dim()));
            }
        }
    }
}

/// One file of vectors in any form: arrays of documents, or JSON Lines.
pub fn vector_file(data: &[u8]) {
    static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::new);
    FOLDER.write("vectors", data);
    let Ok(mut embeddings) = Embeddings::open(&FOLDER.path().join("vectors")) else {
        return;
    };
    let (mut vectors, mut lens, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for document in 0..embeddings.documents().min(100) {
        lens.clear();
        vectors.clear();
        ids.clear();
        if embeddings
            .read(&[document], &mut vectors, &mut lens, &mut ids)
            .is_ok()
        {
            assert_eq!(vectors.len(), lens[0] as usize * embeddings.dim());
            assert!(vectors.iter().all(|value| value.is_finite()));
        }
    }
}

pub(crate) const EMBEDDING_FILES: [&str; 5] = [
    "doc_embeddings.npy",
    "doc_lens.npy",
    "token_ids.npy",
    "doc_keys.txt",
    "q.npy",
];
