//! All tuned numbers of a search: first those that decide recall, then those that decide speed
//! alone.
//!
//! They were measured on SciFact (5,183 documents, 1.2 million vectors of 96 dimensions by a real
//! model), on up to 99,600 technical passages by the same model, and on synthetic corpora of
//! 50,000, 200,000 and a million documents (60 vectors of 128 dimensions each, noisier than a
//! model's). `docs/lab/2026-11-27-search.md` and `2026-11-28-recall-at-scale.md` have the tables.
//! Recall is the share found of the true top k.

// Sizes.

/// Vectors of a document of ordinary length: those of an abstract.
const ORDINARY_VECTORS: u64 = 236;

/// The size of an index, by which the depths of a search grow: its documents, or as many of
/// ordinary length as have all its vectors. Long documents lie as deep in the lists as the many
/// short ones that they could be cut into.
pub(super) fn size(documents: u64, vectors: u64) -> u64 {
    documents.max(vectors / ORDINARY_VECTORS)
}

// Step 1: centroids.

/// Above this size a search reads lists deeper.
const LARGE: u64 = 100_000;

/// Default of `SearchOptions::n_probe`: centroids probed for each of `tokens` pooled query tokens,
/// as many as its posting list entries ([`postings_per_token`]) call for.
pub(super) fn n_probe(size: u64, tokens: usize) -> usize {
    (32.0 * lists_of_many(size) * lists_of_few_tokens(size, tokens)) as usize
}

/// How much deeper the lists of a query with few distinct tokens are read, up to twice.
///
/// A real query has some 13 of 32, which decide as much as all. 66,400 technical passages: twice
/// the lists find 0.967 instead of 0.957 for k = 10 and 0.963 instead of 0.950 for k = 100, in a
/// seventh more time. Among a few thousand documents the lists lead to nearly all anyway.
fn lists_of_few_tokens(size: u64, tokens: usize) -> f64 {
    let few = (32.0 / tokens.max(1) as f64).clamp(1.0, 2.0);
    few.min((size as f64 / 10_000.0).sqrt().max(0.75))
}

/// How much deeper lists are read in an index of that size than in a small one.
///
/// A matching vector of one of the best documents keeps its relative rank among all vectors, so its
/// rank in the lists grows with the index. A million documents, k = 10: recall is 0.940 with the
/// fourth root, and 0.960 with the square root in a tenth more time.
fn lists_of_many(size: u64) -> f64 {
    (size.max(LARGE) as f64 / LARGE as f64).sqrt()
}

/// Hits up to which a search reads fewer posting lists.
const FEW: usize = 30;

/// Least cosine of a query token with the first of those that it is pooled with. Of the 32 tokens
/// of a real model's query, most of them masks, 13 to 15 are left. 33,200 technical passages, k =
/// 10: recall is 0.918 with 0.88, 0.948 with 0.92, 0.952 with 0.95 and 0.955 with 0.97, each in a
/// tenth more time than the one before.
pub(super) const POOL_COSINE: f32 = 0.95;

/// Beam of a graph search, in centroids for each that is probed. A million documents, 262,144
/// centroids: recall@10 is 0.644 with 2, 0.769 with 4, 0.788 with 8, at 4.6, 8.3 and 17.3 ms.
pub(super) const BEAM_PER_PROBE: usize = 4;

/// The graph is searched only where the codebook has more than this many centroids for each in the
/// beam. With fewer, scoring all of them is as fast and finds more (SciFact, 16,384 centroids).
pub(super) const GRAPH_SPARSITY: usize = 64;

/// Cells whose first centroids a graph search enters at. On a million documents 1 to 16 find the
/// same within 0.003.
pub(super) const ENTRY_CELLS: usize = 4;

// Step 2: candidates.

/// Posting list entries that a query token reads in a segment; the list that reaches this is read
/// whole. 50,000 documents: recall@10 falls from 0.937 to 0.918 with half of it. A million: twice
/// as many give 0.850 for 0.869 at k = 10 and 0.599 for 0.576 at k = 100.
pub(super) const POSTINGS_PER_TOKEN: u64 = 16_384;

