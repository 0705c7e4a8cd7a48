//! faiss has threads of its own (OpenMP, BLAS) that no rayon pool governs: their number must not
//! show in the codebook either.
#![cfg(feature = "faiss")]

use std::ops::ControlFlow;
use std::process::Command;

use colidx_cluster::{CodebookKind, KMeans, Sample, TrainOptions, train};

const DIM: usize = 96;
const CHILD: &str = "COLIDX_TEST_PRINT_CODEBOOK";

/// A checksum over the bits of the centroids (FNV-1a).
fn checksum() -> u64 {
    let mut state = 1u64;
    let vectors: Vec<f32> = (0..9_000 * DIM)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
        })
        .collect();
    let ids: Vec<u32> = (0..9_000).map(|i| i % 7 % 4).collect();
    let sample = Sample {
        vectors: &vectors,
        dim: DIM,
        token_ids: Some(&ids),
    };
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for kind in [CodebookKind::Flat, CodebookKind::TokenAware] {
        let options = TrainOptions {
            backend: KMeans::Faiss,
            kind,
            ..TrainOptions::new(150)
        };
        for value in train(&sample, &options, &|_| ControlFlow::Continue(()))
            .unwrap()
            .centroids
        {
            hash = (hash ^ u64::from(value.to_bits())).wrapping_mul(0x100_0000_01b3);
        }
    }
    hash
}

#[test]
fn the_threads_of_faiss_and_blas_do_not_show() {
    if std::env::var_os(CHILD).is_some() {
        println!("codebook {:016x}", checksum());
        return;
    }
    let run = |openmp: &str, blas: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "the_threads_of_faiss_and_blas_do_not_show",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .env("OMP_NUM_THREADS", openmp)
            .env("OPENBLAS_NUM_THREADS", blas)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.stderr.is_empty(),
            "faiss is to be quiet: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let at = text
            .find("codebook ")
            .unwrap_or_else(|| panic!("no checksum in: {text}"));
        text[at..at + 25].to_string()
    };
    let one = run("1", "1");
    for (openmp, blas) in [("2", "1"), ("1", "2"), ("5", "3"), ("4", "8")] {
        assert_eq!(
            run(openmp, blas),
            one,
            "OpenMP {openmp} threads, BLAS {blas}"
        );
    }
}
