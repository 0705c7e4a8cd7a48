//! What `train` and `Assigner` promise, for every backend of this build and both kinds.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use colidx_cluster::{
    Assigner, ClusterError, Codebook, CodebookKind, Group, KMeans, Progress, SHARED, Sample,
    TrainOptions, train,
};
use proptest::prelude::*;

const DIM: usize = 8;

fn backends() -> impl Iterator<Item = KMeans> {
    [KMeans::Builtin, KMeans::Faiss]
        .into_iter()
        .filter(|backend| backend.is_available())
}

fn kinds() -> [CodebookKind; 2] {
    [CodebookKind::Flat, CodebookKind::TokenAware]
}

/// Unit vectors around a direction for each token, token `t` being twice as frequent as token `2t`.
fn tokens(n: usize, seed: u64) -> (Vec<f32>, Vec<u32>) {
    let mut state = seed;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    let mut vectors = Vec::with_capacity(n * DIM);
    let mut ids = Vec::with_capacity(n);
    for _ in 0..n {
        let id = (1.0 / (random() + 0.52)) as u32;
        let vector: Vec<f32> = (0..DIM)
            .map(|d| ((id as usize * 7 + d * 3) % 11) as f32 / 5.0 - 1.0 + random())
            .collect();
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vectors.extend(vector.iter().map(|x| x / norm));
        ids.push(id);
    }
    (vectors, ids)
}

fn codebook(
    vectors: &[f32],
    ids: Option<&[u32]>,
    options: &TrainOptions,
) -> Result<Codebook, ClusterError> {
    train(
        &Sample {
            vectors,
            dim: DIM,
            token_ids: ids,
        },
        options,
        &|_| ControlFlow::Continue(()),
    )
}

fn check_groups(codebook: &Codebook) {
    let mut next = 0;
    for group in &codebook.groups {
        assert_eq!(group.first, next);
        assert!(group.len > 0);
        next += group.len;
    }
    assert_eq!(codebook.centroids.len(), next as usize * codebook.dim);
    assert!(codebook.groups.is_sorted_by(|a, b| a.token_id < b.token_id));
    assert!(
        codebook.is_empty()
            || codebook
                .groups
                .last()
                .is_some_and(|group| group.token_id == SHARED)
    );
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let (vectors, ids) = tokens(6000, 3);
    for backend in backends() {
        for kind in kinds() {
            let options = TrainOptions {
                backend,
                kind,
                ..TrainOptions::new(64)
            };
            let run = |threads| {
                in_pool(threads, || {
                    let trained = codebook(&vectors, Some(&ids), &options).unwrap();
                    let mut codes = Vec::new();
                    Assigner::new(DIM, &trained.centroids, &trained.groups).assign(
                        &vectors,
                        Some(&ids),
                        &mut codes,
                    );
                    (
                        trained
                            .centroids
                            .iter()
                            .map(|x| x.to_bits())
                            .collect::<Vec<_>>(),
                        trained.groups,
                        codes,
                    )
                })
            };
            let one = run(1);
            assert_eq!(one.0.len(), 64 * DIM, "{backend} {kind}");
            for threads in [2, 3, 7] {
                assert!(
                    run(threads) == one,
                    "{backend} {kind}: {threads} threads give other bytes than one"
                );
            }
        }
    }
}

#[test]
fn the_seed_decides() {
    let (vectors, _) = tokens(2000, 5);
    for backend in backends() {
        let with = |seed| {
            codebook(
                &vectors,
                None,
                &TrainOptions {
                    backend,
                    seed,
                    kind: CodebookKind::Flat,
                    ..TrainOptions::new(20)
                },
            )
            .unwrap()
        };
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }
}

