//! A codebook large enough that search walks the graph of its centroids.

mod common;

use colidx_core::storage::Memory;
use colidx_core::*;
use common::*;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Topics, of as many words as a document has. Every word becomes a centroid, and a few more than
/// 65,536 have a graph.
const TOPICS: usize = 3300;
const LENGTH: usize = 20;
const CENTROIDS: usize = TOPICS * LENGTH;
/// Documents about a topic. With fewer than two vectors for each centroid every search would be
/// exact.
const ABOUT: usize = 3;
const DOCUMENTS: usize = TOPICS * ABOUT;
const DIM: usize = 8;
const QUERIES: u64 = 50;

/// Documents of as many different vectors as there are centroids, so that training needs no
/// k-means. They have no direction more than another, which is the hardest for a graph.
fn corpus() -> Corpus {
    let mut random = Random(31);
    let mut word = || unit((0..DIM).map(|_| random.normal()).collect());
    let words: Vec<Vec<f32>> = (0..CENTROIDS).map(|_| word()).collect();
    let document = |document: usize| {
        let word = |at: usize| {
            // The first document about a topic has each of its words.
            let word = if document < TOPICS {
                at
            } else {
                random.below(LENGTH)
            };
            words[document % TOPICS * LENGTH + word].clone()
        };
        (0..LENGTH).flat_map(word).collect()
    };
    Corpus {
        dim: DIM,
        documents: (0..DOCUMENTS).map(document).collect(),
        token_ids: vec![Vec::new(); DOCUMENTS],
    }
}

/// Query vectors near those of a document.
fn query(corpus: &Corpus, seed: u64) -> Query {
    let mut random = Random(seed);
    let document = &corpus.documents[random.below(DOCUMENTS)];
    let near = |vector: &[f32]| unit(vector.iter().map(|v| v + 0.1 * random.normal()).collect());
    let vectors: Vec<f32> = document.chunks(DIM).step_by(3).flat_map(near).collect();
    Query::new(&vectors, DIM).unwrap()
}

/// Watches training, of which the graph is the last part, and may cancel it there.
#[derive(Default)]
struct Training {
    total: AtomicU64,
    done: AtomicU64,
    cancels: bool,
}

impl Training {
    fn share(&self) -> f64 {
        self.done.load(Ordering::Relaxed) as f64 / self.total.load(Ordering::Relaxed) as f64
    }
}

impl Progress for Training {
    fn phase(&self, phase: Phase, total: Option<u64>) {
        if let (Phase::Train, Some(total)) = (phase, total) {
            self.total.store(total, Ordering::Relaxed);
        }
    }

    fn advance(&self, done: u64) {
        if self.total.load(Ordering::Relaxed) > 0 && self.share() < 1.0 {
            self.done.fetch_max(done, Ordering::Relaxed);
        }
    }

    fn cancelled(&self) -> bool {
        self.cancels && self.share() > 0.97
    }
}

fn build(
    directory: &Directory,
    corpus: &Corpus,
    threads: usize,
    progress: &dyn Progress,
) -> Result<CommitReport> {
    let options = BuildOptions::default()
        .centroids(Some(CENTROIDS))
        .resume(true);
    let mut builder = filled(directory, DOCUMENTS, options)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().unwrap();
    pool.install(|| builder.commit(&mut corpus.clone(), progress))
}

fn place() -> (Memory, Directory) {
    let memory = Memory::default();
    (memory.clone(), Directory::over(Arc::new(memory)))
}

/// In one test, for it takes seconds to make such a graph.
#[test]
fn many_centroids_have_a_graph_that_searches_walk() {
    let corpus = corpus();
    let (memory, directory) = place();
    let watch = Training {
        cancels: true,
        ..Default::default()
    };
    let stopped = build(&directory, &corpus, 1, &watch);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    let share = watch.share();
    assert!(share < 0.98, "the graph was made to its end: {share}");
    build(&directory, &corpus, 1, &NoProgress).unwrap();
    let files = files_of(&memory);

    let (memory, directory) = place();
    let watch = Training::default();
    let report = build(&directory, &corpus, 2, &watch).unwrap();
    assert_eq!(watch.share(), 1.0);
    assert_eq!(report.centroids, CENTROIDS);
    assert!(files == files_of(&memory), "threads change the bytes");

    let index = open(&files).unwrap();
    index.verify().unwrap();
    let info = index.info().unwrap();
    let sections = info.files.iter().flat_map(|file| &file.sections);
    let graph = sections.filter(|section| section.name == "GRPH");
    assert!(graph.map(|section| section.bytes).sum::<u64>() > CENTROIDS as u64);
    check_hits(&index, &corpus);
}

fn check_hits(index: &Index, corpus: &Corpus) {
    let usual = SearchOptions::default().k(ABOUT);
    let exact = usual.clone().exact(true);
    // As many probes as a walk may be asked for, and enough that all centroids are compared
    // instead.
    let [walked, dense] = [256, 258].map(|probes| usual.clone().n_probe(probes));
    let (mut recalled, mut best, mut same) = (0, 0, 0);
    for seed in 0..QUERIES {
        let query = query(corpus, seed);
        let hits = |options: &SearchOptions, scored: Range<u64>| {
            let results = index.search(&query, options).unwrap();
            assert_eq!(results.stats.exact, options.exact);
            let compared = results.stats.centroids_scored;
            assert!(scored.contains(&compared), "{compared} in {scored:?}");
            found(&results)
        };
        let both = |a: &[(String, f32)], b: &[(String, f32)]| {
            a.iter().filter(|&hit| b.contains(hit)).count()
        };
        let truth = hits(&exact, 0..1);
        let usual = hits(&usual, 1..CENTROIDS as u64 / 10);
        recalled += both(&usual, &truth);
        best += usize::from(usual[0] == truth[0]);
        let walked = hits(&walked, 1..CENTROIDS as u64 / 4);
        let dense = hits(&dense, CENTROIDS as u64..u64::MAX);
        same += both(&walked, &dense);
    }
    // Measured: 129, 50 and 142. Comparing all centroids also tells what the vectors are worth that
    // no probe leads to, so the last is not all.
    let all = QUERIES as usize * ABOUT;
    assert!(recalled >= all * 8 / 10, "{recalled} of {all}");
    assert_eq!(best, QUERIES as usize);
    assert!(same >= all * 90 / 100, "{same} of {all}");
}
