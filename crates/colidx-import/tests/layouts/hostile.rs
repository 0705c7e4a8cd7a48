//! Every file of every layout, cut and changed: errors or other numbers, no panic, little memory.

use std::path::Path;

use colidx_import::{ForeignIndex, ImportError};
use proptest::prelude::*;

use crate::refused;
use crate::write::{
    Folder, archive, dict_pickle, merged, npy, objects_npy, plaid, pt, stanford, tensor_pickle,
    text_pickle, two_chunks, xtr_warp,
};

/// Reads all that there is.
fn read_all(path: &Path) {
    let Ok(mut index) = ForeignIndex::open(path) else {
        return;
    };
    let mut reader = index.vectors();
    for document in 0..index.len() {
        let mut out = Vec::new();
        if let Ok(tokens) = reader.read(document, &mut out) {
            assert_eq!(out.len(), tokens as usize * index.dim());
        }
    }
    index.documents().for_each(drop);
    let _ = index.report().to_string();
}

/// One folder of each layout, each with all optional files.
fn layouts() -> Vec<Folder> {
    let folders: Vec<Folder> = (0..4).map(|_| Folder::new()).collect();
    stanford(&folders[0], &two_chunks(), r#""checkpoint": "c""#);
    folders[0].write("collection.json", r#"["a", "b", "c", "d", "e"]"#);
    folders[0].write(
        "pid_docid_map.json",
        r#"{"0": "a", "1": "b", "2": "b", "3": "c", "4": 5}"#,
    );
    folders[0].write("docid_metadata_map.json", r#"{"a": {"n": 1}}"#);
    merged(&folders[1], &two_chunks(), "");
    let original = |len: usize| (vec![len, 8], vec![0.5; len * 8]);
    let originals: Vec<_> = [2, 1, 3, 1, 4].map(original).into();
    folders[1].write("embeddings.npy", objects_npy(&originals));
    plaid(
        &folders[2],
        &two_chunks(),
        r#", "next_plaid_compatible": true"#,
    );
    folders[2].write("embeddings_lengths.json", "[2, 1, 3, 1, 4]");
    folders[2].write("embeddings.npy", npy("<f4", &[11, 8], &[0; 352]));
    xtr_warp(&folders[3], &two_chunks(), &[&[7, 9, 2], &[9, 1]]);
    folders[3].write(
        "deleted_pids.npy",
        npy("<i8", &[1], &[7, 0, 0, 0, 0, 0, 0, 0]),
    );
    let outer = Folder::new();
    stanford(&outer, &two_chunks(), "");
    let ids: Vec<_> = (0..5)
        .map(|n| (n, text_pickle(&format!("id {n}"))))
        .collect();
    outer.write("plaid_ids_to_documents_ids.pkl", dict_pickle(&ids));
    folders.into_iter().chain([outer]).collect()
}

fn files(folder: &Folder) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn files_that_end_early() {
    for folder in layouts() {
        for file in files(&folder) {
            let whole = std::fs::read(&file).unwrap();
            for sixteenth in 0..16 {
                std::fs::write(&file, &whole[..whole.len() * sixteenth / 16]).unwrap();
                read_all(folder.path());
            }
            std::fs::write(&file, &whole).unwrap();
        }
        assert!(ForeignIndex::open(folder.path()).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn files_with_bytes_changed(
        layout in 0usize..5,
        which: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let folder = &layouts()[layout];
        let files = files(folder);
        let file = which.get(&files);
        let mut bytes = std::fs::read(file).unwrap();
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        std::fs::write(file, bytes).unwrap();
        read_all(folder.path());
    }
}

#[test]
fn numbers_that_lie_cost_nothing() {
    let huge = usize::MAX / 2;
    for (file, bytes) in [
        (
            "metadata.json",
            br#"{"num_chunks": 18446744073709551615}"#.to_vec(),
        ),
        ("centroids.npy", npy("<f4", &[huge, 8], &[0; 64])),
        ("0.codes.npy", npy("<i8", &[huge], &[0; 64])),
        ("0.residuals.npy", npy("|u1", &[6, huge], &[0; 64])),
        ("doclens.0.json", b"[4294967295, 4294967295]".to_vec()),
        ("doclens.0.json", b"[18446744073709551616]".to_vec()),
    ] {
        let folder = Folder::new();
        plaid(&folder, &two_chunks(), "");
        folder.write(file, bytes);
        refused(folder.path());
    }
}

/// Files of which nearly nothing takes room on disk.
#[cfg(unix)]
#[test]
fn arrays_longer_than_the_index_can_need_are_not_read() {
    let sparse = |folder: &Folder, file: &str, descr: &str, shape: &[usize], size: usize| {
        let header = npy(descr, shape, &[]);
        let length = header.len() + shape.iter().product::<usize>() * size;
        folder.write(file, header);
        let file = std::fs::File::options().write(true).open(folder.file(file));
        file.unwrap().set_len(length as u64).unwrap();
    };
    let long = 1usize << 30;
    for (file, descr, shape, size, expected) in [
        ("centroids.npy", "<f2", &[long, 8][..], 2, "centroids"),
        ("doclens.1.npy", "<i8", &[long], 8, "1048576 lengths"),
        ("deleted_pids.npy", "<i8", &[long], 8, "1048576 numbers"),
        ("1.passage_ids.npy", "<i8", &[long], 8, "2 numbers"),
    ] {
        let folder = Folder::new();
        xtr_warp(&folder, &two_chunks(), &[&[0, 1, 2], &[3, 4]]);
        sparse(&folder, file, descr, shape, size);
        let error = refused(folder.path()).to_string();
        assert!(error.contains(file) && error.contains(expected), "{error}");
        assert!(error.contains("of shape [1073741824"), "{error}");
        if file == "centroids.npy" {
            let folder = Folder::new();
            plaid(&folder, &two_chunks(), "");
            sparse(&folder, file, descr, shape, size);
            assert!(refused(folder.path()).to_string().contains(expected));
        }
    }
}

#[test]
fn settings_of_any_length_are_not_read() {
    let folder = Folder::new();
    plaid(&folder, &two_chunks(), "");
    folder.write("metadata.json", vec![b'['; 17 << 20]);
    assert!(matches!(
        refused(folder.path()),
        ImportError::TooLarge { .. }
    ));
}

#[test]
fn tensors_that_lie_elsewhere_are_refused() {
    let codes = ("IntStorage", &[6][..], vec![0; 24]);
    let whole = [
        b"\x80\x02".to_vec(),
        tensor_pickle(0, &codes),
        b".".to_vec(),
    ]
    .concat();
    let place = whole
        .windows(7)
        .position(|bytes| bytes == b"J\x06\0\0\0t(")
        .unwrap();
    let mut longer = whole.clone();
    longer[place + 1] = 7;
    let mut strided = whole.clone();
    strided[place + 8] = 2;
    for (pickle, storage, named) in [
        (&whole, &[0; 20][..], "beyond its storage of 20 bytes"),
        (
            &longer,
            &[0; 24],
            "a tensor of shape (7,) goes beyond its storage",
        ),
        (&strided, &[0; 80], "one after the other"),
    ] {
        let folder = Folder::new();
        stanford(&folder, &two_chunks(), "");
        folder.write("0.codes.pt", archive(pickle, &[storage]));
        let error = refused(folder.path()).to_string();
        assert!(
            error.contains("0.codes.pt") && error.contains(named),
            "{error}"
        );
    }
    for bytes in [
        pt(&[("DoubleStorage", &[6], vec![0; 48])]),
        pt(&[
            ("IntStorage", &[6], vec![0; 24]),
            ("IntStorage", &[6], vec![0; 24]),
        ]),
        archive(b"cos\nsystem\n)R.", &[]),
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(),
    ] {
        let folder = Folder::new();
        stanford(&folder, &two_chunks(), "");
        folder.write("0.codes.pt", bytes);
        let error = refused(folder.path()).to_string();
        assert!(error.contains("0.codes.pt"), "{error}");
    }
}

#[test]
fn lengths_that_are_not_read_are_named_with_their_path() {
    let folder = Folder::new();
    plaid(&folder, &two_chunks(), "");
    folder.write("doclens.1.json", "[4294967295]");
    let path = folder.file("doclens.1.json").display().to_string();
    let error = refused(folder.path()).to_string();
    assert!(error.starts_with(&path), "{error}");
}

#[cfg(unix)]
#[test]
fn pipes_and_folders_in_place_of_files_are_refused() {
    let folder = Folder::new();
    plaid(&folder, &two_chunks(), "");
    folder.remove("doclens.0.json");
    let file = folder.file("doclens.0.json");
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    assert!(matches!(refused(folder.path()), ImportError::Io { .. }));
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(matches!(refused(folder.path()), ImportError::Io { .. }));
}
