use colidx_import::{ForeignIndex, ImportOptions, NoteKind};

use crate::write::{Folder, decoded, i64s, npy, two_chunks, xtr_warp};
use crate::{count, keys, open, refused, vectors};

#[test]
fn vectors_are_not_normalised() {
    let folder = Folder::new();
    xtr_warp(&folder, &two_chunks(), &[&[0, 1, 2], &[3, 4]]);
    let mut index = open(folder.path());
    assert_eq!(index.engine().to_string(), "xtr-warp-rs 1.0 or later");
    assert_eq!(vectors(&index), decoded(&two_chunks(), false));
    assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);
    assert_eq!(count(&index, NoteKind::OtherLengths), 1);
}

#[test]
fn before_1_0_rows_are_the_numbers() {
    let folder = Folder::new();
    xtr_warp(&folder, &two_chunks(), &[]);
    folder.write("metadata.duckdb", "DUCK");
    let mut index = open(folder.path());
    assert_eq!(index.engine().to_string(), "xtr-warp-rs");
    assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);
    assert_eq!(count(&index, NoteKind::MetadataUnread), 1);
}

#[test]
fn the_last_version_counts_and_deleted_ones_do_not() {
    let folder = Folder::new();
    xtr_warp(
        &folder,
        &two_chunks(),
        &[&[7, 9, 2], &[9, 1_000_000_000_000]],
    );
    folder.write("deleted_pids.npy", npy("<i8", &[2], &i64s(&[7, 55])));
    let mut index = open(folder.path());
    assert_eq!(keys(&mut index), ["2", "9", "1000000000000"]);
    let all = decoded(&two_chunks(), false);
    assert_eq!(vectors(&index), [&all[2][..], &all[3], &all[4]]);
    assert_eq!(count(&index, NoteKind::OldVersion), 1);
    assert_eq!(count(&index, NoteKind::Deleted), 1);
    assert!(
        index
            .report()
            .to_string()
            .contains("1 replaced version of a document, left out: number 9\n")
    );
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    for (file, numbers) in [
        ("0.passage_ids.npy", &[0, 1][..]),
        ("0.passage_ids.npy", &[0, 1, -1]),
        ("doclens.0.npy", &[2, 1, -3]),
        ("doclens.0.npy", &[2, 1, i64::MAX]),
        ("doclens.0.npy", &[2, 1, 4]),
    ] {
        let folder = Folder::new();
        xtr_warp(&folder, &two_chunks(), &[&[0, 1, 2], &[3, 4]]);
        folder.write(file, npy("<i8", &[numbers.len()], &i64s(numbers)));
        let error = refused(folder.path()).to_string();
        let named = error.contains(file) || error.contains("0.codes.npy");
        assert!(named, "{error}");
    }
}

#[test]
fn options_without_effect_are_refused() {
    let folder = Folder::new();
    xtr_warp(&folder, &two_chunks(), &[]);
    for options in [
        ImportOptions::default().key_column("doi"),
        ImportOptions::default().text_column("code"),
        ImportOptions::default().collection(folder.file("c.tsv")),
    ] {
        let error = ForeignIndex::open_with(folder.path(), &options).err();
        let error = error.unwrap().to_string();
        assert!(error.contains("index of xtr-warp-rs"), "{error}");
        assert!(error.ends_with("; name none"), "{error}");
    }
}
