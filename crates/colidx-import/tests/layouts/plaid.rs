use colidx_import::{ForeignIndex, ImportError, ImportOptions, NoteKind};

use crate::write::{
    Chunk, DIM, Folder, ROW, centroids, decoded, decoded_in_half, f16s, f32s, merged, npy,
    objects_npy, plaid, two_chunks,
};
use crate::{count, keys, open, refused, vectors};

#[test]
fn chunks_in_files_of_their_own_or_merged() {
    let folder = Folder::new();
    plaid(&folder, &two_chunks(), "");
    let mut index = open(folder.path());
    assert_eq!(index.engine().to_string(), "fast-plaid");
    assert_eq!(vectors(&index), decoded_in_half(&two_chunks()));
    assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);

    let folder = Folder::new();
    merged(
        &folder,
        &two_chunks(),
        r#", "frozen": true, "mutable": true"#,
    );
    let index = open(folder.path());
    assert_eq!(index.engine().to_string(), "fast-plaid 1.7 or later");
    assert_eq!(vectors(&index), decoded_in_half(&two_chunks()));

    let folder = Folder::new();
    plaid(&folder, &two_chunks(), r#", "next_plaid_compatible": true"#);
    folder.write("merged_codes.npy", "not looked at");
    let index = open(folder.path());
    assert_eq!(index.engine().to_string(), "next-plaid");
    assert_eq!(vectors(&index), decoded(&two_chunks(), true));
}

