use super::*;
use colidx_core::{BuildOptions, IndexWriter, NewDocument, NoProgress, NoVectors};
use colidx_data::embeddings::Embeddings;
use std::fs;

use crate::corpus::read_records;
use crate::{EmbeddingsSource, Index};
use colidx_data::{Corpus, CorpusOptions};

fn unit(n: usize) -> Vec<f32> {
    let angle = |at: usize| ((n * 37 + at * at * 11) as f32 * 0.7).sin();
    let vector: Vec<f32> = (0..8).map(angle).collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / length).collect()
}

/// 40 documents of 0 to 4 vectors, two of them deleted.
fn index(folder: &Path) -> Index {
    let options = BuildOptions::default().dim(8).nbits(8);
    let path = folder.join("x.colidx");
    let mut writer = IndexWriter::create(&path, options).unwrap();
    for n in 0..40usize {
        let vectors: Vec<f32> = (0..n % 5).flat_map(|at| unit(n * 5 + at)).collect();
        let (key, text) = (format!("d {n}"), format!("text of {n}"));
        let new = NewDocument::new(&key)
            .text(&text)
            .metadata("{\"page\": 3, \"text\": 1}");
        writer.add_vectors(new, &vectors, &[]).unwrap();
    }
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    writer.delete("d 3").unwrap();
    writer.delete("d 4").unwrap();
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    drop(writer);
    Index::open(path).unwrap()
}

fn protected() -> Protected {
    Protected::new(colidx_core::MAGIC)
}

fn all(index: &Index) -> Vec<(String, Vec<f32>)> {
    let docs = index.doc_ids();
    docs.map(|doc| {
        (
            index.key(doc).unwrap().to_owned(),
            index.token_vectors(doc).unwrap(),
        )
    })
    .collect()
}

/// Builds the index again from what was written.
fn again(folder: &Path, vectors: &Path) -> Index {
    let mut source = EmbeddingsSource::open(vectors).unwrap();
    let options = CorpusOptions::new().beside_vectors(Some("vectors".to_owned()));
    let mut corpus = Corpus::open(&[folder.join(RECORDS)], options).unwrap();
    let path = folder.join("again.colidx");
    let mut writer = IndexWriter::create(&path, BuildOptions::default().nbits(8)).unwrap();
    let mut add = |document: &NewDocument<'_>| writer.add(document);
    read_records(&mut corpus, &mut source, &mut |_| true, &mut add).unwrap();
    writer.commit(&mut source, &NoProgress).unwrap();
    drop(writer);
    Index::open(path).unwrap()
}

#[test]
fn what_is_written_builds_the_same_documents() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    for (form, vectors) in [
        (ExportForm::Npy, ""),
        (ExportForm::Safetensors, ""),
        (ExportForm::JsonLines, RECORDS),
        #[cfg(feature = "parquet")]
        (ExportForm::Parquet, parquet::FILE),
    ] {
        for half in [false, true] {
            let out = folder.path().join(format!("{form:?} {half}"));
            let options = ExportOptions::new(form).half(half);
            let done = export(&index, &out, &options, &protected(), &mut |_| true).unwrap();
            assert_eq!((done.documents, done.fields_left_out), (38, 38));
            let built = again(&out, &out.join(vectors));
            let (expected, got) = (all(&index), all(&built));
            assert_eq!(done.vectors, built.num_vectors());
            for ((key, vectors), (found, other)) in expected.iter().zip(&got) {
                assert_eq!((key, vectors.len()), (found, other.len()));
                let near = |(a, b): (&f32, &f32)| (a - b).abs() < 0.02;
                assert!(vectors.iter().zip(other).all(near), "{form:?} {key}");
            }
            let doc = built.find("d 7").unwrap().unwrap();
            let document = built.document(doc).unwrap();
            assert_eq!(
                (&*document.text, &*document.metadata),
                ("text of 7", "{\"page\":3}")
            );
        }
    }
}

#[test]
fn nothing_is_written_over_and_a_stop_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let out = folder.path().join("out");
    let options = ExportOptions::new(ExportForm::Safetensors);
    let stopped = export(&index, &out, &options, &protected(), &mut |done| done < 9);
    assert!(matches!(stopped, Err(ExportError::Cancelled)));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    fs::write(out.join(RECORDS), "mine").unwrap();
    let refused = export(&index, &out, &options, &protected(), &mut |_| true);
    assert!(matches!(
        refused,
        Err(ExportError::Output(OutputError::Exists { .. }))
    ));
    assert_eq!(fs::read(out.join(RECORDS)).unwrap(), b"mine");
    let inside = folder.path().join("x.colidx");
    assert!(export(&index, &inside, &options, &protected(), &mut |_| true).is_err());
}

#[test]
fn keys_that_a_form_cannot_have_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.colidx");
    let mut writer = IndexWriter::create(&path, BuildOptions::default().dim(2)).unwrap();
    writer
        .add_vectors("__metadata__", &[1.0, 0.0], &[])
        .unwrap();
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    drop(writer);
    let index = Index::open(path).unwrap();
    let out = folder.path().join("out");
    let go = |form| {
        let options = ExportOptions::new(form).nbits(Some(2));
        export(&index, &out, &options, &protected(), &mut |_| true)
    };
    assert!(matches!(
        go(ExportForm::Safetensors),
        Err(ExportError::Unfit { .. })
    ));
    // Two dimensions of two bits are no whole byte.
    assert!(matches!(
        go(ExportForm::FastPlaid),
        Err(ExportError::Unfit { .. })
    ));
    let embeddings = |form| {
        go(form).unwrap();
        Embeddings::open(&out).unwrap().documents()
    };
    assert_eq!(embeddings(ExportForm::Npy), 1);
}

#[cfg(feature = "import")]
#[test]
fn an_index_of_fast_plaid_is_imported_again() {
    use crate::import::ForeignIndex;
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    for (nbits, most) in [(2, 0.25), (4, 0.08), (8, 0.03)] {
        let out = folder.path().join(format!("out {nbits}"));
        let options = ExportOptions::new(ExportForm::FastPlaid).nbits(Some(nbits));
        let done = export(&index, &out, &options, &protected(), &mut |_| true).unwrap();
        let foreign = ForeignIndex::open(&out).unwrap();
        assert_eq!(
            (foreign.len() as u64, foreign.vector_count()),
            (38, done.vectors)
        );
        let (mut reader, mut squares) = (foreign.vectors(), 0.0);
        for (document, (_, expected)) in all(&index).iter().enumerate() {
            let mut vectors = Vec::new();
            let tokens = reader.read(document, &mut vectors).unwrap();
            assert_eq!(tokens as usize * 8, expected.len());
            squares += vectors
                .iter()
                .zip(expected)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>();
        }
        let error = (squares / done.vectors as f32).sqrt();
        assert!(error < most, "{nbits} bits: {error}");
    }
}
