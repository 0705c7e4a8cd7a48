//! The best centroids of each query token: by a dense product of the query with all centroids where they are few, by a walk over
//! their graph for each token where they are many, and so have one.

use super::Query;
use super::best::{Best, Scored};
use super::table::Table;
use super::walk::Walk;
use crate::codebook::Codebook;
use crate::error::Result;
use crate::index::Index;
use colidx_kernels::PanelsI7;
use rayon::prelude::*;

/// Centroids that a walk keeps for each that is wanted (`docs/search.md`).
const BEAM: usize = 4;

/// A walk that keeps more than one in this many centroids scores too many of them for it to pay.
const SPARSE: usize = 64;

/// Cells whose first centroids a walk begins at.
const ENTRIES: usize = 4;

/// The centroids probed for each query token, best first, with their scores.
pub(super) struct Probes<'a> {
    /// By mean of query tokens ([`super::merged`]).
    pub tokens: Vec<Vec<Scored>>,
    /// Value of one unit of a score.
    pub step: f64,
    /// Centres and centroids that were scored for a token, of all tokens the most.
    pub scored: u64,
    /// The scores of all centroids, where all were scored.
    pub table: Option<Table<'a>>,
}

/// Finds about the `count` best centroids of each query token, and all of them when `count` is that many.
pub(super) fn probe<'a>(
    index: &'a Index,
    query: &Query,
    count: usize,
    parallel: bool,
) -> Result<Probes<'a>> {
    let codebook = index.codebook();
    let beam = count.saturating_mul(BEAM);
    let sparse = beam.saturating_mul(SPARSE) < codebook.len();
    if codebook.has_graph() && sparse {
        let panels = query.scaled(codebook.steps(), codebook.centre_length());
        let (tokens, scored) = walk(codebook, &panels, count, beam, parallel)?;
        return Ok(Probes {
            tokens,
            step: panels.step(),
            scored,
            table: None,
        });
    }
    let panels = query.scaled(codebook.steps(), codebook.centroid_length());
    let columns = panels.padded_columns();
    let mut table = Table::new(index.pools().tables.take(), codebook.len(), columns);
    let mut best = Best::new(panels.columns(), count);
    let rows = codebook.centroids(0..codebook.len());
    best.score(0, rows, &panels, table.scores_mut());
    Ok(Probes {
        tokens: best.finish(),
        step: panels.step() * f64::from(panels.shift()).exp2(),
        scored: codebook.len() as u64,
        table: Some(table),
    })
}

/// Walks for every token.
fn walk(
    codebook: &Codebook,
    panels: &PanelsI7,
    count: usize,
    beam: usize,
    parallel: bool,
) -> Result<(Vec<Vec<Scored>>, u64)> {
    let mut cells = Best::new(panels.columns(), ENTRIES);
    let mut scores = vec![0; codebook.cells() * panels.padded_columns()];
    cells.score(0, codebook.centres(), panels, &mut scores);
    let cells = cells.finish();
    let rows = codebook.centroids(0..codebook.len());
    let walker = || {
        let neighbours = |centroid, out: &mut _| codebook.neighbours(centroid, out);
        Walk::new(rows, codebook.dim, beam, neighbours)
    };
    let one = |walk: &mut Walk<_>, token: usize| {
        let entries = cells[token].iter();
        let entries = entries.map(|&(_, cell)| codebook.cell(cell as usize).start as u32);
        let mut found = walk.best(&panels.column(token), entries)?;
        found.truncate(count);
        Ok((found, walk.scored()))
    };
    let tokens = 0..panels.columns();
    let walked: Vec<(Vec<Scored>, u64)> = if parallel {
        let tokens = tokens.into_par_iter();
        tokens.map_init(walker, one).collect::<Result<_>>()?
    } else {
        let mut walk = walker();
        tokens
            .map(|token| one(&mut walk, token))
            .collect::<Result<_>>()?
    };
    let most = walked.iter().map(|(_, scored)| *scored).max();
    let scored = codebook.cells() as u64 + most.unwrap_or(0);
    Ok((walked.into_iter().map(|(found, _)| found).collect(), scored))
}
