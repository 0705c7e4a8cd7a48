//! Many threads that search while one writes: every result is that of some commit.
//!
//! It takes three seconds, `COLIDX_TEST_TIMES=20` a minute.

mod common;

use colidx_core::*;
use common::live::*;
use common::{Random, found, oracle, times};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const READERS: u64 = 8;
const K: usize = 7;

/// Keys and scores, best first.
type Hits = Vec<(String, f32)>;

fn assert_shared<T: Send + Sync>() {}

#[test]
fn an_index_can_be_shared_by_threads() {
    assert_shared::<Index>();
    assert_shared::<Query>();
    assert_shared::<Directory>();
    fn assert_send<T: Send>() {}
    assert_send::<IndexWriter>();
}

/// What every query finds in a state, by a plain scan: all documents with vectors.
type State = Arc<Vec<Hits>>;

fn expected(index: &Index, queries: &[Vec<f32>]) -> State {
    let all = |query: &Vec<f32>| oracle(index, query, usize::MAX);
    Arc::new(queries.iter().map(all).collect())
}

/// What a reader saw.
struct Seen {
    generation: u64,
    query: usize,
    exact: bool,
    hits: Hits,
}

impl Seen {
    /// Exact searches find the best; quick ones as many, in order, with the right scores.
    fn check(&self, state: &State) {
        let (all, hits) = (&state[self.query], &self.hits);
        let count = K.min(all.len());
        assert_eq!(hits.len(), count, "generation {}", self.generation);
        if self.exact {
            assert_eq!(*hits, all[..count], "generation {}", self.generation);
        }
        let places = hits.iter().map(|hit| all.iter().position(|h| h == hit));
        let places: Option<Vec<usize>> = places.collect();
        assert!(places.is_some_and(|p| p.is_sorted_by(|a, b| a < b)));
    }
}

#[test]
fn searches_beside_a_writer_see_whole_commits() {
    let seconds = times(3) as u64;
    let tmp = tempfile::tempdir().unwrap();
    let directory = Directory::new(tmp.path());
    let mut random = Random(1);
    let mut map: Map = (0..300)
        .map(|d| (format!("key {d}"), text(&mut random)))
        .collect();
    let options = BuildOptions {
        centroids: Some(24),
        ..Default::default()
    };
    build(&directory, &map, options);
    let queries: Vec<Vec<f32>> = (0..4).map(|_| query(&mut random)).collect();
    let first = Index::open_in(&directory).unwrap();
    let mut states = BTreeMap::from([(1, expected(&first, &queries))]);
    let done = AtomicBool::new(false);

    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (directory, queries, done) = (&directory, &queries, &done);
                scope.spawn(move || read(directory, queries, done, reader))
            })
            .collect();
        let options = WriterOptions {
            merge: false,
            ..Default::default()
        };
        let mut writer = IndexWriter::open_in(&directory, options).unwrap();
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            change(&mut writer, &mut map, &mut random);
            states.insert(
                writer.index().generation(),
                expected(writer.index(), &queries),
            );
            // Merging makes commits that hold the same.
            let same = states[&writer.index().generation()].clone();
            let before = writer.index().generation();
            match random.below(8) {
                0 => writer.compact(&NoProgress),
                _ => writer.merge(&NoProgress),
            }
            .unwrap();
            for generation in before..=writer.index().generation() {
                states.insert(generation, same.clone());
            }
            if random.below(30) == 0 {
                let options = RetrainOptions::default();
                writer.retrain(None, &options, &NoProgress).unwrap();
                states.insert(
                    writer.index().generation(),
                    expected(writer.index(), &queries),
                );
            }
            check_documents(writer.index(), &map, -1.1);
        }
        done.store(true, Ordering::Relaxed);
        readers
            .into_iter()
            .flat_map(|r| r.join().unwrap())
            .collect()
    });
    seen.iter()
        .for_each(|seen| seen.check(&states[&seen.generation]));
    let generations: BTreeSet<u64> = seen.iter().map(|seen| seen.generation).collect();
    println!(
        "{} searches of {} generations, of {} that were committed",
        seen.len(),
        generations.len(),
        states.len()
    );
    assert!(generations.len() > 3, "readers move on");
}

/// Searches until it is told that the writer is done, and moves on from time to time.
fn read(directory: &Directory, queries: &[Vec<f32>], done: &AtomicBool, seed: u64) -> Vec<Seen> {
    let mut random = Random(seed);
    let mut index = Index::open_in(directory).unwrap();
    let mut seen = Vec::new();
    while !done.load(Ordering::Relaxed) {
        match random.below(12) {
            0 => index = Index::open_in(directory).unwrap(),
            1..4 => index = index.reload().unwrap().unwrap_or(index),
            _ => {}
        }
        let number = random.below(queries.len());
        let query = Query::new(&queries[number], DIM).unwrap();
        let exact = random.below(2) == 0;
        let options = SearchOptions::default()
            .k(K)
            .exact(exact)
            .n_probe(2)
            .candidates(Some(20));
        let results = index.search(&query, &options).unwrap();
        for hit in &results.hits {
            assert_eq!(index.document(hit.doc).unwrap().key, hit.key);
        }
        seen.push(Seen {
            generation: index.generation(),
            query: number,
            exact,
            hits: found(&results),
        });
    }
    seen
}

/// One commit of some adds, updates and deletes.
fn change(writer: &mut IndexWriter, map: &mut Map, random: &mut Random) {
    for _ in 0..1 + random.below(20) {
        let (key, text) = (format!("key {}", random.below(400)), text(random));
        if random.below(2) == 0 {
            writer.update(&document(&key, &text)).unwrap();
            map.insert(key, text);
        } else {
            let deleted = writer.delete(&key).unwrap();
            assert_eq!(deleted, map.remove(&key).is_some());
        }
    }
    writer.commit(&mut Words, &NoProgress).unwrap();
}
