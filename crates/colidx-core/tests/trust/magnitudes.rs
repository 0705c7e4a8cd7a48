//! Vectors of any magnitude: stored so that all works, or refused by name.

use crate::common::crash::Contents;
use crate::common::{Corpus, key, times};
use colidx_core::storage::Memory;
use colidx_core::*;
use proptest::prelude::*;
use std::sync::Arc;

/// A value of any magnitude that f32 has, zero and the smallest among them.
fn any_finite() -> impl Strategy<Value = f32> {
    (any::<u32>(), 0..5u8).prop_map(|(bits, kind)| match kind {
        // Everything of the same size: what is far from what comes next is met elsewhere.
        0 => (bits % 1000) as f32 / 1000.0 - 0.5,
        1 => 0.0,
        _ => {
            let value = f32::from_bits(bits);
            if value.is_finite() { value } else { 1.0 }
        }
    })
}

/// Vectors of which whole columns have one exponent, as a dead dimension or one of another unit
/// has.
fn columns(dim: usize) -> impl Strategy<Value = Vec<f32>> {
    let exponents = proptest::collection::vec(-150..128i32, dim);
    let values = proptest::collection::vec(-1.0f32..1.0, dim * 60);
    (exponents, values).prop_map(move |(exponents, mut values)| {
        for row in values.chunks_exact_mut(dim) {
            for (value, &exponent) in row.iter_mut().zip(&exponents) {
                *value = (f64::from(*value) * 2f64.powi(exponent)) as f32;
            }
        }
        values
    })
}

fn corpus(dim: usize, vectors: Vec<f32>) -> Corpus {
    let documents: Vec<Vec<f32>> = vectors.chunks(dim * 5).map(<[f32]>::to_vec).collect();
    let tokens = |document: &Vec<f32>| vec![1; document.len() / dim];
    Corpus {
        dim,
        token_ids: documents.iter().map(tokens).collect(),
        documents,
    }
}

/// Refused with the document, or committed so that everything works.
fn is_refused_or_whole<T>(result: Result<T>, directory: &Directory, before: &Option<Contents>) {
    let now = Contents::of(directory).unwrap();
    match result {
        Ok(_) => {
            let index = Index::open_in(directory).unwrap();
            let decoded = now.unwrap().documents;
            assert!(decoded.iter().all(|(_, v)| v.iter().all(|v| v.is_finite())));
            let query = Query::new(&vec![0.5; index.dim()], index.dim()).unwrap();
            index.search(&query, &SearchOptions::default()).unwrap();
        }
        Err(error @ (Error::TooLong { .. } | Error::NotUnitLength { .. })) => {
            assert!(error.to_string().contains("`doc-"), "{error}");
            assert_eq!(&now, before);
        }
        Err(other) => panic!("{other}"),
    }
}

fn try_everything(first: &Corpus, second: &Corpus, nbits: u32) {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    let options = BuildOptions::default().nbits(nbits).force(true);
    let built = first.build_in(&directory, options.clone());
    is_refused_or_whole(built, &directory, &None);
    if Contents::of(&directory).unwrap().is_none() {
        let ones = corpus(first.dim, vec![0.25; first.dim * 20]);
        ones.build_in(&directory, options.clone()).unwrap();
    }

    let before = Contents::of(&directory).unwrap();
    let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    for number in 0..second.documents.len() {
        let text = format!("text of {number}");
        let key = format!("doc-{number} more");
        let added = NewDocument::new(&key).text(&text);
        writer.add(added).unwrap();
    }
    let added = writer.commit(&mut second.clone(), &NoProgress);
    is_refused_or_whole(added, &directory, &before);

    let whole = |result: Result<CommitReport>| {
        result.unwrap();
        is_refused_or_whole(Ok(()), &directory, &None);
    };
    writer.delete(&key(0)).unwrap();
    whole(writer.commit(&mut NoVectors, &NoProgress));
    whole(writer.compact(&NoProgress));
    whole(writer.retrain(None, &RetrainOptions::default(), &NoProgress));
    drop(writer);

    let before = Contents::of(&directory).unwrap();
    let rebuilt = second.build_in(&directory, options);
    is_refused_or_whole(rebuilt, &directory, &before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(times(24) as u32))]

    #[test]
    fn vectors_of_any_magnitude_are_stored_or_refused(
        first in proptest::collection::vec(any_finite(), 4 * 40),
        second in proptest::collection::vec(any_finite(), 4 * 40),
        nbits in prop_oneof![Just(1u32), Just(2), Just(4), Just(8)],
    ) {
        try_everything(&corpus(4, first), &corpus(4, second), nbits);
    }

    #[test]
    fn columns_of_any_magnitude_are_stored_or_refused(
        first in columns(5),
        second in columns(5),
        nbits in prop_oneof![Just(1u32), Just(2), Just(4), Just(8)],
    ) {
        try_everything(&corpus(5, first), &corpus(5, second), nbits);
    }
}

/// One document whose numbers leave the range, among others: named with row and column, and nothing
/// is changed.
#[test]
fn a_vector_that_is_too_long_is_refused_by_name() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("index");
    let good = Corpus::topical(40, 8, 1);
    good.build(&path, BuildOptions::default()).unwrap();
    let directory = Directory::new(&path);
    let before = Contents::of(&directory).unwrap();
    let mut bad = Corpus::topical(40, 8, 2);
    bad.documents[7][2 * 8 + 5] = -1e20;
    let force = BuildOptions::default().force(true);
    match bad.build(&path, force) {
        Err(Error::TooLong {
            what,
            row,
            column,
            value,
            ..
        }) => {
            assert_eq!(
                (what.as_str(), row, column, value),
                ("document `doc-7`", 2, 5, -1e20)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(Contents::of(&directory).unwrap(), before);
}
