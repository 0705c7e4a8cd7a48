//! The same bytes and the same hits, whatever the instruction set and the number of threads.
//!
//! Kernels choose their instruction set once a process, so each combination runs in a process of its own: this test again.

mod common;

use colidx_core::*;
use colidx_kernels::Isa;
use common::*;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use xxhash_rust::xxh3::xxh3_64;

const OUT: &str = "COLIDX_TEST_OUT";
const TEST: &str = "instruction_sets_and_threads_change_neither_bytes_nor_hits";

/// Corpora and options that take other paths through the kernels: widths with and without a rest, each number of bits, vectors
/// of unit length and others, codebooks with and without vocabulary ids.
fn cases() -> Vec<(&'static str, Corpus, BuildOptions)> {
    let options = |nbits, shape| BuildOptions {
        nbits,
        shape,
        ..Default::default()
    };
    let mut longer = Corpus::topical(100, 20, 24);
    let scale = |document: &mut Vec<f32>| document.iter_mut().for_each(|v| *v *= 1.7);
    longer.documents.iter_mut().for_each(scale);
    vec![
        (
            "4 bits",
            Corpus::topical(240, 32, 21),
            options(4, CodebookKind::TokenAware),
        ),
        (
            "2 bits, flat",
            Corpus::topical(60, 96, 22),
            options(2, CodebookKind::Flat),
        ),
        (
            "1 bit, odd",
            Corpus::topical(150, 7, 23),
            options(1, CodebookKind::TokenAware),
        ),
        ("8 bits, long", longer, options(8, CodebookKind::TokenAware)),
    ]
}

/// Everything that must not differ, line by line.
fn report() -> String {
    let mut lines = String::new();
    for (name, corpus, options) in cases() {
        let folder = tempfile::tempdir().unwrap();
        corpus.build(folder.path(), options).unwrap();
        write_files(&mut lines, name, folder.path());
        let index = Index::open(folder.path()).unwrap();
        for seed in 0..4 {
            let query = Query::new(&corpus.query(9, seed), corpus.dim).unwrap();
            for (kind, exact, parallel) in [
                ("default", false, false),
                ("parallel", false, true),
                ("exact", true, false),
                ("exact, parallel", true, true),
            ] {
                let options = SearchOptions::default()
                    .exact(exact)
                    .parallel(parallel)
                    .candidates(Some(50))
                    .rerank(Some(20));
                let results = index.search(&query, &options).unwrap();
                assert_eq!(results.stats.exact, exact);
                for hit in results.hits {
                    let bits = hit.score.to_bits();
                    writeln!(
                        lines,
                        "{name}, query {seed}, {kind}: {} {bits:08x}",
                        hit.key
                    )
                    .unwrap();
                    for found in index.explain(&query, hit.doc).unwrap() {
                        let bits = found.score.to_bits();
                        writeln!(lines, "    {} {bits:08x}", found.document_token).unwrap();
                    }
                }
            }
        }
    }
    lines
}

fn write_files(lines: &mut String, name: &str, folder: &Path) {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in files {
        let hash = xxh3_64(&std::fs::read(&file).unwrap());
        let file = file.file_name().unwrap().display().to_string();
        writeln!(lines, "{name}: {file} {hash:016x}").unwrap();
    }
}

#[test]
fn instruction_sets_and_threads_change_neither_bytes_nor_hits() {
    if let Some(path) = std::env::var_os(OUT) {
        std::fs::write(path, report()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |level: Isa, threads: &str| {
        let out = folder.path().join("out");
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST])
            .env("COLIDX_KERNELS", level.name())
            .env("RAYON_NUM_THREADS", threads)
            .env(OUT, &out)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{level}, {threads} threads");
        std::fs::read_to_string(out).unwrap()
    };
    let expected = run(Isa::Scalar, "1");
    assert!(expected.lines().count() > 1000);
    for level in Isa::all_supported() {
        for threads in ["1", "2", "8"] {
            let found = run(level, threads);
            let differs = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
            assert_eq!(differs, None, "{level}, {threads} threads");
            assert!(found == expected, "{level}, {threads} threads");
        }
    }
}
