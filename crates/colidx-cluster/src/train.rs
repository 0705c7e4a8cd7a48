//! Trains a codebook on a sample.
//!
//! The sample is read part by part, twice: to measure the dispersion of each token, which decides
//! its share of the centroids, and to train. Tokens with a share below one centroid are pooled. A
//! token in several parts, one per cell, is trained cell by cell; its centroids are then refined by
//! a few passes over all of its parts.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::apportion::Dispersion;
use crate::backend::{Backend, Problem, trivial};
use crate::builtin::{Builtin, PASSES, fill};
use crate::lloyd::{Blocks, refine_blocks};
use crate::rng::mix;
use crate::rows::{Parts, Rows};
use crate::token_aware::{Piece, Plan};
use crate::{
    ClusterError, Codebook, CodebookKind, KMeans, Partition, Progress, SHARED, Sample, TrainOptions,
};

/// Bytes of vectors that a [`Partition`] needs to learn from.
pub const FIRST_BYTES: usize = 32 << 20;

/// Trains a codebook on a sample in memory. `progress` is called from any thread, at least after
/// every pass of every k-means problem; when it breaks, training stops.
///
/// No vectors, or zero centroids, give an empty codebook. With fewer distinct vectors than
/// centroids, each becomes a centroid.
///
/// # Errors
/// [`ClusterError`] if the backend is not in this build, the lengths of the sample do not match, a
/// value is not finite, a token-aware codebook lacks token ids, or faiss fails;
/// [`ClusterError::Cancelled`] when `progress` breaks.
pub fn train(
    sample: &Sample,
    options: &TrainOptions,
    progress: &(dyn Fn(Progress) -> ControlFlow<()> + Sync),
) -> Result<Codebook, ClusterError> {
    colidx_threads::ready();
    options.backend.resolve()?;
    sample.check()?;
    let &Sample { vectors, dim, .. } = sample;
    if options.centroids.min(sample.len()) == 0 {
        return Ok(Codebook::from_groups(dim, Vec::new()));
    }
    let token_ids = match options.kind {
        CodebookKind::Flat => &[],
        CodebookKind::TokenAware => sample.token_ids.ok_or(ClusterError::MissingTokenIds)?,
    };
    let row = |row: usize, rows: &mut Rows| {
        let id = token_ids.get(row).map(std::slice::from_ref);
        rows.extend(&vectors[row * dim..][..dim], id.unwrap_or_default());
    };
    let mut some = Rows::default();
    let step = (size_of_val(vectors) / FIRST_BYTES).max(1);
    (0..sample.len())
        .step_by(step)
        .for_each(|at| row(at, &mut some));
    let mut partition = Partition::new(&some, dim, sample.len() as u64, options);
    let mut parts = vec![Rows::default(); partition.len()];
    let mut labels = Vec::new();
    const CHUNK: usize = 1 << 14;
    for (first, chunk) in (0..).step_by(CHUNK).zip(vectors.chunks(CHUNK * dim)) {
        let ids = token_ids.chunks(CHUNK).nth(first / CHUNK);
        partition.assign(chunk, ids.unwrap_or_default(), &mut labels);
        for (at, part) in (first..).zip(&labels) {
            if let Some(part) = part {
                row(at, &mut parts[*part as usize]);
            }
        }
    }
    parts.iter_mut().for_each(|part| part.sort(dim));
    train_parts(&partition, &parts, options, progress)
}

/// As [`train`](fn@crate::train), for a sample of finite vectors that is read part by part. The
/// codebook does not depend on [`TrainOptions::memory`]. Without token ids all rows are of one
/// token, as in [`CodebookKind::Flat`].
///
/// # Errors
/// As [`train`](fn@crate::train), and [`ClusterError::Read`].
pub fn train_parts(
    partition: &Partition,
    parts: &dyn Parts,
    options: &TrainOptions,
    progress: &(dyn Fn(Progress) -> ControlFlow<()> + Sync),
) -> Result<Codebook, ClusterError> {
    colidx_threads::ready();
    let backend = options.backend.resolve()?;
    let dim = partition.dim();
    let centroids = options.centroids.min(partition.total());
    if centroids == 0 {
        return Ok(Codebook::from_groups(dim, Vec::new()));
    }
    let sample = InParts {
        partition,
        parts,
        memory: options.memory,
    };
    let tokens = sample.weigh()?;
    let all = Dispersion::merged(tokens.values().flatten().map(|piece| &piece.dispersion));
    let plan = Plan::new(partition, tokens, centroids, options.damping);
    let shares = plan.parts.iter().flat_map(BTreeMap::values);
    let work = shares.map(|share| backend.work(share.rows, share.centroids, options.iterations));
    let meter = Meter::new(work.sum(), progress);
    let trainer = Trainer {
        sample: &sample,
        divided: plan.divided(),
        plan: &plan,
        backend,
        options,
        meter: &meter,
    };
    let mut groups = trainer.groups()?;
    meter.finish()?;
    // Tokens that are not in the sample need a centroid, too.
    groups.entry(SHARED).or_insert(all.mean);
    Ok(Codebook::from_groups(dim, groups.into_iter().collect()))
}

