//! Forged indexes in which `verify` finds nothing wrong: everything that can be done with an index
//! works with them.

use crate::common::forge::{Files, contents, replace};
use crate::common::{Corpus, built, grown, times};
use crate::victim::use_it;
use colidx_core::storage::Memory;
use colidx_core::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::sync::{Arc, LazyLock};

const DIM: usize = 5;

/// A small index of two segments with some deletions, and its vectors; of unit length or not, with
/// cells and graph or not.
fn corpora() -> [(Corpus, Files); 3] {
    let unit = Corpus::topical(40, DIM, 3);
    let mut other = Corpus::topical(40, DIM, 4);
    let values = other.documents.iter_mut().flatten();
    values.zip(1..).for_each(|(x, at)| *x *= (at % 7) as f32);
    let options = |nbits| BuildOptions::default().nbits(nbits).centroids(30);
    let files = [
        grown(&unit, options(1)),
        grown(&other, options(2)),
        built(&other, options(4)),
    ];
    let corpora = [unit, other.clone(), other];
    let mut pairs = corpora.into_iter().zip(files);
    std::array::from_fn(|_| pairs.next().unwrap())
}

/// Something that is done to one section.
#[derive(Debug, Clone)]
enum Lie {
    /// All its floats are multiplied.
    Scale(f32),
    /// One of its floats becomes another.
    Float(prop::sample::Index, u32),
    /// Some bytes become others.
    Bytes(Vec<(prop::sample::Index, u8)>),
    /// Bytes come before, behind, or go.
    Grow(bool, Vec<u8>),
    Cut(prop::sample::Index),
}

impl Lie {
    fn tell(&self, section: &mut Vec<u8>) {
        match self {
            Lie::Scale(by) => {
                let (floats, _) = section.as_chunks_mut::<4>();
                for float in floats {
                    *float = (f32::from_le_bytes(*float) * by).to_le_bytes();
                }
            }
            Lie::Float(at, bits) if section.len() >= 4 => {
                let at = at.index(section.len() / 4) * 4;
                section[at..at + 4].copy_from_slice(&bits.to_le_bytes());
            }
            Lie::Bytes(bytes) if !section.is_empty() => {
                for (at, byte) in bytes {
                    let at = at.index(section.len());
                    section[at] = *byte;
                }
            }
            Lie::Grow(true, bytes) => section.extend(bytes),
            Lie::Grow(false, bytes) => drop(section.splice(..0, bytes.iter().copied())),
            Lie::Cut(at) => section.truncate(at.index(section.len() + 1)),
            Lie::Float(..) | Lie::Bytes(_) => {}
        }
    }
}

/// Which file and section, and what is done to it. Every second is of what vectors decode by.
fn lies() -> impl Strategy<Value = Vec<(Option<usize>, prop::sample::Index, Lie)>> {
    let exponent = (-45i32..39).prop_map(|exponent| 10f64.powi(exponent) as f32);
    let floats = prop_oneof![
        exponent.prop_map(Lie::Scale),
        (any::<prop::sample::Index>(), any::<u32>()).prop_map(|(at, bits)| Lie::Float(at, bits)),
    ];
    let byte = prop_oneof![
        Just(0),
        Just(1),
        Just(0x7F),
        Just(0x80),
        Just(0xFF),
        any::<u8>()
    ];
    let bytes = prop::collection::vec(byte.clone(), 1..9);
    let at = any::<prop::sample::Index>;
    let anything = prop_oneof![
        6 => prop::collection::vec((at(), byte), 1..4).prop_map(Lie::Bytes),
        1 => (any::<bool>(), bytes).prop_map(|(behind, bytes)| Lie::Grow(behind, bytes)),
        1 => at().prop_map(Lie::Cut),
    ];
    let lie = prop_oneof![
        ((0usize..4).prop_map(Some), at(), floats),
        (Just(None), at(), anything),
    ];
    prop::collection::vec(lie, 1..3)
}

fn forge(good: &Files, lies: &[(Option<usize>, prop::sample::Index, Lie)]) -> Files {
    let mut files = good.clone();
    for (table, at, lie) in lies {
        let name = match table {
            Some(_) => files.keys().find(|name| name.starts_with("codebook")),
            None => files.keys().nth(at.index(files.len())),
        };
        let name = name.unwrap().clone();
        let mut sections = contents(&files[&name]);
        let section = match table {
            Some(table) => {
                let tag = [b"STEP", b"SCAL", b"WGHT", b"GAIN"][*table];
                sections.iter().position(|s| s.0 == *tag).unwrap()
            }
            None => at.index(sections.len()),
        };
        lie.tell(&mut sections[section].1);
        replace(&mut files, &name, &sections);
    }
    files
}

