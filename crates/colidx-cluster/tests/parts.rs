//! A sample that is read part by part, and is divided into many: the same codebook whatever is
//! held, and as good a one.

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use colidx_cluster::{
    Assigner, ClusterError, Codebook, CodebookKind, KMeans, Partition, Parts, Rows, Sample,
    TrainOptions, train, train_parts,
};

const DIM: usize = 8;

/// Vectors around a few directions for each of some tokens, of which the first are frequent.
fn tokens(n: usize) -> Rows {
    let mut state = 5u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    let mut rows = Rows::default();
    for _ in 0..n {
        let id = (0.9 / (random() + 0.03)) as u32;
        let sense = (random() * 4.0) as usize;
        let vector: Vec<f32> = (0..DIM)
            .map(|d| ((id as usize * 7 + sense * 5 + d * 3) % 11) as f32 / 5.0 + random())
            .collect();
        rows.extend(&vector, &[id]);
    }
    rows
}

fn options(kind: CodebookKind, rows_of_a_part: usize, memory: usize) -> TrainOptions {
    TrainOptions {
        backend: KMeans::Builtin,
        kind,
        part_bytes: rows_of_a_part * DIM * 4,
        memory,
        ..TrainOptions::new(600)
    }
}

fn trained(rows: &Rows, options: &TrainOptions, threads: usize) -> Codebook {
    let sample = Sample {
        vectors: &rows.vectors,
        dim: DIM,
        token_ids: Some(&rows.token_ids),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap()
        .install(|| train(&sample, options, &|_| ControlFlow::Continue(())).unwrap())
}

fn error(rows: &Rows, codebook: &Codebook) -> f64 {
    let mut codes = Vec::new();
    Assigner::new(DIM, &codebook.centroids, &codebook.groups).assign(
        &rows.vectors,
        Some(&rows.token_ids),
        &mut codes,
    );
    let pairs = rows.vectors.chunks(DIM).zip(&codes);
    pairs
        .flat_map(|(vector, &code)| {
            vector
                .iter()
                .zip(&codebook.centroids[code as usize * DIM..][..DIM])
        })
        .map(|(x, c)| f64::from(x - c).powi(2))
        .sum()
}

#[test]
fn what_is_held_and_how_many_threads_there_are_decide_nothing() {
    let rows = tokens(12_000);
    for kind in [CodebookKind::TokenAware, CodebookKind::Flat] {
        let one = trained(&rows, &options(kind, 1000, usize::MAX), 1);
        assert_eq!(one.len(), 600, "{kind}");
        for (memory, threads) in [(0, 1), (0, 3), (100_000, 2), (usize::MAX, 4)] {
            let other = trained(&rows, &options(kind, 1000, memory), threads);
            assert!(one == other, "{kind}: {memory} bytes, {threads} threads");
        }
    }
}

#[test]
fn parts_cost_hardly_any_error() {
    let rows = tokens(12_000);
    for kind in [CodebookKind::TokenAware, CodebookKind::Flat] {
        let whole = trained(&rows, &options(kind, 1 << 20, usize::MAX), 2);
        let parts = trained(&rows, &options(kind, 1000, usize::MAX), 2);
        assert_ne!(whole, parts, "{kind}");
        let ratio = error(&rows, &parts) / error(&rows, &whole);
        assert!(ratio < 1.03, "{kind}: {ratio}");
    }
}

/// Parts that are counted while they are held, the second of which is damaged if told so.
struct Counted {
    parts: Vec<Rows>,
    read: AtomicUsize,
    damaged: bool,
}

impl Parts for Counted {
    fn read(&self, part: usize, rows: &mut Rows) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.damaged && part == 1 {
            return Err("the disk is gone".into());
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        self.parts.read(part, rows)
    }
}

#[test]
fn a_part_that_cannot_be_read_stops_training() {
    let rows = tokens(3000);
    let options = options(CodebookKind::TokenAware, 500, 0);
    let mut partition = Partition::new(&rows, DIM, 3000, &options);
    let mut labels = Vec::new();
    partition.assign(&rows.vectors, &rows.token_ids, &mut labels);
    let mut parts = vec![Rows::default(); partition.len()];
    for (row, part) in labels.iter().enumerate() {
        if let Some(part) = part {
            let vector = &rows.vectors[row * DIM..][..DIM];
            parts[*part as usize].extend(vector, &rows.token_ids[row..=row]);
        }
    }
    parts.iter_mut().for_each(|part| part.sort(DIM));
    let mut parts = Counted {
        parts,
        read: AtomicUsize::new(0),
        damaged: false,
    };
    let codebook =
        train_parts(&partition, &parts, &options, &|_| ControlFlow::Continue(())).unwrap();
    assert_eq!(codebook, trained(&rows, &options, 2));
    let reads = parts.read.into_inner();
    assert!(reads >= 2 * partition.len(), "{reads}");

    parts.read = AtomicUsize::new(0);
    parts.damaged = true;
    let failed = train_parts(&partition, &parts, &options, &|_| ControlFlow::Continue(()));
    assert!(matches!(&failed, Err(ClusterError::Read(e)) if e.to_string() == "the disk is gone"));
}