/// Posting list entries that each of `tokens` pooled query tokens reads for `k` hits, in an index
/// of that size; the documents that may be found are of the size `of`.
///
/// With twice the postings and probes 100 hits of a million documents have 0.06 more recall, in a
/// fifth more time, and 10 hits 0.01. The fewer may be found, the further down the lists their best
/// vectors lie: 200,000 synthetic documents of which a tenth match have a recall@10 of 0.879 with
/// the entries of an unfiltered search.
pub(super) fn postings_per_token(k: usize, of: u64, size: u64, tokens: usize) -> u64 {
    let deeper = if k > FEW { 2.0 } else { 1.0 };
    let deeper = deeper * lists_of_many(size) * lists_of_few_tokens(size, tokens);
    let narrower = (size / of.max(1)).isqrt().clamp(1, WIDENING as u64);
    ((POSTINGS_PER_TOKEN * narrower) as f64 * deeper) as u64
}

/// How much deeper lists are read with more effort than the default: its square root. 200,000
/// synthetic documents, k = 100, efforts 4 and 16: recall against `exact` is 0.988 and 0.997, and
/// 0.981 and 0.995 with the lists of the default, in a sixth less time.
pub(super) fn list_depth(effort: f64) -> f64 {
    effort.max(1.0).sqrt()
}

/// How the depths of a search grow with the size of the index: its power of 3/4. A million
/// documents count 10 times as much as 50,000.
fn growth(size: u64) -> usize {
    let root = size.isqrt();
    usize::try_from(root.saturating_mul(root.isqrt())).unwrap_or(usize::MAX)
}

/// Where, among all vectors, the best match lies of a document that no list led to.
///
/// An ordinary document's is at the rank of the number of documents. Those among the best `k` are
/// nearer, the nearer the fewer are wanted. 30,000 technical passages, k = 100: recall is 0.946
/// with the worst score read, 0.948 at a quarter of that rank, 0.950 at half; a million synthetic
/// documents: 0.727, 0.763 and 0.762. For k = 10 deeper scores only lose recall there.
pub(super) fn imputation_rank(k: usize, documents: u32) -> u64 {
    u64::from(documents) * k.min(400) as u64 / 400
}

/// Centroids, at most, whose scores tell what to impute.
pub(super) const IMPUTATION_SAMPLE: usize = 1024;

/// Probes and postings grow by this factor while a search has found too few candidates.
pub(super) const WIDENING: usize = 4;

/// By how much probes and postings grow where the lists have the share `found` of the documents in
/// scope and the share `listed` of all: those of a filter that goes against the query lie further
/// down in the lists.
pub(super) fn widening_of_scope(found: f64, listed: f64) -> usize {
    ((listed / found).round() as usize).clamp(1, WIDENING)
}

// Step 3: features and selection.

/// Candidates whose features are computed, where `wanted` of them are then scored by partial
/// MaxSim, in an index of that size.
///
/// Centroid scores separate documents less well as there are more. In a small index the better
/// quarter is enough (SciFact). A million documents: with half as many recall@10 is 0.02 less.
///
/// They separate documents better the deeper the lists were read: 99,600 technical passages need a
/// quarter of what synthetic documents need, whose queries have 32 distinct tokens.
pub(super) fn shortlist_size(wanted: usize, size: u64, tokens: usize) -> usize {
    let many = wanted.saturating_mul(16).saturating_add(growth(size));
    let many = (many as f64 / lists_of_few_tokens(size, tokens).max(1.0).powi(2)) as usize;
    let quarter = usize::try_from(size / 4).unwrap_or(usize::MAX);
    many.min(quarter.max(wanted.saturating_mul(4)))
}

/// Size of the pilot batch of `wanted` documents; its scores fit the weights that select the rest.
/// 32 to 160 differ little: recall@100 0.974 to 0.976 on SciFact, 0.846 to 0.860 on 50,000.
pub(super) fn pilot_size(wanted: usize) -> usize {
    32 + wanted / 8
}

/// How many observations the prior weights count as. 2 to 24 give the same recall within 0.005.
pub(super) const PRIOR_OBSERVATIONS: f64 = 8.0;