/// Whether the codebook bounds what its codes can decode to (index-format.md, section 7). One that
/// does not can leave a writer without a code that it may store for a vector it has not seen.
fn bounded(files: &Files) -> bool {
    let (_, codebook) = files
        .iter()
        .find(|(name, _)| name.starts_with("codebook"))
        .unwrap();
    let sections = contents(codebook);
    let floats = |tag: &[u8; 4]| -> Vec<f64> {
        let (_, bytes) = sections.iter().find(|section| section.0 == *tag).unwrap();
        let (floats, _) = bytes.as_chunks::<4>();
        floats
            .iter()
            .map(|float| f64::from(f32::from_le_bytes(*float)).abs())
            .collect()
    };
    let greatest = |tag| floats(tag).into_iter().fold(0.0, f64::max);
    let weight = greatest(b"GAIN") * greatest(b"WGHT");
    let steps = floats(b"STEP").into_iter().zip(floats(b"SCAL"));
    let squares = steps.map(|(step, scale)| (128.0 * step + scale * weight).powi(2));
    squares.sum::<f64>() <= 2f64.powi(124)
}

/// What every writer does, one after the other, each time to an index that is whole then.
fn write(directory: &Directory, corpus: &Corpus, bounded: bool) -> Result<()> {
    let whole = |directory: &Directory| Index::open_in(directory)?.verify();
    let open = || {
        let model = Index::open_in(directory)?.model().cloned();
        let options = WriterOptions::default().model(model);
        IndexWriter::open_in(directory, options)
    };
    let mut writer = open()?;
    let index = writer.index().unwrap();
    let kept = index
        .doc_ids()
        .last()
        .map(|doc| index.key(doc).map(str::to_owned));
    if let Some(key) = kept.transpose()? {
        assert!(writer.delete(&key)?);
        writer.commit(&mut NoVectors, &NoProgress)?;
        whole(directory)?;
    }
    writer.compact(&NoProgress)?;
    whole(directory)?;
    writer.add(NewDocument::new("one more").text("text of 0"))?;
    let added = writer.commit(&mut corpus.clone(), &NoProgress);
    // Of vectors that are all of unit length now, or of another dimension, it takes no others.
    match added {
        Err(Error::NotUnitLength { .. } | Error::SourceDimension { .. }) => {}
        Err(Error::Uncommittable { .. }) if !bounded => {}
        added => drop(added?),
    }
    whole(directory)?;
    match writer.retrain(None, &RetrainOptions::default(), &NoProgress) {
        // Rounded again, vectors of nearly the greatest length may be longer than that.
        Err(Error::Uncommittable { .. }) if longest(writer.index().unwrap())? > 2f64.powi(60) => {}
        retrained => drop(retrained?),
    }
    whole(directory)
}

fn longest(index: &Index) -> Result<f64> {
    let mut longest = 0f64;
    for doc in index.doc_ids() {
        let vectors = index.token_vectors(doc)?;
        let squares = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let lengths = vectors.chunks_exact(index.dim()).map(squares);
        longest = lengths.fold(longest, f64::max);
    }
    Ok(longest.sqrt())
}

#[test]
fn what_verify_finds_nothing_wrong_with_can_be_used() {
    static CORPORA: LazyLock<[(Corpus, Files); 3]> = LazyLock::new(corpora);
    let config = Config {
        cases: times(300) as u32,
        failure_persistence: None,
        ..Config::default()
    };
    let (whole, all) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(config).run(&(0usize..3, lies()), |(which, lies)| {
        let (corpus, good) = &CORPORA[which];
        let files = forge(good, &lies);
        all.set(all.get() + 1);
        let memory = Memory::with_files(files.iter().map(|(name, bytes)| (&name[..], &bytes[..])));
        let directory = Directory::over(Arc::new(memory));
        let opened = Index::open_in(&directory).and_then(|index| index.verify().map(|()| index));
        let Ok(index) = opened else {
            return Ok(());
        };
        whole.set(whole.get() + 1);
        let query = corpus.query(4, 1);
        if index.dim() == DIM {
            let used = use_it(&index, &Query::new(&query, DIM).unwrap());
            used.map_err(|e| TestCaseError::fail(format!("use: {e}")))?;
        }
        let written = write(&directory, corpus, bounded(&files));
        written.map_err(|e| TestCaseError::fail(format!("write: {e}")))
    });
    outcome.unwrap();
    println!("{} of {} forgeries were whole", whole.get(), all.get());
    assert!(whole.get() * 10 > all.get());
}
