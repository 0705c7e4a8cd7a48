//! Targets that open an index and do everything that can be done with one.
//!
//! Each puts its input into a good index in memory. All but `index_raw` repair every checksum and
//! what the manifest says of the files, so that the bytes get past them.

use std::sync::LazyLock;

use colidx_core::{BuildOptions, Error, Filter, Index, Query, Result, SearchOptions, WordQuery};

use crate::common::forge::{Files, MANIFEST, contents, name_in_manifest, repair, replace};
use crate::common::{Corpus, grown, open};
use crate::pack::{Pieces, pack};

const DIM: usize = 8;

/// A good index of two segments and some deletions. It is built anew, so it follows the format
/// wherever that goes.
static GOOD: LazyLock<Files> = LazyLock::new(|| {
    let options = BuildOptions::default().nbits(2).centroids(Some(20));
    grown(&Corpus::topical(24, DIM, 7), options)
});

/// Names of the good index's files of these kinds, the manifest first: what is put in place later
/// is then named in it.
fn names(kinds: &[&str]) -> Vec<&'static str> {
    let of_kind = |name: &&str| kinds.iter().any(|kind| name.starts_with(kind));
    let mut names: Vec<&str> = GOOD.keys().map(String::as_str).filter(of_kind).collect();
    names.sort_by_key(|&name| name != MANIFEST);
    names
}

/// The sections of all files of these kinds in one input.
pub(crate) fn packed(kinds: &[&str]) -> Vec<u8> {
    let sections: Vec<Vec<u8>> = names(kinds)
        .iter()
        .flat_map(|&name| contents(&GOOD[name]))
        .map(|(_, bytes)| bytes)
        .collect();
    pack(sections.iter().map(Vec::as_slice))
}

/// All files in one input, as they are.
pub(crate) fn packed_raw() -> Vec<u8> {
    pack(GOOD.values().map(Vec::as_slice))
}

/// One file as it is.
pub(crate) fn whole(kind: &str) -> Vec<u8> {
    GOOD[names(&[kind])[0]].clone()
}

/// Sections of files of these kinds are the input's.
fn forged(kinds: &[&str], data: &[u8]) {
    let mut files = GOOD.clone();
    let mut pieces = Pieces(data);
    for name in names(kinds) {
        let mut sections = contents(&files[name]);
        sections
            .iter_mut()
            .for_each(|s| s.1 = pieces.next().to_vec());
        replace(&mut files, name, &sections);
    }
    check(&files);
}

/// The input as one file, whatever its directory says.
pub fn frame(data: &[u8]) {
    for name in names(&["manifest", "documents"]) {
        let mut files = GOOD.clone();
        let mut file = data.to_vec();
        repair(&mut file);
        files.insert(name.to_owned(), file);
        if name != MANIFEST && data.len() >= 128 {
            name_in_manifest(&mut files, name);
        }
        check(&files);
    }
}

/// Every section of every file.
pub fn index(data: &[u8]) {
    forged(&[""], data);
}

/// Every byte of every file, with checksums as they come.
pub fn index_raw(data: &[u8]) {
    let mut pieces = Pieces(data);
    let files = GOOD
        .keys()
        .map(|name| (name.clone(), pieces.next().to_vec()));
    check(&files.collect());
}

/// The manifest.
pub fn manifest(data: &[u8]) {
    forged(&["manifest"], data);
}

/// Centroids, cells, groups and buckets.
pub fn codebook(data: &[u8]) {
    forged(&["codebook"], data);
}

/// Vector offsets and keys.
pub fn documents(data: &[u8]) {
    forged(&["documents"], data);
}

/// Codes and residuals.
pub fn vectors(data: &[u8]) {
    forged(&["codes", "residuals"], data);
}

/// Elias-Fano coded posting lists.
pub fn postings(data: &[u8]) {
    forged(&["postings"], data);
}

/// Lists of deleted documents, and the manifest, which counts them.
pub fn deletions(data: &[u8]) {
    forged(&["deletions", "manifest"], data);
}

/// Blocks of stored text.
pub fn text(data: &[u8]) {
    forged(&["text"], data);
}

