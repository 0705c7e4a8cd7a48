//! What is made of stored text keeps to the memory of a build: postings of words, and columns of
//! metadata.

mod common;

use colidx_core::*;
use common::counting::{Counting, peak};
use common::live::{self, vectors};
use std::fmt::Write;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const DOCUMENTS: usize = 3000;

/// Commits documents of these texts and metadata, a few of which have vectors, and compacts the
/// index. Returns the most bytes that each took, and the index.
fn held(
    memory: usize,
    document: &(impl Fn(usize) -> (String, String) + Sync),
) -> ([usize; 2], Index) {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1);
    let pool = threads.build().unwrap();
    pool.install(|| held_by_one_thread(memory, document))
}

fn held_by_one_thread(
    memory: usize,
    document: &dyn Fn(usize) -> (String, String),
) -> ([usize; 2], Index) {
    let tmp = tempfile::tempdir().unwrap();
    let directory = Directory::new(tmp.path());
    let options = BuildOptions::default().dim(live::DIM).memory(memory);
    let mut writer = IndexWriter::create_in(&directory, options).unwrap();
    for at in 0..DOCUMENTS {
        let (text, metadata) = document(at);
        let vectors = match at < 40 {
            true => vectors("some words of a text"),
            false => Vec::new(),
        };
        let key = format!("key {at}");
        let document = NewDocument::new(&key).text(&text).metadata(&metadata);
        writer.add_vectors(document, &vectors, &[]).unwrap();
    }

    let (committed, _) = peak(|| writer.commit(&mut NoVectors, &NoProgress).unwrap());
    assert!(writer.delete("key 1").unwrap());
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let (compacted, _) = peak(|| writer.compact(&NoProgress).unwrap());
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    ([committed, compacted], index)
}

/// Too little for all words or values of these documents together.
const LITTLE: usize = 44 << 20;

/// Checks that they are built and merged within that memory.
#[track_caller]
fn stays_within_memory(document: impl Fn(usize) -> (String, String) + Sync) -> Index {
    let (held, index) = held(LITTLE, &document);
    for held in held {
        assert!(held < LITTLE, "{} MiB", held >> 20);
    }
    index
}

#[test]
fn postings_of_many_words_stay_within_the_memory_of_a_build() {
    let document = |at| {
        let words = (0..250).fold(String::new(), |mut text, n| {
            write!(text, "w{}x{n} common ", at * 31 % DOCUMENTS).unwrap();
            text
        });
        (words, String::new())
    };
    stays_within_memory(document);
    // They take more where they may.
    let (held, _) = held(4 << 30, &document);
    assert!(held.iter().all(|&held| held > LITTLE), "{held:?}");
}

#[test]
fn columns_of_many_values_stay_within_the_memory_of_a_build() {
    let index = stays_within_memory(|at| {
        let at = at * 31 % DOCUMENTS;
        let numbers: Vec<usize> = (0..800).map(|n| at * 1000 + n).collect();
        let strings: Vec<String> = (0..300).map(|n| format!("string {n} of {at}")).collect();
        let mut metadata = format!("{{\"numbers\":{numbers:?},\"strings\":{strings:?}");
        for field in 0..40 {
            write!(metadata, ",\"field {at} {field}\":true").unwrap();
        }
        (String::new(), metadata + "}")
    });
    let files = index.info().unwrap().files;
    let columns = files
        .iter()
        .find(|file| file.name.starts_with("columns"))
        .unwrap();
    assert!(columns.bytes > LITTLE as u64, "{columns:?}");
}
