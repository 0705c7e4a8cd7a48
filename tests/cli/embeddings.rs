//! Vectors instead of text: written by `encode`, read by `build` and `search`, refused if bad.

use std::fs;

use crate::harness::{CORPUS, Place, Run, model};

/// A `.npy` file of f32.
pub(crate) fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

fn lengths(lengths: &[i32]) -> Vec<u8> {
    let values: Vec<f32> = lengths
        .iter()
        .map(|&length| f32::from_bits(length as u32))
        .collect();
    let bytes = npy(&format!("{},", lengths.len()), &values);
    let at = bytes
        .windows(3)
        .position(|window| window == b"<f4")
        .unwrap();
    [&bytes[..at], b"<i4", &bytes[at + 3..]].concat()
}

/// Three documents of two vectors in two dimensions.
fn place() -> Place {
    let place = Place::new();
    place.write(
        "v/doc_embeddings.npy",
        npy(
            "6, 2",
            &[1., 0., 1., 0., 0., 1., 0., 1., 0.6, 0.8, 0.8, 0.6],
        ),
    );
    place.write("v/doc_lens.npy", lengths(&[2, 2, 2]));
    place
}

fn build(place: &Place) -> Run {
    place
        .colidx(&["build", "--embeddings", "v", "--index", "x.colidx"])
        .run()
}

fn search(place: &Place, more: &[&str]) -> Run {
    place
        .colidx(&["search", "--index", "x.colidx", "--json"])
        .args(more)
        .run()
}

