//! What one huge query needs does not stay for the index's life. Alone in its program, whose memory
//! it measures.
#![cfg(target_os = "linux")]

mod common;

use colidx_core::*;
use common::*;

const DIM: usize = 16;
const CENTROIDS: usize = 8192;

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() << 10
}

fn query(tokens: usize) -> Query {
    let mut random = Random(7);
    let rows = (0..tokens).flat_map(|_| unit((0..DIM).map(|_| random.normal()).collect()));
    Query::new(&rows.collect::<Vec<f32>>(), DIM).unwrap()
}

#[test]
fn the_buffers_of_a_huge_query_are_given_back() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(1500, DIM, 5);
    let options = BuildOptions::default().centroids(Some(CENTROIDS));
    let report = corpus.build(tmp.path(), options).unwrap();
    assert_eq!(report.centroids, CENTROIDS);
    let index = Index::open(tmp.path()).unwrap();
    // Enough for the scores of all centroids to be computed.
    let options = SearchOptions::default().n_probe(64);
    let usual = query(32);
    index.search(&usual, &options).unwrap();
    let before = resident();
    let huge = query(4000);
    let table = CENTROIDS * 4000 * 2;
    index.search(&huge, &options).unwrap();
    let kept = resident().saturating_sub(before);
    println!("{kept} bytes kept of a table of {table}");
    assert!(kept < table / 2, "{kept} bytes are kept");
    index.search(&usual, &options).unwrap();
}
