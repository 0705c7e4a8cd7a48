//! Vectors and token ids of PyLate, ColBERT and transformers for the checkpoints made by
//! scripts/tiny_checkpoints.

use std::fs;
use std::path::PathBuf;

use colidx_encoder::{Encoder, EncoderOptions, Precision};
use safetensors::SafeTensors;
use serde::Deserialize;

const CHECKPOINTS: [&str; 46] = [
    "tiny-bert",
    "tiny-bert-dense",
    "tiny-bert-plain-query",
    "tiny-roberta",
    "tiny-xlm-roberta",
    "tiny-distilbert",
    "tiny-modernbert",
    "tiny-modernbert-bias",
    "tiny-lfm2",
    "tiny-lfm2-bias",
    "tiny-eurobert",
    "tiny-eurobert-bias",
    "tiny-qwen3",
    "tiny-qwen3-causal",
    "tiny-nomic-bert",
    "tiny-gte",
    "tiny-jina-v3",
    "tiny-stanford",
    "tiny-stanford-bin",
    "tiny-plain",
    "bert-tokconf-added-tokens",
    "bert-tokconf-cased",
    "bert-tokconf-keep-accents",
    "bert-tokconf-mask-by-default",
    "bert-tokconf-no-chinese-split",
    "bert-tokconf-no-class",
    "bert-tokconf-truncation-left",
    "flag-embedding",
    "jina-rotary-stanford",
    "modernbert-document-beyond-positions",
    "modernbert-null-theta",
    "mve-fresh-modernbert",
    "mve-keep-only-bert",
    "mve-named-token-roberta",
    "mve-pooled-both-bert",
    "mve-pooled-modernbert",
    "mve-prompts-min-modernbert",
    "mve-resaved-bert-dense",
    "mve-resaved-bert-plain",
    "mve-resaved-modernbert",
    "mve-resaved-stanford",
    "pylate-prompts-behind-markers",
    "roberta-sentence-roberta-config",
    "roberta-tokconf-prefix-space",
    "stanford-no-metadata",
    "stanford-stale-modules-json",
];
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Case {
    query: bool,
    text: String,
    /// All tokens, including those without a vector.
    ids: Vec<u32>,
    /// The tokens with vectors.
    kept: Vec<u32>,
    /// The number of vectors after pooling, if they are pooled.
    pooled: Option<usize>,
}

impl Case {
    fn vectors(&self) -> usize {
        self.pooled.unwrap_or(self.kept.len())
    }

