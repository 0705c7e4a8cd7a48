//! From documents to a codebook and a segment: sample, train, encode.

use super::compress::Compressor;
use super::sample::Sample;
use super::segment::{Input, Phases, Written};
use super::train::train;
use super::{BuildOptions, Phase};
use crate::error::Result;
use crate::format::kind;
use crate::format::manifest::FileEntry;
use std::time::Instant;

pub(crate) struct Assembled {
    pub written: Written,
    pub codebook: FileEntry,
    pub centroids: usize,
    pub sample_vectors: u64,
}

/// Trains a codebook on a sample of the documents and writes both it and the segment, in files of one number.
pub(crate) fn assemble(
    mut input: Input<'_>,
    options: &BuildOptions,
    phases: &mut Phases,
) -> Result<Assembled> {
    let (directory, progress, number) = (input.directory(), input.progress(), input.number());
    let documents = input.len();
    let started = Instant::now();
    let mut reader = input.reader();
    let dim = reader.dim();
    let sample = Sample::draw(
        directory,
        &mut reader,
        documents,
        options.centroids,
        options.seed,
        progress,
    )?;
    phases.push((Phase::Sample, started.elapsed()));

    let started = Instant::now();
    let trained = train(&sample, dim, options, progress)?;
    let seal = trained.book.write(directory, number)?;
    phases.push((Phase::Train, started.elapsed()));

    let compressor = Compressor::new(&trained);
    Ok(Assembled {
        written: input.write(&compressor, Some(&sample), false, phases)?,
        codebook: FileEntry::new(kind::CODEBOOK, number, seal),
        centroids: compressor.centroids(),
        sample_vectors: sample.len() as u64,
    })
}
