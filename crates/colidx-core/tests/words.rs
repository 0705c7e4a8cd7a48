//! Search by words, by words and vectors, and with filters over both.

mod common;

use colidx_core::*;
use common::live::{self, text, vectors};
use common::*;

fn writer(directory: &Directory) -> IndexWriter {
    let options = BuildOptions::default().dim(live::DIM);
    IndexWriter::create_in(directory, options).unwrap()
}

fn add(writer: &mut IndexWriter, key: &str, text: &str) {
    let metadata = format!("{{\"length\": {}}}", text.len());
    let document = NewDocument::new(key).text(text).metadata(&metadata);
    writer.add_vectors(document, &vectors(text), &[]).unwrap();
}

fn commit(writer: &mut IndexWriter) {
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
}

/// A text that is not empty.
fn some_text(random: &mut Random) -> String {
    loop {
        let text = text(random);
        if !text.is_empty() {
            return text;
        }
    }
}

/// An index of random texts in several segments, with some deleted, and one that never had these.
fn changed_and_rebuilt() -> (Index, Index) {
    let mut random = Random(11);
    let texts: Vec<String> = (0..300).map(|_| text(&mut random)).collect();
    let (changed, rebuilt) = (Directory::memory(), Directory::memory());
    let mut writer_of_changed = writer(&changed);
    for (at, text) in texts.iter().enumerate() {
        add(&mut writer_of_changed, &key(at), text);
        if [150, 290, 295].contains(&at) {
            commit(&mut writer_of_changed);
        }
    }
    commit(&mut writer_of_changed);
    for at in (0..300).step_by(7) {
        assert!(writer_of_changed.delete(&key(at)).unwrap());
    }
    commit(&mut writer_of_changed);
    let mut writer_of_rebuilt = writer(&rebuilt);
    for (at, text) in texts.iter().enumerate().filter(|(at, _)| at % 7 != 0) {
        add(&mut writer_of_rebuilt, &key(at), text);
    }
    commit(&mut writer_of_rebuilt);
    let open = |directory| Index::open_in(directory).unwrap();
    (open(&changed), open(&rebuilt))
}

#[test]
fn a_changed_index_ranks_words_as_a_rebuilt_one() {
    let (changed, rebuilt) = changed_and_rebuilt();
    assert!(changed.info().unwrap().segments.len() > 1);
    changed.verify().unwrap();
    let mut random = Random(3);
    for round in 0..60 {
        let query = some_text(&mut random);
        let query = match round % 3 {
            0 => WordQuery::words(query),
            1 => WordQuery::parse(format!("+{query}")),
            _ => WordQuery::parse(query).settings(1.2, 0.75),
        };
        for k in [1, 10, 1000] {
            let options = SearchOptions::default().k(k);
            let found = |index: &Index| found(&index.search_words(&query, &options).unwrap());
            assert_eq!(found(&changed), found(&rebuilt), "{query:?}");
        }
    }
}

#[test]
fn a_hit_of_a_hybrid_search_has_both_exact_scores() {
    let (changed, rebuilt) = changed_and_rebuilt();
    let mut random = Random(5);
    for _ in 0..20 {
        let text = some_text(&mut random);
        let (query, words) = (
            Query::new(&vectors(&text), live::DIM).unwrap(),
            WordQuery::words(&text),
        );
        let all = SearchOptions::default().k(1000);
        let maxsim = changed
            .search(&query, &all.clone().exact(true))
            .unwrap()
            .hits;
        let bm25 = changed.search_words(&words, &all).unwrap().hits;
        for fusion in [
            Fusion::default(),
            Fusion::Rerank,
            Fusion::ReciprocalRank { k: 60.0 },
        ] {
            let search = |index: &Index, k| {
                let options = SearchOptions::default().k(k);
                index
                    .search_hybrid(&query, &words, fusion, &options)
                    .unwrap()
                    .hits
            };
            let hits = search(&changed, 10);
            assert_eq!(
                hits.len(),
                10.min(if fusion == Fusion::Rerank {
                    bm25.len()
                } else {
                    10
                })
            );
            for hit in &hits {
                let same = maxsim.iter().find(|other| other.key == hit.key).unwrap();
                assert_eq!(hit.maxsim, Some(same.score));
                let same = bm25.iter().find(|other| other.key == hit.key);
                assert_eq!(hit.bm25, Some(same.map_or(0.0, |other| other.score)));
            }
            assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
            if let Fusion::Convex { weight } = fusion {
                for hit in &hits {
                    let sum = weight * hit.maxsim.unwrap() + (1.0 - weight) * hit.bm25.unwrap();
                    assert_eq!(hit.score, sum);
                }
                let fewer = search(&changed, 3);
                assert_eq!(fewer[..], hits[..3], "a score does not depend on k");
                // The codebooks differ, so vectors decode a little differently.
                assert_eq!(search(&rebuilt, 1)[0].key, hits[0].key);
            }
        }
    }
}

