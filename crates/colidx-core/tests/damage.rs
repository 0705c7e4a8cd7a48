//! Damaged indexes: a typed error or right results, never a panic; `verify` finds every flip.

mod common;

use colidx_core::storage::{Directory, Memory};
use colidx_core::*;
use common::counting::{Counting, peak};
use common::forge::{EDGE, Files, MANIFEST, directory, sections};
use common::*;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const DIM: usize = 16;

/// An index whose files can be changed and put back.
struct Victim {
    files: Files,
    memory: Memory,
    query: Query,
    values: Vec<f32>,
}

impl Victim {
    fn new() -> Self {
        let corpus = Corpus::topical(220, DIM, 31);
        let files = grown(&corpus, BuildOptions::default());
        let memory = Memory::default();
        for (name, bytes) in &files {
            memory.put(name, bytes);
        }
        let values = corpus.query(8, 1);
        Self {
            files,
            memory,
            query: Query::new(&values, DIM).unwrap(),
            values,
        }
    }

    fn open(&self) -> Result<Index> {
        Index::open_in(&Directory::over(Arc::new(self.memory.clone())))
    }

    fn size(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// Opens, searches each way, reads documents and verifies. Whether something was found wrong;
    /// whatever was, it was found by a typed error, and without taking memory that the files do not
    /// justify.
    fn use_it(&self) -> Result<()> {
        let (bytes, outcome) = peak(|| {
            let index = self.open()?;
            let used = self.search(&index);
            index.verify().and(used)
        });
        let allowed = 4 * self.size() + (1 << 20);
        assert!(
            bytes < allowed,
            "{bytes} bytes for an index of {}",
            self.size()
        );
        if let Err(error) = &outcome {
            assert!(matches!(error, Error::Format(_)), "{error}");
        }
        outcome
    }

    fn search(&self, index: &Index) -> Result<()> {
        for exact in [false, true] {
            let options = SearchOptions::default().exact(exact).candidates(Some(20));
            let results = index.search(&self.query, &options)?;
            for hit in &results.hits {
                index.document(hit.doc)?;
                index.explain(&self.query, hit.doc)?;
            }
        }
        index.find("doc-7")?;
        index.info()?;
        let filter = Filter::parse("s LIKE '%b' OR n >= 1 OR NOT o.p IS NULL").unwrap();
        // A field can go missing with its name.
        let unless_missing = |outcome: Result<()>| match outcome {
            Err(Error::Filter(_)) => Ok(()),
            outcome => outcome,
        };
        unless_missing(index.matching(&filter).map(drop))?;
        index.fields()?;
        index.facets("s", None, 10)?;
        index.search_words(
            &WordQuery::parse("\"text of\" 7"),
            &SearchOptions::default(),
        )?;
        Ok(())
    }

    /// What `--exact` finds is what the bytes that are there say, or an error.
    fn finds_what_is_there(&self) {
        let Ok(index) = self.open() else { return };
        let options = SearchOptions::default().exact(true);
        let readable = |doc| index.token_vectors(doc).is_ok() && index.key(doc).is_ok();
        if let Ok(results) = index.search(&self.query, &options)
            && index.doc_ids().all(readable)
        {
            let bits = |hits: Vec<(String, f32)>| -> Vec<(String, u32)> {
                hits.into_iter()
                    .map(|(key, s)| (key, s.to_bits()))
                    .collect()
            };
            let expected = oracle(&index, &self.values, options.k);
            assert_eq!(bits(found(&results)), bits(expected));
        }
    }
}

/// Every byte of header, directory and footer, and the ends of every section.
fn edges(file: &[u8]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..EDGE).chain(directory(file)..file.len()).collect();
    for (_, range) in sections(file).into_iter().filter(|(_, r)| !r.is_empty()) {
        places.extend([range.start, range.end - 1]);
    }
    places
}

#[test]
fn verify_finds_every_flipped_bit_and_nothing_panics() {
    let victim = Victim::new();
    victim.use_it().unwrap();
    let mut random = Random(1);
    let mut flips = 0;
    for (name, good) in &victim.files {
        let share = (times(1000) * good.len()).div_ceil(victim.size());
        let inside: Vec<usize> = (0..share).map(|_| random.below(good.len())).collect();
        for (number, at) in edges(good).into_iter().chain(inside).enumerate() {
            let mut bad = good.clone();
            bad[at] ^= 1 << random.below(8);
            victim.memory.put(name, &bad);
            assert!(victim.use_it().is_err(), "{name} byte {at}");
            if number % 16 == 0 {
                victim.finds_what_is_there();
            }
            flips += 1;
        }
        victim.memory.put(name, good);
    }
    victim.use_it().unwrap();
    println!("{flips} bits flipped, all found");
}

