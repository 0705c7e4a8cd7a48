//! The test claims of BEIR's SciFact, if it is in a folder `shared` beside the repository or above;
//! otherwise the test prints that it skips.
//!
//! Pyserini's BM25 with k1 0.9 and b 0.4, title and text in one field, has an nDCG@10 of 0.6789 and
//! a Recall@100 of 0.9253 (`pyserini/2cr/beir.yaml`).

use colidx_lexical::{
    Analyzer, MemoryScratch, MemorySections, Options, Query, Search, Segment, Writer,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

fn scifact() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut folders = above.map(|folder| folder.join("shared/datasets/scifact"));
    folders.find(|folder| folder.exists())
}

fn lines(path: PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn field<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or("")
}

#[test]
fn scifact_is_ranked_as_by_pyserini() {
    let Some(folder) = scifact() else {
        eprintln!("skipped: no shared/datasets/scifact above this crate");
        return;
    };
    let english = Analyzer::by_name("english").unwrap();
    let documents = lines(folder.join("corpus.jsonl"));
    let mut writer = Writer::new(english, Options::default(), MemoryScratch);
    for document in &documents {
        let (title, text) = (field(document, "title"), field(document, "text"));
        writer.push(title, text).unwrap();
    }
    let mut sections = MemorySections::default();
    writer.finish(&mut sections).unwrap();
    let reader = sections.reader().unwrap();
    let segments = [Segment {
        reader: &reader,
        live: reader.live(&[]),
        hidden: &[],
    }];

    let mut relevant: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("qrels.tsv"))
        .unwrap()
        .lines()
        .skip(1)
    {
        let mut columns = line.split('\t');
        let mut column = || columns.next().unwrap().to_owned();
        let (query, document, grade) = (column(), column(), column());
        if grade != "0" {
            relevant.entry(query).or_default().insert(document);
        }
    }
    let (mut ndcg, mut recall) = (0.0, 0.0);
    for query in lines(folder.join("queries.jsonl")) {
        let Some(relevant) = relevant.get(field(&query, "_id")) else {
            continue;
        };
        let query = Query::words(field(&query, "text"), &english).unwrap();
        let hits = Search::new(&segments, &query).unwrap().top_k(100).unwrap();
        let found: Vec<bool> = hits
            .iter()
            .map(|hit| relevant.contains(field(&documents[hit.document as usize], "_id")))
            .collect();
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let got: f64 = (0..found.len().min(10))
            .filter(|&at| found[at])
            .map(gain)
            .sum();
        ndcg += got / (0..relevant.len().min(10)).map(gain).sum::<f64>();
        recall += found.iter().filter(|&&found| found).count() as f64 / relevant.len() as f64;
    }
    let queries = relevant.len() as f64;
    let (ndcg, recall) = (ndcg / queries, recall / queries);
    println!("{queries} queries: nDCG@10 {ndcg:.4}, Recall@100 {recall:.4}");
    assert_eq!(queries, 300.0);
    assert!((ndcg - 0.6789).abs() < 0.005, "nDCG@10 {ndcg}");
    assert!((recall - 0.9253).abs() < 0.005, "Recall@100 {recall}");
}