    /// Checks the vectors' tokens; pooled vectors have some of those expected.
    fn check_tokens(&self, name: &str, found: &[u32]) {
        assert_eq!(found.len(), self.vectors(), "{name}: {:?}", self.text);
        match self.pooled {
            None => assert_eq!(found, self.kept, "{name}: {:?}", self.text),
            Some(_) => assert!(found.iter().all(|id| self.kept.contains(id))),
        }
    }
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// The cases of a fixture, each with its vectors.
fn cases(name: &str, dim: usize) -> Vec<(Case, Vec<f32>)> {
    let folder = fixture(name);
    let cases: Vec<Case> =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let bytes = fs::read(folder.join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (values, _) = tensors.tensor("vectors").unwrap().data().as_chunks::<4>();
    let mut values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
    let cases: Vec<_> = cases
        .into_iter()
        .map(|case| {
            let vectors = values.by_ref().take(case.vectors() * dim).collect();
            (case, vectors)
        })
        .collect();
    assert_eq!(values.next(), None);
    cases
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn token_ids_and_vectors_match_the_reference() {
    for name in CHECKPOINTS {
        let encoder = Encoder::open(fixture(name), &EncoderOptions::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let cases = cases(name, encoder.info().dim);
        assert!(cases.len() >= 8, "{name}");

        let (queries, documents): (Vec<_>, Vec<_>) = cases.iter().partition(|(case, _)| case.query);
        let texts: Vec<&str> = documents
            .iter()
            .map(|(case, _)| case.text.as_str())
            .collect();
        let encoded = encoder.encode_documents(&texts).unwrap();
        for ((case, expected), found) in documents.iter().zip(&encoded) {
            case.check_tokens(name, &found.token_ids);
            let spans = encoder.document_tokens(&case.text).unwrap();
            let ids: Vec<u32> = spans.iter().map(|span| span.id).collect();
            assert_eq!(ids, found.token_ids, "{name}: {:?}", case.text);
            let count = encoder.document_token_count(&case.text).unwrap();
            assert_eq!(count, case.ids.len(), "{name}: {:?}", case.text);
            let difference = difference(&found.vectors, expected);
            assert!(
                difference < TOLERANCE,
                "{name}: {:?}: {difference}",
                case.text
            );
            assert!(!found.truncated || case.ids.len() == encoder.info().document_length);
        }

        let texts: Vec<&str> = queries.iter().map(|(case, _)| case.text.as_str()).collect();
        let encoded = encoder.encode_queries(&texts).unwrap();
        for ((case, expected), found) in queries.iter().zip(&encoded) {
            let ids: Vec<u32> = found.tokens.iter().map(|token| token.id).collect();
            case.check_tokens(name, &ids);
            let difference = difference(&found.vectors, expected);
            assert!(
                difference < TOLERANCE,
                "{name}: {:?}: {difference}",
                case.text
            );
        }
    }
}

#[test]
fn info_describes_the_checkpoint() {
    let encoder = Encoder::open(fixture("tiny-bert"), &EncoderOptions::default()).unwrap();
    let info = encoder.info();
    assert_eq!(
        (info.name.as_str(), info.architecture.as_str()),
        ("tiny-bert", "bert")
    );
    assert_eq!((info.dim, info.hidden, info.layers), (16, 32, 2));
    assert_eq!((info.query_length, info.document_length), (16, 48));
    assert_eq!(
        (info.query_marker.as_str(), info.document_marker.as_str()),
        ("[unused0]", "[unused1]")
    );
    assert_eq!(
        (info.mask_token.as_str(), info.skiplist.len()),
        ("[MASK]", 32)
    );
    assert!(info.projected && info.query_expansion && !info.attend_to_expansion_tokens);
    assert_eq!(info.fingerprint.len(), 32);
    let written = serde_json::to_string(info).unwrap();
    assert_eq!(
        &serde_json::from_str::<colidx_encoder::CheckpointInfo>(&written).unwrap(),
        info
    );

    let other = Encoder::open(fixture("tiny-bert-dense"), &EncoderOptions::default()).unwrap();
    assert_eq!(other.info().dim, 12);
    assert!(other.info().lower_case && other.info().attend_to_expansion_tokens);
    assert_ne!(other.info().fingerprint, info.fingerprint);
}

#[test]
fn spans_are_byte_ranges_of_the_text() {
    for name in ["tiny-bert", "tiny-bert-dense", "tiny-bert-plain-query"] {
        let encoder = Encoder::open(fixture(name), &EncoderOptions::default()).unwrap();
        let text = "  The ÅNGSTRÖM, İs small!  ";
        let spans = encoder.document_tokens(text).unwrap();
        let words: Vec<&str> = spans
            .iter()
            .map(|span| &text[span.start..span.end])
            .collect();
        assert!(words.contains(&"small"), "{name}: {words:?}");
        assert_eq!(
            (spans[0].start, spans[0].end),
            (0, 0),
            "the first token is special"
        );
        assert_eq!(
            words.concat().chars().filter(|c| *c == 'Å').count(),
            1,
            "{name}: {words:?}"
        );

        let text = " Éa small star";
        let query = encoder.encode_query(text).unwrap();
        let small = query
            .tokens
            .iter()
            .find(|token| token.text == "small")
            .unwrap();
        assert_eq!(&text[small.start..small.end], "small");
    }
}

#[test]
fn spans_cover_the_text() {
    let text = "  The ÅNGSTRÖM İs small  ";
    // A pooled vector names only the first of its tokens, and this checkpoint keeps few ids.
    let with_all = |name: &&str| !name.starts_with("mve-pooled") && *name != "mve-keep-only-bert";
    for name in CHECKPOINTS.into_iter().filter(with_all) {
        let options = EncoderOptions::default().document_length(64);
        let encoder = Encoder::open(fixture(name), &options).unwrap();
        let spans = encoder.document_tokens(text).unwrap();
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            // `tiny-bert-dense` skips the word "the".
            let covered = spans
                .iter()
                .any(|span| (span.start..span.end).contains(&at));
            assert!(covered || "The".contains(c), "{name}: {c} at {at}");
        }
        let places = spans.iter().filter(|span| span.start < span.end);
        assert!(places.is_sorted_by_key(|span| span.start), "{name}");
        assert!(
            spans
                .iter()
                .all(|span| text.get(span.start..span.end).is_some())
        );
    }
}

#[test]
fn vectors_do_not_depend_on_other_texts_or_threads() {
    let encoder = Encoder::open(fixture("tiny-bert"), &EncoderOptions::default()).unwrap();
    let cases = cases("tiny-bert", encoder.info().dim);
    let texts: Vec<&str> = cases
        .iter()
        .map(|(case, _)| case.text.as_str())
        .cycle()
        .take(150)
        .collect();
    let together = encoder.encode_documents(&texts).unwrap();
    let queries = encoder.encode_queries(&texts).unwrap();
    for threads in [1, 3, 16] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            assert_eq!(encoder.encode_documents(&texts).unwrap(), together);
            assert_eq!(encoder.encode_queries(&texts).unwrap(), queries);
            for (i, text) in texts.iter().enumerate().take(40) {
                assert_eq!(encoder.encode_documents(&[text]).unwrap()[0], together[i]);
                assert_eq!(encoder.encode_query(text).unwrap(), queries[i]);
            }
        });
    }
    assert!(encoder.encode_documents(&[]).unwrap().is_empty());
}

