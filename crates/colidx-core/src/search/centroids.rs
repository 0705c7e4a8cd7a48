//! Step 1: the best centroids of each query token. Where centroids are few, all of them are scored;
//! where they are many, their graph is searched for each token.

use super::Context;
use super::centroid_scores::CentroidScores;
use super::imputation::Sample;
use super::tuning;
use crate::codebook::{BeamSearch, ColumnTopK, Scored};
use crate::error::Result;
use colidx_kernels::PanelsI7;
use rayon::prelude::*;

/// The centroids probed for each query token, best first, with their scores.
pub(super) struct Probes<'a> {
    /// By pooled query token ([`super::query_pooling`]).
    pub tokens: Vec<Vec<Scored>>,
    /// What tells the scores of centroids that were not probed.
    pub sample: Sample,
    /// The value of one unit of a score.
    pub step: f64,
    /// Centres and centroids that were scored for a token, at most.
    pub scored: u64,
    /// The scores of all centroids, where all were scored.
    pub all: Option<CentroidScores<'a>>,
}

/// Finds the `count` best centroids of each pooled query token, nearly so where the graph is
/// searched.
pub(super) fn probe<'a>(context: Context<'a>, count: usize) -> Result<Probes<'a>> {
    let Context {
        snapshot, query, ..
    } = context;
    let codebook = snapshot.codebook();
    let beam = count.saturating_mul(tuning::BEAM_PER_PROBE);
    let sparse = beam.saturating_mul(tuning::GRAPH_SPARSITY) < codebook.len();
    if codebook.has_graph() && sparse {
        let panels = query.centroid_panels(codebook.steps(), codebook.centre_length());
        let (tokens, scored) = search_graph(context, &panels, count, beam)?;
        return Ok(Probes {
            tokens,
            sample: Sample::new(codebook, &panels, 0),
            step: panels.step(),
            scored,
            all: None,
        });
    }
    let panels = query.centroid_panels(codebook.steps(), codebook.centroid_length());
    let columns = panels.padded_columns();
    let mut all = CentroidScores::new(
        context.scratch.centroid_scores.take(),
        codebook.len(),
        columns,
    );
    let mut best = ColumnTopK::new(panels.columns(), count);
    let rows = codebook.centroids(0..codebook.len());
    best.score(0, rows, &panels, all.rows_mut());
    Ok(Probes {
        tokens: best.finish(),
        sample: Sample::new(codebook, &panels, panels.shift()),
        step: panels.step() * f64::from(panels.shift()).exp2(),
        scored: codebook.len() as u64,
        all: Some(all),
    })
}

/// Searches the graph for every token. Returns their best centroids, and the number scored.
fn search_graph(
    context: Context<'_>,
    panels: &PanelsI7,
    count: usize,
    beam: usize,
) -> Result<(Vec<Vec<Scored>>, u64)> {
    let codebook = context.snapshot.codebook();
    let mut cells = ColumnTopK::new(panels.columns(), tuning::ENTRY_CELLS);
    let mut scores = vec![0; codebook.cells() * panels.padded_columns()];
    cells.score(0, codebook.centres(), panels, &mut scores);
    let cells = cells.finish();
    let rows = codebook.centroids(0..codebook.len());
    let new_search = || {
        let neighbors = |centroid, out: &mut _| codebook.neighbors(centroid, out);
        BeamSearch::new(rows, codebook.dim, beam, neighbors)
    };
    let one = |search: &mut BeamSearch<_>, token: usize| {
        context.options.check_limits()?;
        let cells = cells[token].iter();
        let entries = cells.map(|&(_, cell)| codebook.cell(cell as usize).start as u32);
        let mut found = search.search(&panels.column(token), entries)?;
        found.truncate(count);
        Ok((found, search.num_scored()))
    };
    let tokens = 0..panels.columns();
    let searched: Vec<(Vec<Scored>, u64)> = if context.options.parallel {
        let tokens = tokens.into_par_iter();
        tokens.map_init(new_search, one).collect::<Result<_>>()?
    } else {
        let mut search = new_search();
        tokens
            .map(|token| one(&mut search, token))
            .collect::<Result<_>>()?
    };
    let most = searched.iter().map(|(_, scored)| *scored).max();
    let scored = codebook.cells() as u64 + most.unwrap_or(0);
    Ok((
        searched.into_iter().map(|(found, _)| found).collect(),
        scored,
    ))
}
