//! Small corpora of made-up vectors, and the plain MaxSim that everything is compared with.
#![allow(dead_code)] // each test binary uses its own part of this

pub mod counting;
pub mod crash;
pub mod forge;
pub mod live;
pub mod metadata;
pub mod words;

use colidx_core::storage::Memory;
use colidx_core::*;
use forge::Files;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;

/// How many times as much a test does that tries things at random: `COLIDX_TEST_TIMES`, 1 where it
/// is not set.
pub fn times(usual: usize) -> usize {
    let times = std::env::var("COLIDX_TEST_TIMES").ok();
    usual
        * times.map_or(1, |n| {
            n.parse().expect("COLIDX_TEST_TIMES is a whole number")
        })
}

/// A small generator with a fixed sequence (SplitMix64), so that failures repeat.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Roughly normal.
    pub fn normal(&mut self) -> f32 {
        (0..6)
            .map(|_| self.next() as f32 / u64::MAX as f32 - 0.5)
            .sum()
    }
}

/// Token vectors of a corpus, by document.
#[derive(Debug, Clone)]
pub struct Corpus {
    pub dim: usize,
    pub documents: Vec<Vec<f32>>,
    pub token_ids: Vec<Vec<u32>>,
}

impl Corpus {
    /// Documents about topics: tokens of one vocabulary id lie near each other, as a model's do.
    pub fn topical(documents: usize, dim: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let words: Vec<Vec<f32>> = (0..200)
            .map(|_| unit((0..dim).map(|_| random.normal()).collect()))
            .collect();
        let mut corpus = Self {
            dim,
            documents: Vec::new(),
            token_ids: Vec::new(),
        };
        for document in 0..documents {
            let topic = random.below(40);
            let len = if document % 17 == 16 {
                0
            } else {
                3 + random.below(40)
            };
            let (mut vectors, mut ids) = (Vec::new(), Vec::new());
            for _ in 0..len {
                let word = (topic * 5 + random.below(30)) % words.len();
                let noisy = words[word]
                    .iter()
                    .map(|w| w + 0.25 * random.normal())
                    .collect();
                vectors.extend(unit(noisy));
                ids.push(word as u32);
            }
            corpus.documents.push(vectors);
            corpus.token_ids.push(ids);
        }
        corpus
    }

    /// Query vectors near some document's tokens.
    pub fn query(&self, tokens: usize, seed: u64) -> Vec<f32> {
        let mut random = Random(seed);
        let source = loop {
            let document = &self.documents[random.below(self.documents.len())];
            if !document.is_empty() {
                break document;
            }
        };
        let rows = source.len() / self.dim;
        let mut query = Vec::new();
        for _ in 0..tokens {
            let row = random.below(rows) * self.dim;
            let noisy = source[row..row + self.dim]
                .iter()
                .map(|v| v + 0.2 * random.normal());
            query.extend(unit(noisy.collect()));
        }
        query
    }

    pub fn build(&self, path: &Path, options: BuildOptions) -> Result<CommitReport> {
        self.build_in(&Directory::new(path), options)
    }

    pub fn build_in(&self, directory: &Directory, options: BuildOptions) -> Result<CommitReport> {
        let mut builder = filled(directory, self.documents.len(), options)?;
        builder.commit(&mut self.clone(), &NoProgress)
    }
}

/// A builder with as many documents, of which a [`Corpus`] knows the vectors.
pub fn filled(
    directory: &Directory,
    documents: usize,
    options: BuildOptions,
) -> Result<IndexWriter> {
    let mut builder = IndexWriter::create_in(directory, options)?;
    for document in 0..documents {
        let (key, text) = (key(document), format!("text of {document}"));
        let metadata = metadata::of(document as u64);
        builder.add(NewDocument::new(&key).text(&text).metadata(metadata))?;
    }
    Ok(builder)
}

pub fn key(document: usize) -> String {
    format!("doc-{document}")
}

impl VectorSource for Corpus {
    fn dim(&self) -> usize {
        self.dim
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        for d in documents {
            assert_eq!(
                d.text,
                format!("text of {}", d.ordinal),
                "the right text comes back"
            );
            let vectors = &self.documents[d.ordinal as usize];
            out.lens.push((vectors.len() / self.dim) as u32);
            out.vectors.extend_from_slice(vectors);
            out.token_ids
                .extend_from_slice(&self.token_ids[d.ordinal as usize]);
        }
        Ok(())
    }
}

pub fn unit(mut v: Vec<f32>) -> Vec<f32> {
    let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    v.iter_mut().for_each(|x| *x /= norm);
    v
}

/// MaxSim written down plainly: the oracle. Bit-equal to the engine's by the kernels' rule.
pub fn maxsim(query: &[f32], document: &[f32], dim: usize) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0f32, |acc, (x, y)| x.mul_add(*y, acc));
    query
        .chunks_exact(dim)
        .map(|q| {
            document
                .chunks_exact(dim)
                .map(|d| dot(d, q))
                .fold(f32::NEG_INFINITY, f32::max)
        })
        .fold(0f32, |sum, best| sum + best)
}

/// Keys and scores of the `k` best documents by the oracle over the index's decoded vectors.
pub fn oracle(index: &Index, query: &[f32], k: usize) -> Vec<(String, f32)> {
    let mut all: Vec<(String, f32)> = index
        .doc_ids()
        .filter_map(|doc| {
            let vectors = index.token_vectors(doc).unwrap();
            let key = index.key(doc).unwrap().to_owned();
            (!vectors.is_empty()).then(|| (key, maxsim(query, &vectors, index.dim())))
        })
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

pub fn found(results: &SearchResults) -> Vec<(String, f32)> {
    results
        .hits
        .iter()
        .map(|h| (h.key.clone(), h.score))
        .collect()
}

/// Whether `files` are all in `of`, which may hold what could not be removed.
pub fn are_in(files: &Files, of: &Files) -> bool {
    files
        .iter()
        .all(|(name, bytes)| of.get(name) == Some(bytes))
}

/// The files of an index of a corpus.
pub fn built(corpus: &Corpus, options: BuildOptions) -> Files {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    corpus.build_in(&directory, options).unwrap();
    files_of(&memory)
}

/// The files of an index of a corpus that has grown: a second segment, of one document so that its
/// posting lists name their centroids, and two commits of deletions, of three documents and of one.
pub fn grown(corpus: &Corpus, options: BuildOptions) -> Files {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    corpus.build_in(&directory, options).unwrap();
    let options = WriterOptions::default().merge(false);
    let mut writer = IndexWriter::open_in(&directory, options).unwrap();
    let last = corpus.documents.len() - 1;
    for document in [4, 5, last] {
        assert!(writer.delete(&key(document)).unwrap());
    }
    let added = NewDocument::new("added").text("text of 0");
    let added = added.metadata(metadata::of(7));
    writer.add(added).unwrap();
    writer.commit(&mut corpus.clone(), &NoProgress).unwrap();
    assert!(writer.delete(&key(last - 1)).unwrap());
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    files_of(&memory)
}

/// The files of an index in memory.
pub fn files_of(memory: &Memory) -> Files {
    let mut files = memory.files();
    files.retain(|name, _| name != "lock");
    files
}

/// Opens an index of these files.
pub fn open(files: &Files) -> Result<Index> {
    let files = files.iter().map(|(name, bytes)| (&name[..], &bytes[..]));
    Index::open_in(&Directory::over(Arc::new(Memory::with_files(files))))
}