/// The metadata of documents by field and value.
pub fn columns(data: &[u8]) {
    forged(&["columns"], data);
}

/// Posting lists of words.
pub fn words(data: &[u8]) {
    forged(&["words"], data);
}

/// The good index.
pub(crate) fn good() -> Index {
    open(&GOOD).expect("it is good")
}

/// Opens, uses and verifies. What `verify` finds nothing wrong with must also give right results.
fn check(files: &Files) {
    let index = match open(files) {
        Ok(index) => index,
        Err(Error::Format(_) | Error::Io { .. } | Error::NotAnIndex { .. }) => return,
        Err(other) => panic!("another kind of error: {other}"),
    };
    let used = use_it(&index);
    match (index.verify(), used) {
        (Ok(()), used) => used.expect("what verify finds nothing wrong with can be used"),
        (Err(Error::Format(_)), Ok(()) | Err(Error::Format(_))) => {}
        (verified, used) => panic!("errors of another kind: {verified:?}, {used:?}"),
    }
}

/// Does everything, and returns the first error of all that comes.
fn use_it(index: &Index) -> Result<()> {
    let mut result = Ok(());
    let mut note = |outcome: Result<()>| {
        if result.is_ok() {
            result = outcome;
        }
    };
    let dim = index.dim();
    let values: Vec<f32> = (0..3 * dim).map(|i| (i % 7) as f32 - 3.0).collect();
    let query = Query::new(&values, dim).expect("the query is good");
    for exact in [false, true] {
        let options = SearchOptions::default()
            .k(3)
            .exact(exact)
            .n_probe(2)
            .candidates(Some(4))
            .rerank(Some(3));
        note(index.search(&query, &options).map(|found| {
            assert!(found.hits.len() <= 3);
            assert!(
                found
                    .hits
                    .is_sorted_by(|a, b| a.score.total_cmp(&b.score).is_ge())
            );
        }));
    }
    for doc in index.doc_ids().take(64) {
        note(index.document(doc).and_then(|document| {
            // A damaged key table may lead to another document or none, but not to a panic.
            index.find(&document.key).map(drop)
        }));
        note(index.key(doc).map(drop));
        note(index.token_vectors(doc).map(drop));
        note(index.explain(&query, doc).map(drop));
    }
    note(index.find("doc-7").map(drop));
    note(index.info().map(drop));
    note(use_columns(index));
    note(use_words(index));
    result
}

/// Filters, lists fields and counts values. What is not there is no damage.
fn use_columns(index: &Index) -> Result<()> {
    let unless_missing = |outcome: Result<()>| match outcome {
        Err(Error::Filter(_) | Error::NoColumns { .. }) => Ok(()),
        outcome => outcome,
    };
    for filter in [
        "n >= 1 OR s LIKE 'a%' OR t IN (TRUE, 'b', 0.5)",
        "NOT o.p IS NULL AND n IS NOT NULL",
        "s LIKE '%b%'",
    ] {
        let filter = Filter::parse(filter).expect("it is a filter");
        unless_missing(index.matching(&filter).map(|found| {
            assert!(found.iter().count() as u64 == found.len());
            assert!(found.len() <= index.num_documents());
        }))?;
    }
    unless_missing(index.fields().map(drop))?;
    let all = index.document_set(index.doc_ids())?;
    for path in ["n", "s", "o.p"] {
        for among in [None, Some(&all)] {
            unless_missing(
                index
                    .facets(path, among, 3)
                    .map(|found| assert!(found.len() <= 3)),
            )?;
        }
    }
    Ok(())
}

/// Searches for words and phrases. An analyzer that is not there is no damage.
fn use_words(index: &Index) -> Result<()> {
    for query in ["text 7", "\"text of\"", "+text -3"] {
        let query = WordQuery::parse(query);
        match index.search_words(&query, &SearchOptions::default()) {
            Err(Error::NoWords { .. } | Error::Words(_)) => {}
            Err(other) => return Err(other),
            Ok(found) => {
                for hit in &found.hits {
                    assert!(hit.score.is_finite());
                    index.explain_words(&query, hit.doc)?;
                }
            }
        }
    }
    Ok(())
}