#[test]
fn vectors_become_an_index_with_row_numbers_for_keys() {
    let place = place();
    build(&place).succeeds().says(&["3 documents", "6 vectors"]);
    place.write("q.npy", npy("2, 1, 2", &[1., 0., 0., 1.]));
    let hits = search(&place, &["--query-embeddings", "q.npy", "-k", "1"])
        .succeeds()
        .json();
    let seen: Vec<_> = hits
        .iter()
        .map(|hit| (hit["query"].as_str().unwrap(), hit["key"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [("0", "0"), ("1", "1")]);
    place.write("v/doc_keys.txt", "north\neast\nboth\n");
    place
        .colidx(&[
            "build",
            "--embeddings",
            "v",
            "--index",
            "x.colidx",
            "--force",
        ])
        .run()
        .succeeds();
    let hits = search(&place, &["--query-embeddings", "q.npy", "-k", "1"])
        .succeeds()
        .json();
    assert_eq!(hits[1]["key"], "east");
}

#[test]
fn text_cannot_be_asked_of_vectors_without_a_checkpoint() {
    let place = place();
    build(&place).succeeds();
    search(&place, &["moon"]).fails().says(&[
        "built from vectors",
        "--model",
        "--query-embeddings",
    ]);
    search(&place, &["moon", "--model", model().to_str().unwrap()])
        .fails()
        .says(&["dimension 2"]);
}

#[test]
fn wrong_files_are_refused_by_name() {
    let refuses = |change: &dyn Fn(&Place), words: &[&str]| {
        let place = place();
        change(&place);
        build(&place).fails().says(words);
        place.has_no_index();
    };
    refuses(
        &|place| {
            drop(place.write(
                "v/doc_embeddings.npy",
                npy(
                    "6, 2",
                    &[1., 0., 1., 0., 0., 1., 0., f32::NAN, 1., 0., 0., 1.],
                ),
            ))
        },
        &["doc_embeddings.npy", "document 1", "NaN"],
    );
    refuses(
        &|place| drop(place.write("v/doc_lens.npy", lengths(&[2, 2, 3]))),
        &["doc_lens.npy", "7", "6"],
    );
    refuses(
        &|place| drop(place.write("v/doc_embeddings.npy", npy("6, 2", &[1.; 8]))),
        &["doc_embeddings.npy"],
    );
    refuses(
        &|place| drop(place.write("v/doc_embeddings.npy", npy("12,", &[1.; 12]))),
        &["doc_embeddings.npy", "[total_tokens, dim]"],
    );
    refuses(
        &|place| drop(place.write("v/doc_keys.txt", "a\nb\n")),
        &["doc_keys.txt", "2", "3"],
    );
    refuses(
        &|place| drop(place.write("v/doc_keys.txt", "a\nb\na\n")),
        &["doc_keys.txt:3", "more than once"],
    );
    refuses(
        &|place| fs::remove_file(place.path("v/doc_lens.npy")).unwrap(),
        &["doc_lens.npy"],
    );
}

#[test]
fn wrong_query_vectors_are_refused() {
    let place = place();
    build(&place).succeeds();
    place.write("nan.npy", npy("1, 1, 2", &[f32::NAN, 0.]));
    search(&place, &["--query-embeddings", "nan.npy"])
        .fails()
        .says(&["nan.npy", "query 0", "NaN"]);
    place.write("wide.npy", npy("1, 1, 3", &[1., 0., 0.]));
    search(&place, &["--query-embeddings", "wide.npy"])
        .fails()
        .says(&["3 values each, those of the index 2"]);
    place.write("flat.npy", npy("4,", &[1., 0., 0., 1.]));
    search(&place, &["--query-embeddings", "flat.npy"])
        .fails()
        .says(&["flat.npy"]);
}

#[test]
fn encoded_text_builds_the_same_vectors_and_finds_the_same() {
    let place = Place::with_index();
    place.write("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"the moon\"}\n{\"_id\": \"q2\", \"text\": \"coffee and milk\"}\n");
    let encode = |more: &[&str]| {
        place
            .colidx(&["encode", "--out", "v", "--model"])
            .arg(model())
            .args(more)
            .run()
    };
    encode(&["corpus.jsonl"]).succeeds().says(&["4 documents"]);
    encode(&["queries.jsonl", "--as", "queries"])
        .succeeds()
        .says(&["2 queries"]);
    encode(&["corpus.jsonl"]).fails().says(&["--force"]);
    encode(&["queries.jsonl", "--as", "queries"])
        .fails()
        .says(&["--force"]);
    place
        .colidx(&["build", "--embeddings", "v", "--index", "v.colidx"])
        .run()
        .succeeds();
    for file in ["codes", "residuals"] {
        let of = |index: &str| {
            let mut entries = fs::read_dir(place.path(index))
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let path = entries.find(|path| path.to_str().unwrap().contains(file));
            fs::read(path.unwrap_or_else(|| panic!("{index} has {file}"))).unwrap()
        };
        assert_eq!(of("x.colidx"), of("v.colidx"), "{file}");
    }
    let run = |index: &str, more: &[&str]| {
        place
            .colidx(&["search", "--index", index, "--queries", "queries.jsonl"])
            .args(more)
            .run()
            .succeeds()
            .stdout
    };
    let text = run("x.colidx", &[]);
    assert_eq!(text.lines().count(), 8);
    assert_eq!(
        run(
            "v.colidx",
            &["--query-embeddings", "v/query_embeddings.npy"]
        ),
        text
    );
}

#[test]
fn query_vectors_must_belong_to_the_queries() {
    let place = place();
    build(&place).succeeds();
    place.write("q.npy", npy("2, 1, 2", &[1., 0., 0., 1.]));
    place.write("queries.tsv", "a\tone\nb\ttwo\nc\tthree\n");
    let run = search(
        &place,
        &["--query-embeddings", "q.npy", "--queries", "queries.tsv"],
    )
    .fails();
    run.says(&["q.npy has 2 queries", "queries.tsv has 3"]);
}

#[test]
fn encoding_twice_the_same_key_is_found_when_building() {
    let place = Place::new();
    place.write("corpus.jsonl", format!("{CORPUS}{CORPUS}"));
    place
        .colidx(&["encode", "corpus.jsonl", "--out", "v", "--model"])
        .arg(model())
        .run()
        .succeeds();
    build(&place).fails().says(&["doc_keys.txt:5", "`rust`"]);
}

/// Enough documents for a search to probe, prune and screen: 700 of up to 30 vectors in 24
/// dimensions, about 40 topics.
fn many(place: &Place) {
    const DIM: usize = 24;
    let wave = |seed: usize, d: usize| ((seed * 37 + d * 11) as f32 * 0.7).sin();
    let (mut values, mut lens) = (Vec::new(), Vec::new());
    for document in 0..700 {
        let len = document * 7 % 31;
        lens.push(len as i32);
        for vector in 0..len {
            let mut row: Vec<f32> = (0..DIM)
                .map(|d| {
                    wave(document % 40 * 5 + vector % 13, d) + 0.3 * wave(document * 31 + vector, d)
                })
                .collect();
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|x| *x /= length);
            values.extend(row);
        }
    }
    let rows = values.len() / DIM;
    place.write(
        "v/doc_embeddings.npy",
        npy(&format!("{rows}, {DIM}"), &values),
    );
    place.write("v/doc_lens.npy", lengths(&lens));
    place.write(
        "q.npy",
        npy(&format!("12, 8, {DIM}"), &values[2000..2000 + 12 * 8 * DIM]),
    );
}

#[test]
fn instruction_sets_and_threads_change_neither_bytes_nor_hits() {
    let place = Place::new();
    many(&place);
    let all = |level: &str, threads: &str| {
        let run = |arguments: &[&str]| {
            let command = place.colidx(arguments).env("COLIDX_KERNELS", level);
            command.args(&["--threads", threads]).run().succeeds()
        };
        let build = [
            "build",
            "--embeddings",
            "v",
            "--index",
            "x.colidx",
            "--force",
        ];
        run(&[&build[..], &["--clustering", "builtin"]].concat());
        let mut seen = Vec::new();
        for name in ["codebook", "codes", "residuals", "postings", "documents"] {
            let files = std::fs::read_dir(place.path("x.colidx")).unwrap();
            let path = files.map(|f| f.unwrap().path()).find(|path| {
                path.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with(name)
            });
            seen.push(std::fs::read(path.unwrap()).unwrap());
        }
        let search = [
            "search",
            "--index",
            "x.colidx",
            "--query-embeddings",
            "q.npy",
        ];
        for effort in [
            &[][..],
            &["--exact"],
            &["--candidates", "60", "--rerank", "30"],
        ] {
            seen.push(run(&[&search[..], effort].concat()).stdout.into_bytes());
        }
        seen
    };
    let expected = all("", "2");
    for (level, threads) in
        colidx_kernels::Isa::all_supported().zip(["1", "8", "2", "3"].into_iter().cycle())
    {
        for (now, then) in all(level.name(), threads).iter().zip(&expected) {
            // File numbers, which the postings and codes do not hold, go up with every build.
            assert!(now == then, "{level}, {threads} threads");
        }
    }
}
