//! A build that stops at any moment resumes where it stopped, and ends with the same bytes.

#[path = "../common/mod.rs"]
mod common;
mod interrupted;
mod refused;
mod stopped;

use colidx_core::storage::Memory;
use colidx_core::*;
use common::*;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Documents that the builder asks for at a time.
const BATCH: u64 = 256;
const DOCUMENTS: usize = 800;

const MODEL: &str = r#"{"name": "a", "location": "b", "fingerprint": "c", "architecture": "bert", "document_length": 1,
    "query_length": 1, "document_marker": "", "query_marker": "", "skiplist": [], "precision": "f32"}"#;

/// Enough short documents for two batches of sample and two more to encode.
fn corpus() -> Corpus {
    let mut corpus = Corpus::topical(DOCUMENTS, 8, 11);
    for (vectors, ids) in corpus.documents.iter_mut().zip(&mut corpus.token_ids) {
        ids.truncate(ids.len().min(5));
        vectors.truncate(ids.len() * 8);
    }
    corpus
}

/// Makes what was done safe at every chance.
fn options() -> BuildOptions {
    BuildOptions::default()
        .centroids(20)
        .resume(true)
        .checkpoint(Duration::ZERO)
}

/// Counts the documents that it is asked for.
struct Counted {
    corpus: Corpus,
    encoded: u64,
}

impl VectorSource for Counted {
    fn dim(&self) -> usize {
        self.corpus.dim
    }

    fn fingerprint(&self) -> String {
        "counted".into()
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        self.encoded += documents.len() as u64;
        self.corpus.encode(documents, out)
    }
}

fn counted() -> Counted {
    Counted {
        corpus: corpus(),
        encoded: 0,
    }
}

/// Cancels when it is asked for the n-th time, not counting training, which starts over whenever it
/// was stopped.
struct StopsAt {
    left: AtomicU64,
    training: AtomicBool,
}

impl StopsAt {
    fn new(n: u64) -> StopsAt {
        StopsAt {
            left: AtomicU64::new(n),
            training: AtomicBool::new(false),
        }
    }
}

impl Progress for StopsAt {
    fn phase(&self, phase: Phase, _: Option<u64>) {
        self.training
            .store(matches!(phase, Phase::Train), Ordering::Relaxed);
    }

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        let left = |n: u64| n.checked_sub(1);
        let (before, after) = (Ordering::Relaxed, Ordering::Relaxed);
        !self.training.load(before) && self.left.fetch_update(before, after, left).is_err()
    }
}

fn build_with(
    directory: &Directory,
    options: BuildOptions,
    source: &mut dyn VectorSource,
    progress: &dyn Progress,
) -> Result<CommitReport> {
    filled(directory, DOCUMENTS, options)?.commit(source, progress)
}

fn build(directory: &Directory, options: BuildOptions) -> Result<CommitReport> {
    build_with(directory, options, &mut counted(), &NoProgress)
}

fn memory() -> (Memory, Directory) {
    let memory = Memory::default();
    (memory.clone(), Directory::over(Arc::new(memory)))
}

fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    let (files, directory) = memory();
    build(&directory, options()).unwrap();
    files.files()
}

/// Builds until the n-th question whether to stop. Returns how many documents were encoded.
fn stop_at(n: u64, directory: &Directory, options: BuildOptions) -> u64 {
    let mut source = counted();
    let watch = StopsAt::new(n);
    let stopped = build_with(directory, options, &mut source, &watch);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    source.encoded
}