/// The instruction set is fixed for a process, so this test runs itself in one process for each.
#[test]
fn instruction_sets_and_threads_change_no_bit() {
    const OUT: &str = "COLIDX_TEST_OUT";
    const TEXTS: [&str; 3] = ["Search and rescue (1,234).", "", "how does it rank?"];
    if let Some(path) = std::env::var_os(OUT) {
        let mut values = Vec::new();
        for (name, precision) in CHECKPOINTS
            .iter()
            .flat_map(|name| [(name, Precision::F32), (name, Precision::Int8)])
        {
            let options = EncoderOptions::default().precision(precision);
            let encoder = Encoder::open(fixture(name), &options).unwrap();
            for document in encoder.encode_documents(&TEXTS).unwrap() {
                values.extend(document.vectors);
            }
            for query in encoder.encode_queries(&TEXTS).unwrap() {
                values.extend(query.vectors);
            }
        }
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        fs::write(path, bytes).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |level: colidx_kernels::Isa, threads: &str| {
        let out = folder.path().join("out");
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "instruction_sets_and_threads_change_no_bit"])
            .env("COLIDX_KERNELS", level.name())
            .env("RAYON_NUM_THREADS", threads)
            .env(OUT, &out)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{level}, {threads} threads");
        fs::read(out).unwrap()
    };
    let expected = run(colidx_kernels::Isa::Scalar, "1");
    assert!(expected.len() > 2 * CHECKPOINTS.len() * 16);
    for level in colidx_kernels::Isa::all_supported() {
        for threads in ["1", "2", "8"] {
            assert!(
                run(level, threads) == expected,
                "{level}, {threads} threads"
            );
        }
    }
}