/// Prior weights of a candidate's features: centroid score, residual bias, root of its length.
///
/// Less than 1 for the bias, since a query token's best match lies nearer to it than the mean of a
/// document's vectors. Real text is best served by 0.2 to 0.6, synthetic documents by 0.5 to 1.
pub(super) const CANDIDATE_PRIOR: [f64; 3] = [1.0, 0.6, 0.0];

// Step 4: partial MaxSim.

/// Default of `SearchOptions::candidates`: documents scored by partial MaxSim.
///
/// The knee on SciFact, for k = 10 and 100. Larger indexes take more: 99,600 technical passages, k
/// = 100, recall is 0.970 with 1,290, 0.975 with 1,600.
pub(super) fn candidates(k: usize, size: u64) -> usize {
    let base = k.saturating_mul(6).saturating_add(120);
    base.saturating_add(more_for(k, size.isqrt() as usize / 4 + growth(size) / 50))
}

/// `more` for few hits wanted, and in proportion to `k` for many.
fn more_for(k: usize, more: usize) -> usize {
    more.saturating_add(more.saturating_mul(k) / 25)
}

/// Weight of the residual bias for a query token without a probed match: its best match is then an
/// ordinary vector of the document. With the centroid scores of those vectors it raises recall@100
/// from 0.963 to 0.970 on SciFact and from 0.800 to 0.837 on 50,000 documents.
pub(super) const MEAN_RESIDUAL_WEIGHT: f32 = 0.6;

/// Prior weights of the features of step 4: score, unmatched query tokens, and their bias.
pub(super) const PARTIAL_PRIOR: [f64; 3] = [1.0, 0.0, 0.0];

// Step 5: exact MaxSim.

/// Default of `SearchOptions::rerank`: documents scored by exact MaxSim. The knee on SciFact, for
/// k = 10 and 100; partial MaxSim tells documents apart less well where there are more.
pub(super) fn rerank(k: usize, size: u64) -> usize {
    let base = 12usize.saturating_add(k.saturating_mul(8) / 5);
    base.saturating_add(more_for(k, growth(size) / 200))
}

/// Pilot batch of `rerank` documents. 0.3 to 0.7 of them give the same recall within 0.005.
pub(super) fn rerank_pilot_size(rerank: usize) -> usize {
    rerank / 2
}

/// Every document is scored in an index of at most this many vectors a centroid: scoring a centroid
/// costs about as much as scoring a vector.
pub(super) const EXACT_VECTORS_PER_CENTROID: u64 = 2;

// Words and vectors together.

/// Weight of MaxSim in a hybrid score. A model's cosines lie close together, so MaxSim varies far
/// less than BM25 among the documents in question. Chosen on SciFact's 809 training claims; 0.96 to
/// 0.98 differ little. `docs/lab/2026-11-28-words-and-filters.md` has the figures.
pub(super) const HYBRID_WEIGHT: f32 = 0.965;

/// Candidates from vectors, and as many from words, for `k` hits. On SciFact a sum of both scores
/// ranks the same for k = 10 with 100 of each, in three times the time.
pub(super) fn hybrid_depth(k: usize) -> usize {
    k.saturating_mul(2).max(20)
}

/// Candidates from words for `k` hits that vectors rank. nDCG@10 on SciFact's training claims is
/// 0.734, 0.743 and 0.745 with 20, 50 and 100.
pub(super) fn rerank_words_depth(k: usize) -> usize {
    k.saturating_mul(2).max(100)
}

// Speed alone: none of these changes a hit.

/// Documents whose accumulators are filled at a time: 256 KiB, which a core's own cache holds. On a
/// million documents a quarter of it takes a tenth longer.
pub(super) const WINDOW: usize = 1 << 16;

/// Lists between the prefetch of one and its use: the part of a list that is in a window is too
/// short for the processor to foresee. On a million documents step 2 takes a seventh less time.
pub(super) const LISTS_AHEAD: usize = 3;

/// Postings of a list that are prefetched.
pub(super) const PREFETCHED: usize = 64;

/// Documents whose mean residuals are gathered together.
pub(super) const FEATURE_BATCH: usize = 64;

