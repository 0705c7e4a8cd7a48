//! Building: awkward corpora, bad input, and what stays behind when it fails.

mod common;

use colidx_core::storage::Memory;
use colidx_core::*;
use common::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(path)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| {
            (
                e.file_name().into_string().unwrap(),
                std::fs::read(e.path()).unwrap(),
            )
        })
        .collect()
}

fn search_all(index: &Index, dim: usize) -> Vec<Hit> {
    let query = Query::new(&unit(vec![1.0; dim]), dim).unwrap();
    index
        .search(&query, &SearchOptions::default())
        .unwrap()
        .hits
}

#[test]
fn the_same_input_gives_the_same_bytes_for_any_number_of_threads_and_any_memory() {
    let corpus = Corpus::topical(600, 32, 21);
    let mut built = Vec::new();
    for (threads, mut memory) in [(1, 2 << 30), (2, 48 << 20), (8, 0)] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        // Too little says what would do, first for the documents and then for their codebook, too.
        loop {
            let tmp = tempfile::tempdir().unwrap();
            let options = BuildOptions::default().memory(memory);
            match pool.install(|| corpus.build(tmp.path(), options)) {
                Err(Error::Memory { got, least, .. }) if got < least => memory = least as usize,
                done => {
                    done.unwrap();
                    built.push(files(tmp.path()));
                    break;
                }
            }
        }
    }
    assert!(built[0] == built[1] && built[1] == built[2]);
    let tmp = tempfile::tempdir().unwrap();
    let options = BuildOptions::default().seed(1);
    corpus.build(tmp.path(), options).unwrap();
    assert!(
        built[0] != files(tmp.path()),
        "another seed gives another index"
    );
}

#[test]
fn an_index_in_memory_is_the_one_on_disk() {
    let corpus = Corpus::topical(200, 16, 3);
    let tmp = tempfile::tempdir().unwrap();
    corpus.build(tmp.path(), BuildOptions::default()).unwrap();
    let memory = storage::Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    corpus
        .build_in(&directory, BuildOptions::default())
        .unwrap();
    assert!(memory.files() == files(tmp.path()));
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    let query = Query::new(&corpus.query(8, 1), 16).unwrap();
    let hits = |index: &Index| {
        index
            .search(&query, &SearchOptions::default())
            .unwrap()
            .hits
    };
    assert_eq!(hits(&index), hits(&Index::open(tmp.path()).unwrap()));
}

#[test]
fn no_documents_and_no_vectors_make_an_index() {
    let corpora = [vec![], vec![vec![]], vec![vec![]; 3]];
    for documents in corpora {
        let tmp = tempfile::tempdir().unwrap();
        let corpus = Corpus {
            dim: 8,
            token_ids: vec![vec![]; documents.len()],
            documents,
        };
        let report = corpus.build(tmp.path(), BuildOptions::default()).unwrap();
        assert_eq!((report.vectors, report.centroids), (0, 0));
        assert_eq!(report.without_vectors, corpus.documents.len() as u64);
        let index = Index::open(tmp.path()).unwrap();
        index.verify().unwrap();
        assert_eq!(index.num_documents(), corpus.documents.len() as u64);
        assert_eq!(search_all(&index, 8), []);
    }
}

#[test]
fn one_document_identical_documents_and_fewer_vectors_than_centroids() {
    let vector = unit((0..8).map(|i| i as f32).collect());
    for documents in [1, 5] {
        for nbits in [1, 2, 4, 8] {
            let tmp = tempfile::tempdir().unwrap();
            let corpus = Corpus {
                dim: 8,
                documents: vec![vector.repeat(3); documents],
                token_ids: vec![vec![1, 2, 3]; documents],
            };
            let options = BuildOptions::default().nbits(nbits).centroids(1000);
            let report = corpus.build(tmp.path(), options).unwrap();
            assert!((1..=3).contains(&report.centroids), "{}", report.centroids);
            let index = Index::open(tmp.path()).unwrap();
            index.verify().unwrap();
            let hits = search_all(&index, 8);
            assert_eq!(hits.len(), documents);
            let keys: Vec<String> = (0..documents).map(key).collect();
            assert!(
                hits.iter()
                    .zip(&keys)
                    .all(|(h, k)| h.key == *k && h.score == hits[0].score)
            );
            let stored = index.token_vectors(hits[0].doc).unwrap();
            let error = stored
                .iter()
                .zip(vector.iter().cycle())
                .map(|(a, b)| (a - b).abs());
            assert!(error.fold(0.0, f32::max) < 1e-3);
        }
    }
}