impl KMeans {
    pub(crate) fn resolve(self) -> Result<&'static dyn Backend, ClusterError> {
        match self {
            KMeans::Builtin => Ok(&Builtin),
            #[cfg(feature = "faiss")]
            KMeans::Faiss => Ok(&crate::faiss::Faiss),
            #[cfg(not(feature = "faiss"))]
            KMeans::Faiss => Err(ClusterError::BackendUnavailable { backend: self }),
        }
    }
}

/// The sample, read part by part.
struct InParts<'a> {
    partition: &'a Partition,
    parts: &'a dyn Parts,
    memory: usize,
}

impl InParts<'_> {
    fn read(&self, part: usize, rows: &mut Rows) -> Result<(), ClusterError> {
        self.parts.read(part, rows).map_err(ClusterError::Read)
    }

    /// A buffer for the rows of a part. At this size the allocator returns memory to the system,
    /// and untouched pages cost nothing.
    fn room(&self) -> Rows {
        Rows {
            vectors: Vec::with_capacity((self.partition.limit() + 1) * self.partition.dim()),
            token_ids: Vec::new(),
        }
    }

    /// Calls `each` for every part and returns the results in order. With `concurrent`, as many
    /// parts as fit in memory are processed at the same time.
    fn map<T: Send>(
        &self,
        concurrent: bool,
        each: impl Fn(usize, &Rows) -> Result<T, ClusterError> + Sync,
    ) -> Result<Vec<T>, ClusterError> {
        // Buffers are reused: new ones are mapped page by page.
        let free: Mutex<Vec<Rows>> = Mutex::default();
        let free = || free.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |part: usize| {
            let room = free().pop();
            let mut rows = room.unwrap_or_else(|| self.room());
            self.read(part, &mut rows)?;
            let result = each(part, &rows);
            free().push(rows);
            result
        };
        let mut done = Vec::with_capacity(self.partition.len());
        while done.len() < self.partition.len() {
            let batch = self.batch(done.len());
            let results: Result<Vec<T>, ClusterError> = if concurrent {
                batch.into_par_iter().map(one).collect()
            } else {
                batch.map(one).collect()
            };
            done.extend(results?);
        }
        Ok(done)
    }

    /// As many parts from `first` as fit in memory, at least one.
    fn batch(&self, first: usize) -> Range<usize> {
        let mut bytes = 0;
        let mut end = first;
        while end < self.partition.len() {
            bytes += self.partition.rows(end) * self.partition.dim() * size_of::<f32>();
            if end > first && bytes > self.memory {
                break;
            }
            end += 1;
        }
        first..end
    }

    /// The dispersion of each token, in each part that has any of its vectors.
    fn weigh(&self) -> Result<BTreeMap<u32, Vec<Piece>>, ClusterError> {
        let dim = self.partition.dim();
        let by_part = self.map(true, |part, rows| {
            let weigh = |(token_id, vectors): (u32, &[f32])| {
                let dispersion = Dispersion::of(vectors, dim);
                let piece = Piece {
                    part,
                    rows: vectors.len() / dim,
                    dispersion: dispersion.scaled(self.partition.factor(part)),
                };
                (token_id, piece)
            };
            let tokens = rows.by_token(dim).into_par_iter();
            Ok(tokens.map(weigh).collect::<Vec<_>>())
        })?;
        let mut tokens: BTreeMap<u32, Vec<Piece>> = BTreeMap::new();
        for (token_id, piece) in by_part.into_iter().flatten() {
            tokens.entry(token_id).or_default().push(piece);
        }
        Ok(tokens)
    }
}

/// Executes a plan.
struct Trainer<'a> {
    sample: &'a InParts<'a>,
    plan: &'a Plan,
    /// Tokens trained in several parts, with these parts.
    divided: BTreeMap<u32, Vec<usize>>,
    backend: &'a dyn Backend,
    options: &'a TrainOptions,
    meter: &'a Meter<'a>,
}

/// The result of a part.
struct Trained {
    /// Centroids of its tokens.
    tokens: Vec<(u32, Vec<f32>)>,
    /// Rows for the pool.
    pooled: Vec<f32>,
}