/// Documents of a segment scored together by partial MaxSim.
pub(super) const PARTIAL_BATCH: usize = 8;

/// Documents that a thread takes at a time for partial MaxSim.
pub(super) const PARTIAL_CHUNK: usize = 32;

/// Vectors decoded at a time for exact MaxSim. They stay in the first-level cache, and 60 rows are
/// whole tiles of six and twelve: 1.88 ms for 1.93 with 64 (SciFact, k = 100).
pub(super) const EXACT_BLOCK: usize = 60;

/// Blocks between the prefetch of vectors and their use.
pub(super) const PREFETCH_BLOCKS: usize = 2;

/// Documents that a thread takes at a time for exact MaxSim.
pub(super) const EXACT_CHUNK: usize = 16;

/// Documents taken at a time where all are scored: their vectors are read ahead together.
pub(super) const EXACT_BATCH: usize = 4096;

/// Searches that read ahead after one that waited for the disk.
pub(super) const READAHEAD_SEARCHES: u32 = 64;

/// Ranges closer than this many bytes are read ahead as one.
pub(super) const READAHEAD_GAP: usize = 16 << 10;

/// Bytes of the largest buffer that is kept for the next search: the centroid scores of half a
/// million centroids for a query of 32 tokens.
pub(super) const LARGEST_KEPT_BUFFER: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_grow_with_the_index_and_with_k_and_never_overflow() {
        for k in [1, 10, 100, 5000] {
            let sizes = [0, 1, 5_000, 50_000, 1_000_000, 100_000_000];
            let depths = sizes.map(|documents| [candidates(k, documents), rerank(k, documents)]);
            assert!(
                depths.is_sorted_by(|a, b| a[0] <= b[0] && a[1] <= b[1]),
                "{depths:?}"
            );
            assert!(
                depths
                    .iter()
                    .all(|&[candidates, rerank]| k <= rerank && rerank < candidates)
            );
        }
        assert_eq!(candidates(10, 50_000), 343);
        let million = [10, 100].map(|k| (candidates(k, 1_000_000), rerank(k, 1_000_000)));
        assert_eq!(million, [(1398, 245), (5070, 947)]);
        for documents in [0, u64::MAX] {
            candidates(usize::MAX, documents);
            rerank(usize::MAX, documents);
            shortlist_size(usize::MAX, documents, 1);
            imputation_rank(usize::MAX, u32::MAX);
        }
    }

    #[test]
    fn an_index_of_long_documents_is_as_large_as_one_of_ordinary_ones() {
        assert_eq!(size(5_183, 1_223_000), 5_183);
        assert_eq!(size(50_000, 3_000_000), 50_000);
        let (pages, patches) = (5_000, 5_150_000);
        assert!(candidates(10, size(pages, patches)) > candidates(10, pages));
        assert_eq!(size(0, 0), 0);
    }

    #[test]
    fn few_tokens_read_more_lists_than_many() {
        let probes = |documents| [8, 16, 24, 32, 512].map(|tokens| n_probe(documents, tokens));
        assert_eq!(probes(100_000), [64, 64, 42, 32, 32]);
        assert_eq!(probes(5_183), [24; 5]);
        let entries = |tokens| postings_per_token(10, 100_000, 100_000, tokens);
        assert_eq!([16, 32].map(entries), [32_768, 16_384]);
        assert_eq!(postings_per_token(100, 100_000, 100_000, 16), 65_536);
        assert!(shortlist_size(300, 100_000, 16) < shortlist_size(300, 100_000, 32));
        assert!(n_probe(0, 0) > 0);
    }

    #[test]
    fn lists_are_read_further_down_for_a_scope_that_they_miss() {
        let widened = |found, listed| widening_of_scope(found, listed);
        assert_eq!(widened(0.4, 0.4), 1);
        assert_eq!(widened(0.2, 0.4), 2);
        assert_eq!([widened(0.01, 0.4), widened(0.0, 0.4)], [WIDENING; 2]);
        assert_eq!([widened(0.4, 0.1), widened(0.0, 0.0)], [1; 2]);
    }
}