#[test]
fn the_model_that_colgrep_names() {
    let (outer, inner) = (Folder::new(), Folder::new());
    plaid(&inner, &two_chunks(), r#", "next_plaid_compatible": true"#);
    std::fs::rename(inner.path(), outer.file("index")).unwrap();
    for (project, model) in [
        (r#"{"project_name": "p", "model": "a/b"}"#, Some("a/b")),
        (r#"{"model": ""}"#, None),
        ("no JSON", None),
    ] {
        outer.write("project.json", project);
        for path in [outer.path(), &outer.file("index")] {
            let index = open(path);
            assert_eq!(index.model().map(|model| &*model.checkpoint), model);
        }
    }
}

#[test]
fn tables_of_other_types_and_shapes() {
    let folder = Folder::new();
    plaid(&folder, &two_chunks(), "");
    folder.write("centroids.npy", npy("<f2", &[4, DIM], &f16s(&centroids())));
    folder.write(
        "bucket_weights.npy",
        npy("<f4", &[4, 1], &f32s(&crate::write::WEIGHTS)),
    );
    assert_eq!(
        vectors(&open(folder.path())),
        decoded_in_half(&two_chunks())
    );
}

#[test]
fn chunks_of_which_some_are_merged() {
    let manifest = |kind: &str, rows: [usize; 3]| {
        let entry = |(n, rows)| format!(r#""{n}.{kind}.npy": {{"rows": {rows}, "merged": true}}"#);
        let entries: Vec<_> = rows.iter().enumerate().map(entry).collect();
        format!("{{{}}}", entries.join(", "))
    };
    let chunks = [&two_chunks()[..], &[Chunk::new(&[2], 5)]].concat();
    for (own, rows, read) in [
        (2, None, true),
        (1, Some([6, 5, 2]), true),
        (2, Some([6, 4, 2]), false),
        (2, Some([6, 5, 0]), true),
        (0, Some([6, 9, 2]), false),
        (0, Some([6, usize::MAX, usize::MAX]), false),
    ] {
        let (folder, split) = (Folder::new(), Folder::new());
        merged(&folder, &chunks, "");
        plaid(&split, &chunks, "");
        for kind in ["codes", "residuals"] {
            let name = format!("{own}.{kind}.npy");
            folder.write(&name, std::fs::read(split.file(&name)).unwrap());
            if let Some(rows) = rows {
                folder.write(
                    &format!("merged_{kind}.manifest.json"),
                    manifest(kind, rows),
                );
            }
        }
        if read {
            assert_eq!(vectors(&open(folder.path())), decoded_in_half(&chunks));
        } else {
            let error = refused(folder.path()).to_string();
            assert!(error.contains("merged_codes.npy"), "{error}");
        }
    }
}

#[test]
fn missing_files_are_named() {
    let next = r#", "next_plaid_compatible": true"#;
    for (metadata, is_merged, file) in [
        ("", true, "merged_residuals.npy"),
        ("", true, "merged_codes.npy"),
        ("", false, "1.codes.npy"),
        (next, false, "1.codes.npy"),
        (next, false, "0.residuals.npy"),
    ] {
        let folder = Folder::new();
        match is_merged {
            true => merged(&folder, &two_chunks(), metadata),
            false => plaid(&folder, &two_chunks(), metadata),
        }
        folder.remove(file);
        let error = refused(folder.path());
        assert!(
            matches!(&error, ImportError::Missing { file: missing, .. } if missing == file),
            "{error}"
        );
    }
}

#[test]
fn documents_without_tokens_stay() {
    let folder = Folder::new();
    let chunks = [
        Chunk::new(&[0, 2], 3),
        Chunk::new(&[0], 4),
        Chunk::new(&[1, 0], 5),
    ];
    merged(&folder, &chunks, "");
    assert_eq!(vectors(&open(folder.path())), decoded_in_half(&chunks));
    let folder = Folder::new();
    plaid(
        &folder,
        &[Chunk::new(&[0, 2], 3), Chunk::new(&[1, 0], 5)],
        "",
    );
    let expected = decoded_in_half(&[Chunk::new(&[0, 2], 3), Chunk::new(&[1, 0], 5)]);
    assert_eq!(vectors(&open(folder.path())), expected);
}

#[test]
fn signs_are_ones_and_minus_ones() {
    let folder = Folder::new();
    let chunk = Chunk::new(&[1, 2], 3);
    plaid(
        &folder,
        &[chunk],
        r#", "next_plaid_compatible": true, "binary": true"#,
    );
    folder.remove("bucket_weights.npy");
    folder.write(
        "0.residuals.npy",
        npy("|u1", &[3, 1], &[0b1000_0000, 0xff, 0b0000_0001]),
    );
    let index = open(folder.path());
    let mut expected = [vec![-1.0; 8], [vec![1.0; 8], vec![-1.0; 8]].concat()];
    expected[0][0] = 1.0;
    expected[1][15] = 1.0;
    assert_eq!(vectors(&index), expected);
    assert_eq!(count(&index, NoteKind::OtherLengths), 1);
}

/// Vectors of unit length for the documents of [`two_chunks`], which no codec would give.
fn originals() -> Vec<(Vec<usize>, Vec<f32>)> {
    let lens = [2, 1, 3, 1, 4];
    let document = |(n, &len): (usize, &usize)| {
        let value = |i: usize| match i % DIM {
            d if d == (n + i / DIM) % DIM => 0.6,
            d if d == (n + i / DIM + 3) % DIM => -0.8,
            _ => 0.0,
        };
        (vec![len, DIM], (0..len * DIM).map(value).collect())
    };
    lens.iter().enumerate().map(document).collect()
}

#[test]
fn originals_are_used_if_they_fit() {
    let expected: Vec<Vec<f32>> = originals().into_iter().map(|(_, values)| values).collect();
    let fast = Folder::new();
    merged(&fast, &two_chunks(), "");
    fast.write("embeddings.npy", objects_npy(&originals()));
    let next = Folder::new();
    plaid(&next, &two_chunks(), r#", "next_plaid_compatible": true"#);
    next.write(
        "embeddings.npy",
        npy("<f4", &[11, DIM], &f32s(&expected.concat())),
    );
    next.write("embeddings_lengths.json", "[2, 1, 3, 1, 4]");
    let decoded = [decoded_in_half(&two_chunks()), decoded(&two_chunks(), true)];
    for (folder, decoded) in [&fast, &next].into_iter().zip(decoded) {
        let index = open(folder.path());
        assert!(index.has_originals());
        assert_eq!(vectors(&index), expected);
        assert_eq!(index.report().notes(), []);
        let options = ImportOptions::default().originals(false);
        let index = ForeignIndex::open_with(folder.path(), &options).unwrap();
        assert_eq!(vectors(&index), decoded);
    }
}

#[test]
fn originals_of_other_lengths_are_brought_to_unit_length() {
    let mut given = originals();
    // Near 1, none, and three times as long in two documents.
    given[0].1[..DIM]
        .iter_mut()
        .for_each(|value| *value *= 1.005);
    given[0].1[DIM..].fill(0.0);
    let mut expected: Vec<Vec<f32>> = given.iter().map(|(_, values)| values.clone()).collect();
    expected[2] = vec![0.0; 3 * DIM];
    for (document, row) in [(2, 0), (2, 1), (2, 2), (4, 3)] {
        let row = row * DIM..(row + 1) * DIM;
        given[document].1[row.clone()].fill(0.0);
        given[document].1[row.start + 2] = -3e30;
        expected[document][row.clone()].fill(0.0);
        expected[document][row.start + 2] = -1.0;
    }
    let folder = Folder::new();
    merged(&folder, &two_chunks(), "");
    folder.write("embeddings.npy", objects_npy(&given));
    let index = open(folder.path());
    assert_eq!(vectors(&index), expected);
    assert_eq!(
        index.report().to_string(),
        "4 original vectors were brought to unit length, as their engine does: in documents \
         2, 4\n"
    );
}

#[test]
fn originals_that_do_not_fit_are_reported() {
    let mut fewer = originals();
    fewer.pop();
    let mut longer = originals();
    longer[1] = (vec![2, DIM], vec![0.0; 2 * DIM]);
    let mut wider = originals();
    wider[1] = (vec![1, 9], vec![0.0; 9]);
    let mut lying = originals();
    lying[1].0 = vec![1 << 20, DIM];
    for (documents, reason) in [
        (fewer, "4 documents of 5"),
        (longer, "document 1"),
        (wider, "document 1"),
        (lying, "floats"),
    ] {
        let folder = Folder::new();
        merged(&folder, &two_chunks(), "");
        folder.write("embeddings.npy", objects_npy(&documents));
        let index = open(folder.path());
        assert_eq!(vectors(&index), decoded_in_half(&two_chunks()));
        let note = index.report().get(NoteKind::OriginalsUnfit).unwrap();
        assert!(note.examples[0].contains(reason), "{note}");
    }
    for bytes in [
        b"".to_vec(),
        npy("|O", &[5], b"cos\nsystem\n)R."),
        npy("|O", &[5], b"\x80\x04K"),
        npy("<f4", &[11, DIM], &[0; 44 * DIM]),
    ] {
        let folder = Folder::new();
        plaid(&folder, &two_chunks(), "");
        folder.write("embeddings.npy", bytes);
        let index = open(folder.path());
        assert_eq!(count(&index, NoteKind::OriginalsUnfit), 1);
        assert!(!index.has_originals());
    }
}

#[test]
fn shapes_that_contradict_lengths_are_refused() {
    let codes = |tokens: usize| npy("<i8", &[tokens], &vec![0; 8 * tokens]);
    for (file, bytes, expected) in [
        ("0.codes.npy", codes(5), "6 codes"),
        ("0.codes.npy", codes(7), "6 codes"),
        ("0.codes.npy", npy("<f4", &[6], &[0; 24]), "6 codes"),
        ("1.residuals.npy", npy("|u1", &[5, 3], &[0; 15]), "[5, 2]"),
        ("1.residuals.npy", npy("|u1", &[10], &[0; 10]), "[5, 2]"),
        ("1.residuals.npy", npy("<i8", &[5, ROW], &[0; 80]), "[5, 2]"),
        (
            "centroids.npy",
            npy("<f4", &[32], &[0; 128]),
            "[centroids, dim]",
        ),
        ("centroids.npy", npy("<f4", &[4, 0], &[]), "dim from 1"),
        ("centroids.npy", npy("<i8", &[4, 8], &[0; 256]), "floats"),
        (
            "bucket_weights.npy",
            npy("<f4", &[3], &[0; 12]),
            "bucket weights",
        ),
        (
            "bucket_weights.npy",
            npy("<f4", &[0], &[]),
            "bucket weights",
        ),
        ("doclens.0.json", b"[4294967295]".to_vec(), "at most"),
    ] {
        let folder = Folder::new();
        plaid(&folder, &two_chunks(), "");
        folder.write(file, bytes);
        let error = refused(folder.path()).to_string();
        assert!(error.contains(file) && error.contains(expected), "{error}");
    }
    let folder = Folder::new();
    merged(&folder, &two_chunks(), "");
    folder.write("merged_codes.npy", codes(10));
    assert!(refused(folder.path()).to_string().contains("11 codes"));
}

#[test]
fn codes_without_a_centroid_are_named_when_they_are_read() {
    let folder = Folder::new();
    let mut chunks = two_chunks();
    chunks[1].codes[3] = 4;
    plaid(&folder, &chunks, "");
    let index = open(folder.path());
    let mut reader = index.vectors();
    assert!(reader.read(3, &mut Vec::new()).is_ok());
    let error = reader.read(4, &mut Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains("1.codes.npy") && error.contains("4 in row 3"),
        "{error}"
    );
}