#[test]
fn truncated_and_missing_files_are_refused_at_open() {
    let victim = Victim::new();
    let mut cuts = 0;
    for (name, good) in &victim.files {
        let refused = |bytes: &[u8]| {
            victim.memory.put(name, bytes);
            let error = victim.use_it().unwrap_err();
            assert!(
                victim.open().is_err(),
                "{name} of {} bytes opens",
                bytes.len()
            );
            assert!(error.to_string().contains(name), "{error} names the file");
        };
        let mut places = vec![0, EDGE, good.len() / 2, directory(good), good.len() - EDGE];
        places.extend(sections(good).iter().flat_map(|(_, r)| [r.start, r.end]));
        for place in places {
            for cut in place.saturating_sub(2)..=place + 2 {
                refused(&good[..cut]);
                cuts += 1;
            }
        }
        refused(&good[..good.len() - 1]);
        for more in [1, 63, 64, 4096] {
            refused(&[&good[..], &vec![0; more]].concat());
            // Behind the footer of another: the end alone looks right.
            refused(&[&vec![0; more], &good[..]].concat());
        }
        let mut without = victim.files.clone();
        without.remove(name);
        let error = open(&without).unwrap_err();
        match error {
            Error::ManifestMissing { .. } => assert_eq!(name, MANIFEST),
            Error::Io { .. } => assert!(error.to_string().contains(name), "{error}"),
            other => panic!("{name}: {other}"),
        }
        victim.memory.put(name, good);
    }
    println!("{cuts} truncations, all refused");
}

#[test]
fn files_of_another_index_generation_or_kind_are_refused() {
    let corpus = Corpus::topical(220, DIM, 31);
    let ours = built(&corpus, BuildOptions::default());
    // The same documents, with another seed: every size is the same.
    let other_seed = BuildOptions::default().seed(7);
    let other = built(&corpus, other_seed.clone());
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    corpus
        .build_in(&directory, BuildOptions::default())
        .unwrap();
    let replaced = other_seed.force(true);
    corpus.build_in(&directory, replaced).unwrap();
    let next = files_of(&memory);
    assert_eq!(files_of(&memory).len(), ours.len(), "the old files went");

    let mut swaps = 0;
    let mut refused = |files: Files, what: String| {
        let error = open(&files).expect_err(&what);
        assert!(
            matches!(error, Error::Format(_) | Error::Io { .. }),
            "{what}: {error}"
        );
        swaps += 1;
    };
    let data = |name: &&String| *name != MANIFEST;
    for name in ours.keys().filter(data) {
        let with = |bytes: &[u8]| {
            let mut files = ours.clone();
            files.insert(name.clone(), bytes.to_vec());
            files
        };
        // Keys and text do not depend on the seed.
        if other[name] != ours[name] {
            refused(with(&other[name]), format!("{name} of another index"));
        }
        for another in ours.keys().filter(|another| *another != name) {
            refused(with(&ours[another]), format!("{another} as {name}"));
        }
        let later = next.keys().find(|n| n[..5] == name[..5]).unwrap();
        if next[later] != ours[name] {
            refused(with(&next[later]), format!("{later} as {name}"));
        }
    }
    for name in ours.keys().filter(data) {
        let mut files = ours.clone();
        files.insert(MANIFEST.into(), ours[name].clone());
        refused(files, format!("{name} as the manifest"));
    }
    let mut files = ours.clone();
    files.insert(MANIFEST.into(), next[MANIFEST].clone());
    refused(files, "the manifest of a later generation".into());
    files = next;
    files.insert(MANIFEST.into(), ours[MANIFEST].clone());
    refused(files, "the manifest of an earlier generation".into());
    println!("{swaps} swaps, all refused");
}

/// In the file system a name may be something else altogether.
#[cfg(unix)]
#[test]
fn pipes_folders_and_links_that_lead_nowhere_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(20, DIM, 31);
    corpus
        .build(folder.path(), BuildOptions::default())
        .unwrap();
    for name in [MANIFEST, "codes-00000001.clx"] {
        let path = folder.path().join(name);
        let good = std::fs::read(&path).unwrap();
        let refused = || {
            let error = Index::open(folder.path()).unwrap_err();
            assert!(
                error.to_string().contains(name) || name == MANIFEST,
                "{error}"
            );
            assert!(
                matches!(error, Error::Io { .. } | Error::NotAnIndex { .. }),
                "{error}"
            );
        };
        std::fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        refused();
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        refused();
        std::fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        refused();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, good).unwrap();
    }
    Index::open(folder.path()).unwrap();
}
