//! A second reader, written from `index-format.md` alone: plain byte arithmetic, nothing of the
//! engine's parsing. What it reads must be what the engine reads. One module for each of its parts.

mod bytes;
mod codebook;
mod columns;
mod frame;
mod json;
mod manifest;
mod postings;
mod scores;
mod segment;
mod text;
mod words;

use manifest::read;
use scores::scores;
use std::path::Path;

#[derive(Debug, Clone, PartialEq)]
struct Document {
    key: String,
    fields: [String; 3],
    vectors: Vec<f32>,
}

fn same_as_the_engine(path: &Path) {
    let index = colidx_core::Index::open(path).unwrap();
    index.verify().unwrap();
    let theirs: Vec<Document> = index
        .doc_ids()
        .map(|doc| {
            let stored = index.document(doc).unwrap();
            Document {
                key: stored.key,
                fields: [stored.title, stored.text, stored.metadata],
                vectors: index.token_vectors(doc).unwrap(),
            }
        })
        .collect();
    let ours = read(path);
    assert_eq!(ours, theirs);
    let dim = index.dim();
    for tokens in [1, 3, 32] {
        let wave = |i: usize| ((i * i) as f32 * 0.37 + tokens as f32).sin();
        let query: Vec<f32> = (0..tokens * dim).map(wave).collect();
        let exact = colidx_core::SearchOptions::default()
            .k(ours.len())
            .exact(true);
        let found = colidx_core::Query::new(&query, dim).unwrap();
        let found = index.search(&found, &exact).unwrap().hits.into_iter();
        let found: Vec<(String, u32)> = found.map(|h| (h.key, h.score.to_bits())).collect();
        assert_eq!(found, scores(&ours, &query, dim));
    }
}

#[test]
fn the_golden_indexes_read_the_same() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    same_as_the_engine(&golden.join("v5"));
    same_as_the_engine(&golden.join("v5-features"));
    same_as_the_engine(&golden.join("v5-pooled"));
}

/// Metadata of every kind, and fields of several.
fn metadata(d: usize) -> String {
    let half = d as f64 / 2.0;
    match d % 9 {
        0 => String::new(),
        1 => "{}".into(),
        2 => format!(r#"{{"n":{d},"s":"{}","b":{}}}"#, d % 5, d.is_multiple_of(4)),
        3 => format!(r#"{{"n":{half:?},"s":["a","b\\u00e9",null,"a"],"z":-0.0}}"#),
        4 => {
            format!(r#" {{ "n" : [ {d} , -{d}, [1e3, {{"m":{d}}}] ] , "o":{{"p":[],"q":{{}}}} }}"#)
        }
        5 => format!(r#"{{"n":"{d}","n":{d},"a.b":1,"a\\c":{{"":null}},"":{{"x":true}}}}"#),
        6 => format!(r#"{{"n":9223372036854775808,"o":{{"p":{d}}}}}"#),
        7 => r#"{"n":[-9223372036854775808,9007199254740993.0,5e-324],"s":""}"#.into(),
        _ => format!(r#"{{"n":null,"o":[{{"p":"{d}"}},{{"p":false}}],"a":{{"b":{d}}}}}"#),
    }
}

#[test]
fn indexes_of_every_width_read_the_same() {
    use colidx_core::*;
    struct Waves {
        dim: usize,
        unit: bool,
    }
    impl VectorSource for Waves {
        fn dim(&self) -> usize {
            self.dim
        }
        fn encode(
            &mut self,
            documents: &[SourceDocument<'_>],
            out: &mut VectorBatch,
        ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
            for d in documents {
                let len = d.ordinal % 7;
                out.lens.push(len);
                for row in 0..len {
                    let first = row as usize * self.dim;
                    let mut values: Vec<f32> = (first..first + self.dim)
                        .map(|i| (i as f32 + 3.7 * d.ordinal as f32).sin())
                        .collect();
                    if self.unit {
                        let length = values.iter().map(|x| x * x).sum::<f32>().sqrt();
                        values.iter_mut().for_each(|x| *x /= length);
                    }
                    out.vectors.extend(values);
                }
            }
            Ok(())
        }
    }
    // Lists of one centroid are as dense as lists can be, those of hundreds nearly empty.
    for (dim, nbits, centroids, unit) in [
        (1, 2, 1, false),
        (5, 1, 2, false),
        (7, 2, 3, true),
        (13, 4, 200, false),
        (6, 8, 64, false),
        (37, 1, 65, true),
        (37, 4, 900, true),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        let options = BuildOptions::default()
            .nbits(nbits)
            .centroids(Some(centroids))
            .pooling((nbits == 8).then(|| Pooling::new(2)))
            .analyzer(Analyzer::by_name(["plain", "english"][usize::from(unit)]).unwrap());
        let mut builder = IndexWriter::create(tmp.path(), options).unwrap();
        for d in 0..300 {
            // One word is in nearly all, often; others in some or few.
            let text = "word ".repeat(d) + &format!("a{} b{}", d % 3, d / 40);
            let key = format!("key {d}");
            let title = "a title of ".repeat(d % 2);
            let metadata = metadata(d);
            let document = NewDocument::new(&key).title(&title);
            let document = document.text(&text).metadata(&metadata);
            builder.add(document).unwrap();
        }
        let mut source = Waves { dim, unit };
        builder.commit(&mut source, &NoProgress).unwrap();
        drop(builder);
        same_as_the_engine(tmp.path());

        // A second, small segment; deletions in both and in one file and another.
        let options = WriterOptions::default().merge(false);
        let mut writer = IndexWriter::open(tmp.path(), options).unwrap();
        for d in 290..300 {
            let (key, text) = (format!("key {d}"), format!("new {d}"));
            let metadata = metadata(d + 1);
            let document = NewDocument::new(&key).text(&text).metadata(&metadata);
            writer.update(document).unwrap();
        }
        writer.commit(&mut source, &NoProgress).unwrap();
        assert!(writer.delete("key 7").unwrap() && writer.delete("key 291").unwrap());
        writer.commit(&mut NoVectors, &NoProgress).unwrap();
        same_as_the_engine(tmp.path());
        writer.compact(&NoProgress).unwrap();
        same_as_the_engine(tmp.path());
        // What searches find at each effort, beside all that.
        let query = Query::new(&vec![0.5; 2 * dim], dim).unwrap();
        writer.tune(&[query], &[3, 20], &NoProgress).unwrap();
        same_as_the_engine(tmp.path());
    }
}