#[test]
fn corpora_smaller_than_the_codebook() {
    for backend in backends() {
        for kind in kinds() {
            let options = TrainOptions {
                backend,
                kind,
                ..TrainOptions::new(100)
            };
            let train =
                |vectors: &[f32], ids: &[u32]| codebook(vectors, Some(ids), &options).unwrap();
            let none = train(&[], &[]);
            assert!(none.is_empty());
            assert_eq!(none.len(), 0);

            let one = train(&[0.5; DIM], &[7]);
            assert_eq!((one.len(), &one.centroids[..]), (1, &[0.5; DIM][..]));

            let same = train(&[0.25; DIM * 50], &[7; 50]);
            assert_eq!((same.len(), &same.centroids[..]), (1, &[0.25; DIM][..]));

            let (vectors, ids) = tokens(30, 1);
            let few = train(&vectors, &ids);
            check_groups(&few);
            assert!(
                few.len() <= 31,
                "{backend} {kind}: {} centroids for 30 vectors",
                few.len()
            );
        }
    }
    let nothing = TrainOptions {
        backend: KMeans::Builtin,
        ..TrainOptions::new(0)
    };
    assert!(
        codebook(&[1.0; DIM], Some(&[1]), &nothing)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn few_distinct_vectors_among_many() {
    let vectors: Vec<f32> = (0..500).flat_map(|i| [(i % 5) as f32; DIM]).collect();
    let ids: Vec<u32> = (0..500).map(|i| i % 3).collect();
    for backend in backends() {
        for kind in kinds() {
            let trained = codebook(
                &vectors,
                Some(&ids),
                &TrainOptions {
                    backend,
                    kind,
                    ..TrainOptions::new(40)
                },
            )
            .unwrap();
            check_groups(&trained);
            let mut codes = Vec::new();
            Assigner::new(DIM, &trained.centroids, &trained.groups).assign(
                &vectors,
                Some(&ids),
                &mut codes,
            );
            for (vector, code) in vectors.chunks(DIM).zip(codes) {
                assert_eq!(
                    vector,
                    &trained.centroids[code as usize * DIM..][..DIM],
                    "{backend} {kind}"
                );
            }
        }
    }
}

#[test]
fn both_engines_find_codebooks_of_like_error() {
    let (vectors, ids) = tokens(6000, 17);
    for kind in kinds() {
        let errors: Vec<f64> = backends()
            .map(|backend| {
                let trained = codebook(
                    &vectors,
                    Some(&ids),
                    &TrainOptions {
                        backend,
                        kind,
                        ..TrainOptions::new(100)
                    },
                )
                .unwrap();
                let mut codes = Vec::new();
                Assigner::new(DIM, &trained.centroids, &trained.groups).assign(
                    &vectors,
                    Some(&ids),
                    &mut codes,
                );
                squared_error(&vectors, &trained, &codes)
            })
            .collect();
        let (low, high) = (
            errors.iter().copied().fold(f64::MAX, f64::min),
            errors.iter().copied().fold(0.0, f64::max),
        );
        assert!(high < 1.1 * low, "{kind}: {errors:?}");
    }
}

#[test]
fn large_codebooks_are_whole_and_the_same_for_any_number_of_threads() {
    let (vectors, ids) = tokens(9000, 23);
    for kind in kinds() {
        let options = TrainOptions {
            backend: KMeans::Builtin,
            kind,
            ..TrainOptions::new(900)
        };
        let run = |threads, batch: usize| {
            in_pool(threads, || {
                let trained = codebook(&vectors, Some(&ids), &options).unwrap();
                check_groups(&trained);
                let assigner = Assigner::new(DIM, &trained.centroids, &trained.groups);
                let mut codes = Vec::new();
                let mut part = Vec::new();
                for (vectors, ids) in vectors.chunks(batch * DIM).zip(ids.chunks(batch)) {
                    assigner.assign(vectors, Some(ids), &mut part);
                    codes.extend_from_slice(&part);
                }
                (trained, codes)
            })
        };
        let one = run(1, 9000);
        assert_eq!(one.0.len(), 900, "{kind}");
        assert!(one == run(3, 9000) && one == run(2, 777), "{kind}");
    }
}

fn squared_error(vectors: &[f32], codebook: &Codebook, codes: &[u32]) -> f64 {
    vectors
        .chunks(DIM)
        .zip(codes)
        .flat_map(|(vector, &code)| {
            vector
                .iter()
                .zip(&codebook.centroids[code as usize * DIM..][..DIM])
        })
        .map(|(x, c)| f64::from(x - c).powi(2))
        .sum()
}

#[test]
fn progress_rises_to_the_total() {
    let (vectors, ids) = tokens(1500, 2);
    for backend in backends() {
        for kind in kinds() {
            let seen = std::sync::Mutex::new(Vec::new());
            let sample = Sample {
                vectors: &vectors,
                dim: DIM,
                token_ids: Some(&ids),
            };
            let note = |progress: Progress| {
                seen.lock().unwrap().push(progress);
                ControlFlow::Continue(())
            };
            in_pool(1, || {
                train(
                    &sample,
                    &TrainOptions {
                        backend,
                        kind,
                        ..TrainOptions::new(30)
                    },
                    &note,
                )
            })
            .unwrap();
            let seen = seen.into_inner().unwrap();
            assert!(
                seen.is_sorted_by_key(|progress| progress.done),
                "{backend} {kind}"
            );
            assert!(
                seen.last()
                    .is_some_and(|last| last.done == last.total && last.total > 0)
            );
        }
    }
}

#[test]
fn training_stops_when_told() {
    let (vectors, ids) = tokens(6000, 2);
    let sample = Sample {
        vectors: &vectors,
        dim: DIM,
        token_ids: Some(&ids),
    };
    for backend in backends() {
        for kind in kinds() {
            let options = TrainOptions {
                backend,
                kind,
                tolerance: 0.0,
                // Enough for cells.
                centroids: if backend == KMeans::Builtin { 600 } else { 60 },
                ..TrainOptions::new(0)
            };
            let stopped = |at: u64| {
                let asked = AtomicU64::new(0);
                let trained = in_pool(1, || {
                    train(
                        &sample,
                        &options,
                        &|_| match asked.fetch_add(1, Ordering::Relaxed) + 1 < at {
                            true => ControlFlow::Continue(()),
                            false => ControlFlow::Break(()),
                        },
                    )
                });
                (trained, asked.into_inner())
            };
            let (whole, asked) = stopped(u64::MAX);
            assert!(whole.is_ok() && asked > 10, "{backend} {kind}: {asked}");
            for at in [1, asked / 2, asked] {
                let (trained, until) = stopped(at);
                assert!(matches!(trained, Err(ClusterError::Cancelled)));
                // What is going on in other cells notices at the end of a pass.
                assert!(until <= at + 60, "{backend} {kind}: {until} after {at}");
            }
        }
    }
}

#[test]
fn bad_samples_are_refused() {
    let options = TrainOptions {
        backend: KMeans::Builtin,
        ..TrainOptions::new(4)
    };
    let refuse =
        |vectors: &[f32], ids: Option<&[u32]>| codebook(vectors, ids, &options).unwrap_err();
    assert!(matches!(
        refuse(&[0.0; DIM + 1], Some(&[1])),
        ClusterError::RaggedVectors { values: 9, dim: 8 }
    ));
    assert!(matches!(
        refuse(&[0.0; DIM], Some(&[1, 2])),
        ClusterError::TokenIds {
            expected: 1,
            got: 2
        }
    ));
    assert!(matches!(
        refuse(&[0.0; DIM], None),
        ClusterError::MissingTokenIds
    ));
    let mut vectors = [0.0; DIM * 2];
    vectors[DIM + 3] = f32::NAN;
    assert!(matches!(
        refuse(&vectors, Some(&[1, 2])),
        ClusterError::NotFinite {
            row: 1,
            column: 3,
            ..
        }
    ));
    if !KMeans::Faiss.is_available() {
        let faiss = TrainOptions {
            backend: KMeans::Faiss,
            ..options
        };
        let error = codebook(&[0.0; DIM], None, &faiss).unwrap_err();
        assert!(matches!(
            error,
            ClusterError::BackendUnavailable {
                backend: KMeans::Faiss
            }
        ));
        assert!(error.to_string().contains("builtin"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn codebooks_partition_and_codes_are_the_nearest_of_the_group(
        n in 1usize..300, k in 1usize..80, seed in any::<u64>(), damping in 0f32..1.0, flat in any::<bool>(),
    ) {
        let (vectors, ids) = tokens(n, seed);
        let kind = if flat { CodebookKind::Flat } else { CodebookKind::TokenAware };
        let options = TrainOptions { backend: KMeans::Builtin, kind, damping, seed, iterations: 3, ..TrainOptions::new(k) };
        let trained = codebook(&vectors, Some(&ids), &options).unwrap();
        check_groups(&trained);
        prop_assert!(trained.len() <= k.min(n) && !trained.is_empty());

        let mut codes = Vec::new();
        Assigner::new(DIM, &trained.centroids, &trained.groups).assign(&vectors, Some(&ids), &mut codes);
        prop_assert_eq!(codes.len(), n);
        for ((vector, id), &code) in vectors.chunks(DIM).zip(&ids).zip(&codes) {
            let group = trained.groups.iter().find(|g| g.token_id == *id).or(trained.groups.last()).unwrap();
            let distance = |c: usize| -> f64 {
                let centroid = &trained.centroids[c * DIM..][..DIM];
                vector.iter().zip(centroid).map(|(x, c)| f64::from(x - c).powi(2)).sum()
            };
            prop_assert!(group.range().contains(&(code as usize)));
            let best = group.range().map(distance).fold(f64::MAX, f64::min);
            prop_assert!(distance(code as usize) <= best + 1e-5);
        }
    }

    #[test]
    fn without_token_ids_the_nearest_of_all_centroids_is_taken(n in 1usize..200, seed in any::<u64>()) {
        let (vectors, _) = tokens(n, seed);
        let (centroids, _) = tokens(40, !seed);
        let group = |token_id, first, len| Group { token_id, first, len };
        let mut split = Vec::new();
        Assigner::new(DIM, &centroids, &[group(1, 0, 3), group(5, 3, 20), group(SHARED, 23, 17)])
            .assign(&vectors, None, &mut split);
        let mut whole = Vec::new();
        Assigner::new(DIM, &centroids, &[group(SHARED, 0, 40)]).assign(&vectors, None, &mut whole);
        prop_assert_eq!(split, whole);
    }
}
