//! Indexes of other engines: imported, described, refused.

use crate::harness::{Place, model};

/// A `.npy` file.
fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(bytes);
    file
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// An index of fast-plaid: three documents of one vector each, along the axes of 8 dimensions.
fn place() -> Place {
    let place = Place::new();
    let axis = |n: usize| (0..8).map(move |d| f32::from(u8::from(d == n)));
    let centroids: Vec<f32> = (0..3).flat_map(axis).collect();
    let codes: Vec<u8> = [2i64, 0, 1]
        .iter()
        .flat_map(|code| code.to_le_bytes())
        .collect();
    place.write("p/metadata.json", r#"{"num_chunks": 1, "nbits": 1}"#);
    place.write("p/centroids.npy", npy("<f4", "3, 8", &f32s(&centroids)));
    place.write("p/bucket_weights.npy", npy("<f4", "2,", &f32s(&[0.0, 0.0])));
    place.write("p/doclens.0.json", "[1, 1, 1]");
    place.write("p/0.codes.npy", npy("<i8", "3,", &codes));
    place.write("p/0.residuals.npy", npy("|u1", "3, 1", &[0; 3]));
    let query: Vec<f32> = axis(1).collect();
    place.write("q.npy", npy("<f4", "1, 1, 8", &f32s(&query)));
    place
}

#[test]
fn an_index_of_another_engine_becomes_one() {
    let place = place();
    let import = ["import", "p", "--index", "x.colidx"];
    let run = place.colidx(&import).run().succeeds();
    run.says(&["p: fast-plaid, 3 documents, 3 vectors of dim 8, decoded"]);
    let search = [
        "search",
        "--index",
        "x.colidx",
        "--json",
        "--query-embeddings",
        "q.npy",
        "-k",
        "1",
    ];
    let hits = place.colidx(&search).run().succeeds().json();
    assert_eq!(hits[0]["key"], "2");
    let nbits = || {
        let info = ["info", "--index", "x.colidx", "--json"];
        place.colidx(&info).run().succeeds().json()[0]["nbits"].clone()
    };
    assert_eq!(nbits(), 8, "of decoded vectors");
    // It is there now, and stays unless told otherwise.
    place.colidx(&import).run().fails().says(&["--force"]);
    let again = place.colidx(&import).args(&["--force", "--nbits", "4"]);
    again.run().succeeds();
    assert_eq!(nbits(), 4);
    place
        .colidx(&["verify", "--index", "x.colidx"])
        .run()
        .succeeds();
}

#[test]
fn what_cannot_be_imported_is_named() {
    let place = place();
    let import = |from: &str| {
        place
            .colidx(&["import", from, "--index", "y.colidx"])
            .run()
            .fails()
    };
    place.write("notes/a.txt", "text");
    import("notes").says(&[
        "notes: no index of an engine that is known",
        "found `a.txt`",
    ]);
    import("absent").says(&["absent: cannot be read"]);
    import(model().to_str().unwrap()).says(&["is a model checkpoint", "--model"]);
    std::fs::remove_file(place.path("p/0.codes.npy")).unwrap();
    import("p").says(&["p: an index of fast-plaid, but `0.codes.npy` is missing"]);
    place.write("p/doclens.0.json", "[1, 1");
    import("p").says(&["doclens.0.json"]);
    place.write("p/metadata.json", r#"{"num_chunks": 0}"#);
    import("p").says(&["p: fast-plaid, 0 documents", "no documents were read"]);
    assert!(!place.path("y.colidx").exists());
}

#[test]
fn flags_without_effect_are_refused() {
    let place = place();
    for [flag, value] in [
        ["--key-column", "doi"],
        ["--text-column", "code"],
        ["--collection", "c.tsv"],
    ] {
        let arguments = ["import", "p", "--index", "y.colidx", flag, value];
        let run = place.colidx(&arguments).run().fails();
        run.says(&["index of fast-plaid has no", flag]);
    }
    assert!(!place.path("y.colidx").exists());
}

/// What is to be copied is not looked at before there is a place for it.
#[cfg(all(unix, feature = "sqlite"))]
#[test]
fn a_log_needs_room_for_a_copy() {
    let place = place();
    place.write("p/metadata.db", "a database");
    place.write("p/metadata.db-wal", "its log");
    let import = ["import", "p", "--index", "y.colidx"];
    let run = place.colidx(&import).env("TMPDIR", "/no/such/folder");
    let said = ["metadata.db", "/no/such/folder", "set TMPDIR"];
    run.run().fails().says(&said);
}

#[test]
fn the_model_of_colgrep_is_said() {
    let place = place();
    place.write("g/project.json", r#"{"project_name": "g", "model": "a/b"}"#);
    std::fs::rename(place.path("p"), place.path("g/index")).unwrap();
    let import = ["import", "g", "--index", "x.colidx"];
    let run = place.colidx(&import).run().succeeds();
    run.says(&["made by the checkpoint a/b", "--model"]);
}

#[test]
fn a_checkpoint_of_another_dim_is_refused() {
    let place = place();
    let model = model();
    let name = model.to_str().unwrap();
    let arguments = ["import", "p", "--index", "x.colidx", "--model", name];
    place
        .colidx(&arguments)
        .run()
        .fails()
        .says(&["--model", "holds vectors of dimension 8"]);
}