impl Trainer<'_> {
    /// The centroids of each token that has any.
    fn groups(&self) -> Result<BTreeMap<u32, Vec<f32>>, ClusterError> {
        let concurrent = self.backend.concurrent();
        let mut parts = self
            .sample
            .map(concurrent, |part, rows| self.part(part, rows))?;
        let mut pool = Rows::default();
        for part in &mut parts {
            pool.vectors.append(&mut part.pooled);
            part.pooled = Vec::new();
        }
        parts.push(self.part(parts.len(), &pool)?);

        let mut groups: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
        for (token_id, centroids) in parts.into_iter().flat_map(|part| part.tokens) {
            groups.entry(token_id).or_default().extend(centroids);
        }
        for (token_id, parts) in &self.divided {
            if let Some(centroids) = groups.get_mut(token_id) {
                self.refine(*token_id, parts, &pool, centroids)?;
            }
        }
        Ok(groups)
    }

    /// Trains the tokens of one part.
    fn part(&self, part: usize, rows: &Rows) -> Result<Trained, ClusterError> {
        let dim = self.sample.partition.dim();
        let mut own = Vec::new();
        let mut pooled = Vec::new();
        let mut at = self.plan.pooled.get(part).map_or(0, |range| range.start);
        for (token_id, vectors) in rows.by_token(dim) {
            match self.plan.parts[part].get(&token_id) {
                Some(share) => own.push((token_id, vectors, share.centroids)),
                None => {
                    let rows = vectors.chunks_exact(dim);
                    at += rows.len();
                    let thinned = (at - rows.len()..).zip(rows);
                    let thinned = thinned.filter(|(at, _)| at % self.plan.stride == 0);
                    pooled.extend(thinned.flat_map(|(_, row)| row));
                }
            }
        }
        let one = |&(token_id, vectors, share): &(u32, &[f32], usize)| {
            Ok((token_id, self.token(part, token_id, vectors, share)?))
        };
        let tokens: Result<Vec<_>, ClusterError> = if self.backend.concurrent() {
            own.par_iter().map(one).collect()
        } else {
            own.iter().map(one).collect()
        };
        Ok(Trained {
            tokens: tokens?,
            pooled,
        })
    }

    /// Trains a token's rows in one part.
    fn token(
        &self,
        part: usize,
        token_id: u32,
        vectors: &[f32],
        centroids: usize,
    ) -> Result<Vec<f32>, ClusterError> {
        let seed = mix(self.options.seed, token_id.into());
        let cell = self.divided.contains_key(&token_id);
        let problem = Problem {
            vectors,
            dim: self.sample.partition.dim(),
            centroids,
            iterations: self.options.iterations,
            tolerance: self.options.tolerance,
            seed: if cell { mix(seed, part as u64) } else { seed },
        };
        self.meter.go_on()?;
        let tick = |done| self.meter.add(done);
        match trivial(&problem) {
            Some(centroids) => Ok(centroids),
            None if cell => self.backend.fit_cell(&problem, &tick),
            None => self.backend.fit(&problem, &tick),
        }
    }

    /// Refines the centroids of a token across the borders of its parts.
    fn refine(
        &self,
        token_id: u32,
        parts: &[usize],
        pool: &Rows,
        centroids: &mut Vec<f32>,
    ) -> Result<(), ClusterError> {
        let dim = self.sample.partition.dim();
        let share = |&part: &usize| self.plan.parts[part][&token_id].centroids;
        fill(centroids, parts.iter().map(share).sum::<usize>() * dim);
        let blocks = Stored {
            sample: self.sample,
            parts,
            pool,
            meter: self.meter,
        };
        let passes = PASSES.min(self.options.iterations);
        let tick = |done| self.meter.add(done);
        refine_blocks(
            &blocks,
            dim,
            centroids,
            passes,
            self.options.tolerance,
            &tick,
        )
    }
}

/// The rows of one token, part by part; pooled rows are in memory.
struct Stored<'a> {
    sample: &'a InParts<'a>,
    parts: &'a [usize],
    pool: &'a Rows,
    meter: &'a Meter<'a>,
}

impl Blocks for Stored<'_> {
    type Error = ClusterError;

    fn visit(&self, take: &mut dyn FnMut(&[f32])) -> Result<(), ClusterError> {
        let mut rows = self.sample.room();
        for &part in self.parts {
            self.meter.go_on()?;
            if part == self.sample.partition.len() {
                take(&self.pool.vectors);
            } else {
                self.sample.read(part, &mut rows)?;
                take(&rows.vectors);
            }
        }
        Ok(())
    }
}

/// Adds up the work of concurrent problems.
struct Meter<'a> {
    done: AtomicU64,
    stopped: AtomicBool,
    total: u64,
    progress: &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync),
}

impl Meter<'_> {
    fn new(total: u64, progress: &(dyn Fn(Progress) -> ControlFlow<()> + Sync)) -> Meter<'_> {
        Meter {
            done: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            total,
            progress,
        }
    }

    fn add(&self, work: u64) -> ControlFlow<()> {
        let done = self.done.fetch_add(work, Ordering::Relaxed) + work;
        let told = (self.progress)(Progress {
            done: done.min(self.total),
            total: self.total,
        });
        if told.is_break() {
            self.stopped.store(true, Ordering::Relaxed);
        }
        told
    }

    /// An error once `progress` has asked to stop, even if it no longer does: centroids that were
    /// cut short are never returned.
    fn go_on(&self) -> Result<(), ClusterError> {
        let told = self.add(0);
        if told.is_break() || self.stopped.load(Ordering::Relaxed) {
            return Err(ClusterError::Cancelled);
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), ClusterError> {
        self.done.store(self.total, Ordering::Relaxed);
        self.go_on()
    }
}
