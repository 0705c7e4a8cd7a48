//! `info`, `verify` and `explain`.

use std::fs;

use crate::harness::{Place, fields};

#[test]
fn info_tells_what_the_index_holds() {
    let place = Place::with_index();
    let page = place
        .colidx(&["info", "--index", "x.colidx"])
        .run()
        .succeeds()
        .stdout;
    for word in [
        "documents",
        "vectors",
        "tiny-bert",
        "fingerprint",
        "bytes a vector",
        "residuals-",
        "share",
    ] {
        assert!(page.contains(word), "{word}:\n{page}");
    }
    let sections = place.colidx(&["info", "--index", "x.colidx", "--sections"]);
    let sections = sections.run().succeeds().stdout;
    assert!(
        sections.contains("RESI") && !page.contains("RESI"),
        "{sections}"
    );
    let json = place
        .colidx(&["info", "--index", "x.colidx", "--json"])
        .run()
        .succeeds()
        .json()
        .remove(0);
    assert_eq!(
        (&json["documents"], &json["nbits"], &json["seed"]),
        (&4.into(), &4.into(), &42.into())
    );
    let sizes = json["files"].as_array().unwrap().iter().map(|file| {
        let name = file["name"].as_str().unwrap();
        let bytes = fs::metadata(place.path("x.colidx").join(name))
            .unwrap()
            .len();
        assert_eq!(file["bytes"], bytes, "{name}");
        bytes
    });
    assert_eq!(json["bytes"], sizes.sum::<u64>());
}

#[test]
fn verify_finds_a_changed_byte_in_every_file() {
    let place = Place::with_index();
    let verify = |more: &[&str]| {
        place
            .colidx(&["verify", "--index", "x.colidx"])
            .args(more)
            .run()
    };
    let run = verify(&[]).succeeds();
    assert!(run.stdout.contains("is intact: 4 documents"), "{run:#?}");
    assert_eq!(verify(&["--json"]).succeeds().json()[0]["ok"], true);
    for entry in fs::read_dir(place.path("x.colidx")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let whole = fs::read(&path).unwrap();
        if name == "lock" {
            continue;
        }
        let mut changed = whole.clone();
        let at = changed.len() / 2;
        changed[at] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        verify(&[]).fails().says(&[&name, "restore it"]);
        let run = verify(&["--json"]).fails();
        assert_eq!(run.json()[0]["ok"], false);
        assert!(run.json()[0]["file"].as_str().unwrap().ends_with(&name));
        fs::write(&path, &whole[..at]).unwrap();
        verify(&[]).fails().says(&[&name]);
        fs::write(&path, &whole).unwrap();
    }
    verify(&[]).succeeds();
}

#[test]
fn explain_shows_matches_and_their_sum() {
    let place = Place::with_index();
    let explain = |more: &[&str]| {
        place
            .colidx(&["explain", "--index", "x.colidx", "the moon", "moon"])
            .args(more)
            .run()
    };
    let page = explain(&[]).succeeds().stdout;
    for word in ["The moon moon", "query token", "moon", "MaxSim"] {
        assert!(page.contains(word), "{word}:\n{page}");
    }
    let run = explain(&["--json"]).succeeds();
    let line = run.stdout.lines().next().unwrap();
    let names = fields(line);
    for name in ["query", "key", "query_token", "document_token", "score"] {
        assert!(names.iter().any(|n| n == name), "{name}: {line}");
    }
    assert_eq!(
        run.stdout.lines().count(),
        16,
        "one line for each of the 16 query tokens"
    );
    let unknown = place
        .colidx(&["explain", "--index", "x.colidx", "the moon", "mars"])
        .run();
    unknown.fails().says(&["`mars`"]);
}