#[test]
fn more_bits_decode_closer() {
    let corpus = Corpus::topical(300, 32, 5);
    let mut last = f64::INFINITY;
    for nbits in [1, 2, 4, 8] {
        let tmp = tempfile::tempdir().unwrap();
        let options = BuildOptions::default().nbits(nbits).centroids(64);
        corpus.build(tmp.path(), options).unwrap();
        let index = Index::open(tmp.path()).unwrap();
        let error: f64 = index
            .doc_ids()
            .zip(&corpus.documents)
            .flat_map(|(doc, given)| {
                let stored = index.token_vectors(doc).unwrap();
                stored.into_iter().zip(given.clone()).collect::<Vec<_>>()
            })
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum();
        assert!(error < last / 2.5, "{nbits} bits: {error} after {last}");
        last = error;
    }
}

#[test]
fn stored_documents_come_back() {
    let tmp = tempfile::tempdir().unwrap();
    let mut builder = IndexWriter::create(tmp.path(), BuildOptions::default()).unwrap();
    let document = NewDocument::new("ключ/1")
        .title("A title")
        .text("Some text\nof two lines")
        .metadata(r#"{"year":1999}"#);
    builder.add(document).unwrap();
    assert_eq!(builder.num_staged(), 1);
    struct One;
    impl VectorSource for One {
        fn dim(&self) -> usize {
            4
        }
        fn encode(
            &mut self,
            documents: &[SourceDocument<'_>],
            out: &mut VectorBatch,
        ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            assert_eq!(
                (documents[0].title, documents[0].text),
                ("A title", "Some text\nof two lines")
            );
            out.lens.push(1);
            out.vectors.extend([0.0, 0.6, 0.8, 0.0]);
            Ok(())
        }
    }
    builder.commit(&mut One, &NoProgress).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let doc = index.find("ключ/1").unwrap().unwrap();
    let stored = index.document(doc).unwrap();
    assert_eq!(stored.key, document.key);
    assert_eq!(stored.title, document.title);
    assert_eq!(stored.text, document.text);
    assert_eq!(stored.metadata, document.metadata);
    assert_eq!(index.find("ключ/2").unwrap(), None);
}

#[test]
fn keys_are_checked() {
    let tmp = tempfile::tempdir().unwrap();
    let mut builder = IndexWriter::create(tmp.path(), BuildOptions::default()).unwrap();
    let add = |builder: &mut IndexWriter, key: &str| builder.add(NewDocument::new(key));
    add(&mut builder, "a").unwrap();
    assert!(matches!(add(&mut builder, "a"), Err(Error::DuplicateKey { key }) if key == "a"));
    assert!(matches!(
        add(&mut builder, ""),
        Err(Error::InvalidKey { got: 0, .. })
    ));
    let long = "k".repeat(MAX_KEY_BYTES + 1);
    assert!(matches!(
        add(&mut builder, &long),
        Err(Error::InvalidKey { .. })
    ));
    add(&mut builder, "b").unwrap();
    assert_eq!(builder.num_staged(), 2, "refused documents leave no trace");
}

#[test]
fn metadata_is_a_json_object_or_nothing() {
    let directory = Directory::memory();
    let with = |key, metadata| NewDocument::new(key).text("word").metadata(metadata);
    let refused = |outcome: Result<()>| {
        let error = outcome.unwrap_err();
        assert!(
            matches!(&error, Error::Metadata { key, .. } if key == "a"),
            "{error}"
        );
        assert!(error.to_string().contains("JSON object"), "{error}");
    };
    let bad = ["[]", "5", "null", "nonsense", "{\"a\":}", "{} {}", " "];
    let mut builder = IndexWriter::create_in(&directory, BuildOptions::default()).unwrap();
    for metadata in bad {
        refused(builder.add(with("a", metadata)));
    }
    builder.add(with("a", "")).unwrap();
    builder.commit(&mut live::Words, &NoProgress).unwrap();
    drop(builder);
    let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    for metadata in bad {
        refused(writer.update(with("a", metadata)).map(drop));
    }
    assert_eq!(writer.num_staged(), 0);
    writer.update(with("a", " {\"year\": [1999]}")).unwrap();
    writer.commit(&mut live::Words, &NoProgress).unwrap();
    writer.index().unwrap().verify().unwrap();
    let doc = writer.index().unwrap().find("a").unwrap().unwrap();
    let stored = writer.index().unwrap().document(doc).unwrap();
    assert_eq!(stored.metadata, " {\"year\": [1999]}");
}

/// When the numbers are used up, writers say so and leave the index as it is.
#[test]
fn no_file_has_a_number_of_nine_digits() {
    let corpus = Corpus::topical(30, 8, 1);
    let mut files = built(&corpus, BuildOptions::default());
    let mut sections = forge::contents(&files[forge::MANIFEST]);
    let head = sections.iter_mut().find(|s| &s.0 == b"HEAD").unwrap();
    head.1[28..32].copy_from_slice(&99_999_999u32.to_le_bytes());
    forge::replace(&mut files, forge::MANIFEST, &sections);
    let bytes = files.iter().map(|(name, bytes)| (&name[..], &bytes[..]));
    let directory = Directory::over(Arc::new(Memory::with_files(bytes)));
    let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    writer.delete(&key(0)).unwrap();
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    writer.index().unwrap().verify().unwrap();
    writer.delete(&key(1)).unwrap();
    let error = writer.commit(&mut NoVectors, &NoProgress).unwrap_err();
    assert!(
        matches!(error, Error::NoMoreNumbers { max: 99_999_999 }),
        "{error}"
    );
    drop(writer);
    let force = BuildOptions::default().force(true);
    let error = IndexWriter::create_in(&directory, force).err().unwrap();
    assert!(matches!(error, Error::NoMoreNumbers { .. }), "{error}");
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    assert_eq!(index.num_documents(), 29);
}

#[test]
fn an_index_is_replaced_only_when_told_and_readers_keep_the_old_one() {
    let tmp = tempfile::tempdir().unwrap();
    let first = Corpus::topical(50, 8, 1);
    let second = Corpus::topical(30, 8, 2);
    first.build(tmp.path(), BuildOptions::default()).unwrap();
    let error = second
        .build(tmp.path(), BuildOptions::default())
        .unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    let reader = Index::open(tmp.path()).unwrap();
    let before = search_all(&reader, 8);
    let force = BuildOptions::default().force(true);
    second.build(tmp.path(), force).unwrap();
    assert_eq!(search_all(&reader, 8), before);
    let index = Index::open(tmp.path()).unwrap();
    assert_eq!(
        (index.num_documents(), index.info().unwrap().generation),
        (30, 2)
    );
    index.verify().unwrap();
    assert_eq!(files(tmp.path()).len(), 11, "lock, manifest and nine files");
}

#[test]
fn a_damaged_index_can_be_replaced() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(50, 8, 1);
    corpus.build(tmp.path(), BuildOptions::default()).unwrap();
    let manifest = tmp.path().join("manifest");
    let mut bytes = std::fs::read(&manifest).unwrap();
    bytes[70] ^= 1;
    std::fs::write(&manifest, bytes).unwrap();
    assert!(Index::open(tmp.path()).is_err());
    let force = || BuildOptions::default().force(true);
    drop(IndexWriter::create(tmp.path(), force()).unwrap());
    assert_eq!(
        files(tmp.path()).len(),
        11,
        "a build given up removes nothing"
    );
    corpus.build(tmp.path(), force()).unwrap();
    Index::open(tmp.path()).unwrap().verify().unwrap();
    assert_eq!(files(tmp.path()).len(), 11);
}

#[test]
fn two_writers_do_not_meet() {
    let tmp = tempfile::tempdir().unwrap();
    let _first = IndexWriter::create(tmp.path(), BuildOptions::default()).unwrap();
    let second = IndexWriter::create(tmp.path(), BuildOptions::default());
    assert!(matches!(second, Err(Error::Locked { .. })));
}

#[test]
fn a_directory_with_other_files_is_left_alone() {
    let tmp = tempfile::tempdir().unwrap();
    std::fs::write(tmp.path().join("thesis.tex"), "years of work").unwrap();
    let error = IndexWriter::create(tmp.path(), BuildOptions::default())
        .err()
        .unwrap();
    assert!(matches!(&error, Error::DirectoryNotEmpty { found, .. } if found == "thesis.tex"));
    assert!(tmp.path().join("thesis.tex").exists());
    let error = Index::open(tmp.path()).unwrap_err();
    assert!(matches!(error, Error::NotAnIndex { .. }), "{error}");
}

#[test]
fn a_directory_is_no_index_for_a_file_called_manifest() {
    let tmp = tempfile::tempdir().unwrap();
    for (name, text) in [("manifest", "a ship's"), ("draft.new", "years of work")] {
        std::fs::write(tmp.path().join(name), text).unwrap();
    }
    for force in [false, true] {
        let options = BuildOptions::default().force(force);
        let error = IndexWriter::create(tmp.path(), options).err().unwrap();
        assert!(matches!(&error, Error::DirectoryNotEmpty { found, .. } if found == "manifest"));
    }
    let kept = ["manifest", "draft.new"].map(|name| std::fs::read(tmp.path().join(name)).unwrap());
    assert_eq!(kept, [b"a ship's".to_vec(), b"years of work".to_vec()]);
}

/// Fails in every phase that asks the source or the watcher. While nothing was encoded, that leaves
/// what was there before; afterwards, that and what was encoded.
#[test]
fn a_failed_build_leaves_what_was_there() {
    struct Fails(Corpus, u32);
    impl VectorSource for Fails {
        fn dim(&self) -> usize {
            self.0.dim
        }
        fn encode(
            &mut self,
            documents: &[SourceDocument<'_>],
            out: &mut VectorBatch,
        ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            self.0.encode(documents, out)?;
            match self.1 {
                0 => return Err("out of paper".into()),
                1 => out.lens.push(1),
                2 => out.vectors.truncate(out.vectors.len() - 1),
                3 => out.token_ids.truncate(1),
                _ => out.vectors[9] = f32::INFINITY,
            }
            Ok(())
        }
    }
    struct StopsAt(AtomicU64);
    impl Progress for StopsAt {
        fn phase(&self, _: Phase, _: Option<u64>) {}
        fn advance(&self, _: u64) {}
        fn cancelled(&self) -> bool {
            self.0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_err()
        }
    }
    let corpus = Corpus::topical(400, 8, 1);
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("new.colidx");
    let builder = || {
        let options = BuildOptions::default().force(true);
        let mut builder = IndexWriter::create(&path, options).unwrap();
        for document in 0..400 {
            let text = format!("text of {document}");
            let key = key(document);
            let new = NewDocument::new(&key).text(&text);
            builder.add(new).unwrap();
        }
        builder
    };
    let check = |before: &BTreeMap<String, Vec<u8>>| {
        for fault in 0..5 {
            let mut source = Fails(corpus.clone(), fault);
            let error = builder().commit(&mut source, &NoProgress).unwrap_err();
            match fault {
                0 => assert!(error.to_string().contains("out of paper"), "{error}"),
                4 => assert!(
                    error.to_string().contains("token 1, dimension 1"),
                    "{error}"
                ),
                _ => assert!(matches!(error, Error::Source { .. }), "{error}"),
            }
        }
        // At every question at first, at fewer and fewer of the many in training.
        let (mut at, mut stops, mut kept) = (0, 0, 0);
        loop {
            let after = if path.exists() {
                files(&path)
            } else {
                BTreeMap::new()
            };
            if IndexWriter::unfinished(&path).unwrap().is_some() {
                kept += 1;
                assert!(are_in(before, &after));
            } else {
                assert!(after == *before, "after stopping at question {at}");
            }
            let watch = StopsAt(AtomicU64::new(at));
            match builder().commit(&mut corpus.clone(), &watch) {
                Err(Error::Cancelled) => (at, stops) = (at + 1 + at / 8, stops + 1),
                Err(other) => panic!("{other}"),
                Ok(_) => break,
            }
        }
        assert!(stops >= 4, "the watcher is asked in every long phase");
        assert!(kept > 0 && kept < stops, "{kept} of {stops}");
    };
    check(&BTreeMap::new());
    let before = files(&path);
    check(&before);
}

#[test]
fn options_out_of_range_are_named() {
    let tmp = tempfile::tempdir().unwrap();
    let nbits = BuildOptions::default().nbits(3);
    let error = IndexWriter::create(tmp.path(), nbits).err().unwrap();
    assert_eq!(error.to_string(), "nbits is 3, but must be 1, 2, 4 or 8");
    let centroids = BuildOptions::default().centroids(0);
    assert!(IndexWriter::create(tmp.path(), centroids).is_err());
    let good = ModelInfo::new("tiny", 300, 32)
        .location("there")
        .fingerprint("0011")
        .architecture("bert")
        .document_marker("[D]")
        .query_marker("[Q]")
        .document_prompt("document: ")
        .skiplist(vec![".".into()]);
    let create = |change: &dyn Fn(&mut ModelInfo)| {
        let mut model = good.clone();
        change(&mut model);
        let options = BuildOptions::default().model(Some(model));
        IndexWriter::create_in(&Directory::memory(), options).map(drop)
    };
    create(&|_| {}).unwrap();
    for (says, change) in [
        (
            "document_length is 0",
            (|m| m.document_length = 0) as fn(&mut ModelInfo),
        ),
        ("query_length is 65537", |m| m.query_length = 65_537),
        ("document_marker is 1000000", |m| {
            m.document_marker = "x".repeat(1_000_000)
        }),
        ("query_prompt is 4097", |m| {
            m.query_prompt = "x".repeat(4097)
        }),
        ("skiplist is 5000", |m| m.skiplist.push("x".repeat(5000))),
        ("at most 1,048,576", |m| {
            m.skiplist = vec!["x".repeat(4096); 300]
        }),
    ] {
        let error = create(&change).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// Before hours of work and not after them.
#[test]
fn merging_is_refused_too_little_memory_before_anything_is_copied() {
    struct CopiesNothing;
    impl Progress for CopiesNothing {
        fn phase(&self, _: Phase, _: Option<u64>) {}
        fn advance(&self, done: u64) {
            panic!("{done} documents were copied");
        }
    }
    let before = grown(&Corpus::topical(60, 8, 1), BuildOptions::default());
    let stored = before.iter().map(|(name, bytes)| (&name[..], &bytes[..]));
    let memory = Memory::with_files(stored);
    let directory = Directory::over(Arc::new(memory.clone()));
    let compact = |memory: u64, progress: &dyn Progress| {
        let options = WriterOptions::default().memory(memory as usize);
        IndexWriter::open_in(&directory, options)
            .unwrap()
            .compact(progress)
    };
    let refused = compact(1 << 20, &CopiesNothing);
    let Err(Error::Memory { least, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(files_of(&memory) == before, "something was written");
    assert_eq!(compact(least, &NoProgress).unwrap().merged, 2);
}

/// A codebook that has a centroid for every vector leaves no residuals to learn buckets from, and
/// then none for what is added.
#[test]
fn what_is_added_to_a_small_index_is_kept_as_well_as_what_was_built() {
    for documents in [4, 20, 200] {
        let corpus = Corpus::topical(2 * documents, 32, 11);
        let (built, added) = corpus.documents.split_at(documents);
        let ids = corpus.token_ids.split_at(documents);
        let part = |documents: &[Vec<f32>], token_ids: &[Vec<u32>]| Corpus {
            dim: corpus.dim,
            documents: documents.to_vec(),
            token_ids: token_ids.to_vec(),
        };
        let directory = Directory::memory();
        part(built, ids.0)
            .build_in(&directory, BuildOptions::default())
            .unwrap();
        let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
        for document in 0..added.len() {
            let (key, text) = (format!("added-{document}"), format!("text of {document}"));
            let document = NewDocument::new(&key).text(&text);
            writer.add(document).unwrap();
        }
        writer.commit(&mut part(added, ids.1), &NoProgress).unwrap();
        let index = Index::open_in(&directory).unwrap();
        let mut closeness = [0.0, 0.0];
        for (at, (doc, given)) in index.doc_ids().zip(&corpus.documents).enumerate() {
            let stored = index.token_vectors(doc).unwrap();
            let product: f32 = stored.iter().zip(given).map(|(a, b)| a * b).sum();
            closeness[at / documents] += product;
        }
        for (sum, part) in closeness.iter().zip([built, added]) {
            let mean = sum / (part.concat().len() / corpus.dim) as f32;
            assert!(mean > 0.99, "{documents} documents: {closeness:?}, {mean}");
        }
    }
}