#[test]
fn filters_and_demands_hold_in_every_search() {
    let (index, _) = changed_and_rebuilt();
    let long = Filter::field("length").ge(30);
    let matching = index.matching(&long).unwrap();
    let mut random = Random(7);
    let mut demanded = 0;
    for _ in 0..20 {
        let text = some_text(&mut random);
        let word = text.split(' ').next().unwrap();
        let query = Query::new(&vectors(&text), live::DIM).unwrap();
        let words = WordQuery::parse(format!("{text} -{word}"));
        let options = SearchOptions::default().k(50).filter(long.clone());
        let by_words = index.search_words(&words, &options).unwrap().hits;
        let both = index
            .search_hybrid(&query, &words, Fusion::default(), &options)
            .unwrap()
            .hits;
        let by_vectors = index.search(&query, &options).unwrap().hits;
        assert_eq!(by_vectors.len() as u64, matching.len().min(50));
        for hit in by_words.iter().chain(&both) {
            assert!(matching.contains(hit.doc));
            let stored = index.document(hit.doc).unwrap().text;
            assert!(
                stored.split(' ').all(|other| other != word),
                "{word} in {stored}"
            );
            demanded += 1;
        }
        for hit in &by_words {
            let found = index.explain_words(&words, hit.doc).unwrap();
            let sum: f32 = found.iter().map(|found| found.score).sum();
            assert!(
                (sum - hit.score).abs() < 1e-4 * hit.score,
                "{sum} {}",
                hit.score
            );
            assert!(
                found
                    .iter()
                    .all(|found| found.text.len() == found.frequency as usize)
            );
        }
    }
    assert!(demanded > 500, "{demanded}");
}

#[test]
fn words_can_be_taken_away_and_made_again() {
    let directory = Directory::memory();
    let mut writer = IndexWriter::create_in(
        &directory,
        BuildOptions::default().dim(live::DIM).analyzer(None),
    )
    .unwrap();
    add(&mut writer, "a", "running foxes");
    commit(&mut writer);
    add(&mut writer, "b", "a sleeping dog");
    commit(&mut writer);
    let query = WordQuery::words("fox");
    let search = || {
        let index = Index::open_in(&directory).unwrap();
        index.verify().unwrap();
        index.search_words(&query, &SearchOptions::default())
    };
    assert!(matches!(search(), Err(Error::NoWords { .. })));
    let english = Analyzer::by_name("english").unwrap();
    writer.set_analyzer(english, &NoProgress).unwrap();
    assert_eq!(search().unwrap().hits[0].key, "a");
    let generation = writer.index().unwrap().generation();
    writer.set_analyzer(english, &NoProgress).unwrap();
    assert_eq!(writer.index().unwrap().generation(), generation);
    writer
        .set_analyzer(Analyzer::by_name("plain").unwrap(), &NoProgress)
        .unwrap();
    assert!(search().unwrap().hits.is_empty(), "plain keeps the plural");
    add(&mut writer, "c", "one fox");
    commit(&mut writer);
    assert_eq!(search().unwrap().hits[0].key, "c");
    writer.set_analyzer(None, &NoProgress).unwrap();
    assert!(matches!(search(), Err(Error::NoWords { .. })));
}
