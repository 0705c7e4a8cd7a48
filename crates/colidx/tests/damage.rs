//! Damaged indexes: a typed error or right results, never a panic; `verify` finds every flip.

mod common;

use colidx::*;
use common::*;
use std::path::{Path, PathBuf};

fn built(dir: &Path) -> (Corpus, Vec<PathBuf>) {
    let corpus = Corpus::topical(220, 16, 31);
    corpus.build(dir, BuildOptions::default()).unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.retain(|f| f.file_name().unwrap() != "lock");
    files.sort();
    (corpus, files)
}

/// Opens, searches both ways and reads documents; errors are fine, panics are not.
fn use_it(dir: &Path, query: &Query) -> Result<()> {
    let index = Index::open(dir)?;
    for exact in [false, true] {
        let options = SearchOptions {
            exact,
            candidates: Some(20),
            ..Default::default()
        };
        for hit in index.search(query, &options)?.hits {
            index.document(hit.doc)?;
            index.explain(query, hit.doc)?;
        }
    }
    index.find("doc-7")?;
    Ok(())
}

#[test]
fn verify_finds_every_flipped_bit_and_nothing_panics() {
    let tmp = tempfile::tempdir().unwrap();
    let (corpus, files) = built(tmp.path());
    let query = Query::new(&corpus.query(8, 1), 16).unwrap();
    use_it(tmp.path(), &query).unwrap();
    let mut random = Random(1);
    for file in &files {
        let good = std::fs::read(file).unwrap();
        // Every byte of header, directory and footer, the ends of every section, and a share of the rest.
        let edges = (0..64).chain(good.len().saturating_sub(64 + 10 * 32)..good.len());
        let inside: Vec<usize> = (0..150).map(|_| random.below(good.len())).collect();
        let sections = sections(&good)
            .into_iter()
            .filter(|(_, range)| !range.is_empty())
            .flat_map(|(_, range)| [range.start, range.end - 1]);
        for at in edges.chain(sections).chain(inside) {
            let mut bad = good.clone();
            bad[at] ^= 1 << random.below(8);
            std::fs::write(file, &bad).unwrap();
            let verified = Index::open(tmp.path()).and_then(|i| i.verify());
            assert!(verified.is_err(), "{} byte {at}", file.display());
            let _ = use_it(tmp.path(), &query);
        }
        std::fs::write(file, &good).unwrap();
    }
    Index::open(tmp.path()).unwrap().verify().unwrap();
}

#[test]
fn truncated_and_missing_files_are_refused_at_open() {
    let tmp = tempfile::tempdir().unwrap();
    let (_, files) = built(tmp.path());
    for file in &files {
        let good = std::fs::read(file).unwrap();
        for cut in [
            0,
            1,
            63,
            64,
            65,
            good.len() / 2,
            good.len() - 65,
            good.len() - 1,
        ] {
            std::fs::write(file, &good[..cut]).unwrap();
            let error = Index::open(tmp.path()).unwrap_err();
            assert!(matches!(error, Error::Format(_)), "{error}");
            let name = file.file_name().unwrap().to_string_lossy();
            assert!(error.to_string().contains(&*name), "{error} names the file");
        }
        let mut longer = good.clone();
        longer.push(0);
        std::fs::write(file, &longer).unwrap();
        assert!(Index::open(tmp.path()).is_err());
        std::fs::remove_file(file).unwrap();
        assert!(Index::open(tmp.path()).is_err());
        std::fs::write(file, &good).unwrap();
    }
}

#[test]
fn files_of_another_index_are_refused() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    built(a.path());
    Corpus::topical(220, 16, 32)
        .build(b.path(), BuildOptions::default())
        .unwrap();
    for kind in ["codebook", "documents", "codes", "residuals", "postings"] {
        let name = format!("{kind}-00000001.clx");
        let good = std::fs::read(a.path().join(&name)).unwrap();
        std::fs::copy(b.path().join(&name), a.path().join(&name)).unwrap();
        assert!(Index::open(a.path()).is_err(), "{name}");
        std::fs::write(a.path().join(&name), good).unwrap();
    }
    Index::open(a.path()).unwrap();
}
