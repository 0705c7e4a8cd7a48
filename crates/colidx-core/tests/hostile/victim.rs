//! An index to be changed, and everything that can be done with one.

use crate::common::counting::peak;
use crate::common::forge::{Files, Sections, contents, replace, without_features};
use crate::common::{Corpus, grown, open};
use colidx_core::*;

pub const DIM: usize = 16;

/// Centroids: more than words, so that words have some of their own; no power of two, so that some
/// codes name none.
pub const K: usize = 300;

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// A good index of two segments and some deletions, of which copies are changed.
pub struct Victim {
    pub good: Files,
    pub query: Query,
}

impl Victim {
    pub fn new() -> Self {
        let corpus = Corpus::topical(300, DIM, 41);
        let options = BuildOptions::default().centroids(Some(K));
        let good = grown(&corpus, options);
        assert_eq!(open(&good).unwrap().info().unwrap().centroids, K);
        let query = Query::new(&corpus.query(8, 1), DIM).unwrap();
        Self { good, query }
    }

    /// One from before there were columns and words: its text may be anything.
    pub fn without_features() -> Self {
        let victim = Self::new();
        Self {
            good: without_features(&victim.good),
            ..victim
        }
    }

    pub fn name(&self, kind: &str) -> &str {
        self.good
            .keys()
            .find(|name| name.starts_with(kind))
            .unwrap()
    }

    pub fn good(&self, kind: &str) -> &[u8] {
        &self.good[self.name(kind)]
    }

    /// With one section changed.
    pub fn forge(&self, kind: &str, section: &str, change: impl FnOnce(&mut Vec<u8>)) -> Files {
        self.forge_file(kind, |sections| {
            let found = sections.iter_mut().find(|s| s.0 == section.as_bytes());
            change(&mut found.unwrap().1);
        })
    }

    /// With one file changed, which the manifest names.
    pub fn forge_file(&self, kind: &str, change: impl FnOnce(&mut Sections)) -> Files {
        let mut files = self.good.clone();
        let mut forged = contents(self.good(kind));
        change(&mut forged);
        replace(&mut files, self.name(kind), &forged);
        files
    }

    /// Opens, uses and verifies, with memory in proportion to the files.
    pub fn check(&self, files: &Files) -> (Result<()>, Result<()>) {
        let (bytes, outcome) = peak(|| match open(files) {
            Ok(index) => (use_it(&index, &self.query), index.verify()),
            Err(error) => (Ok(()), Err(error)),
        });
        let size: usize = files.values().map(Vec::len).sum();
        // A block of text may grow to 32 MiB from next to nothing, as a block of one letter does.
        // Nothing else may.
        let allowed = 4 * size + (1 << 20);
        assert!(bytes < allowed, "{bytes} bytes for an index of {size}");
        outcome
    }
}

/// Searches each way and reads every document; the first error, of all that is asked.
pub fn use_it(index: &Index, query: &Query) -> Result<()> {
    let mut result = Ok(());
    let mut note = |outcome: Result<()>| {
        if result.is_ok() {
            result = outcome;
        }
    };
    // Few probes walk over the graph, where there is one, many score all centroids.
    for (exact, probes) in [(false, 1), (false, 1000), (true, 1)] {
        for parallel in [false, true] {
            let options = SearchOptions::default()
                .exact(exact)
                .parallel(parallel)
                .n_probe(probes)
                .candidates(Some(20));
            note(index.search(query, &options).map(|results| {
                let mut scores = results.hits.iter().map(|hit| hit.score);
                assert!(scores.all(f32::is_finite), "{results:?}");
            }));
        }
    }
    for (number, doc) in index.doc_ids().enumerate() {
        note(index.document(doc).map(drop));
        note(index.token_vectors(doc).map(drop));
        if number % 16 == 0 {
            note(index.explain(query, doc).map(|matches| {
                let mut scores = matches.iter().map(|found| found.score);
                assert!(scores.all(f32::is_finite), "{matches:?}");
            }));
        }
    }
    note(index.find("doc-7").map(drop));
    note(index.info().map(drop));
    note(use_columns(index, query));
    note(use_words(index));
    result
}

/// Filters each way, fields and values; an index without them, or a field that is not there, is no
/// fault.
fn use_columns(index: &Index, query: &Query) -> Result<()> {
    let unless_missing = |outcome: Result<()>| match outcome {
        Err(Error::Filter(_) | Error::NoColumns { .. }) => Ok(()),
        outcome => outcome,
    };
    for filter in [
        "n >= 1 OR s LIKE 'a%' OR t IN (TRUE, 'b', 0.5)",
        "NOT o.p IS NULL AND n IS NOT NULL",
        "\"in\" <> 1 AND s > ''",
        "s LIKE '%b%'",
    ] {
        let filter = Filter::parse(filter).unwrap();
        unless_missing(index.matching(&filter).map(|found| {
            assert!(found.len() <= index.num_documents());
            found.iter().for_each(|doc| drop(index.key(doc)));
        }))?;
        let options = SearchOptions::default().filter(filter);
        unless_missing(index.search(query, &options).map(drop))?;
    }
    unless_missing(index.fields().map(drop))?;
    for path in ["n", "s", "o.p", "none"] {
        for most in [1, usize::MAX] {
            unless_missing(index.facets(path, None, most).map(drop))?;
        }
        let all = index.document_set(index.doc_ids())?;
        unless_missing(index.facets(path, Some(&all), 10).map(drop))?;
    }
    Ok(())
}

/// Searches for words and phrases.
fn use_words(index: &Index) -> Result<()> {
    for query in ["text 7", "\"text of\" added", "+text -3"] {
        let query = WordQuery::parse(query);
        match index.search_words(&query, &SearchOptions::default()) {
            Err(Error::NoWords { .. }) => {}
            Err(other) => return Err(other),
            Ok(results) => {
                let mut hits = results.hits.iter();
                assert!(hits.all(|hit| hit.score.is_finite()));
                for hit in &results.hits {
                    index.explain_words(&query, hit.doc)?;
                }
            }
        }
    }
    Ok(())
}

/// Changes bytes of a section.
pub fn put(at: usize, bytes: &[u8]) -> impl Fn(&mut Vec<u8>) {
    move |section| section[at..at + bytes.len()].copy_from_slice(bytes)
}
