//! An unfinished build is not lost by chance, and no other build resumes it.

use crate::common::*;
use crate::*;
use colidx_core::storage::Memory;
use std::sync::Arc;

#[test]
fn an_unfinished_build_is_neither_lost_nor_resumed_by_chance() {
    let (files, directory) = memory();
    let encoded = stop_at(5, &directory, options());
    let plain = || options().resume(false);
    let before = files.files();
    assert!(before.contains_key("build.journal"));
    let error = build(&directory, plain()).unwrap_err();
    let told = error.to_string();
    assert!(matches!(error, Error::Unfinished { .. }), "{told}");
    for words in [
        &format!("{encoded} of 800 documents encoded"),
        "phase `encode`",
        "ago",
        "resume it",
        "start over by force",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(files.files() == before, "a refusal changes nothing");
    let error = Index::open_in(&directory).unwrap_err().to_string();
    assert!(error.contains("resume it"), "{error}");

    let force = plain().force(true);
    let report = build(&directory, force).unwrap();
    assert_eq!(report.resumed, None);
    assert!(files.files() == undisturbed());
}

#[test]
fn resuming_where_nothing_is_unfinished_is_a_plain_build() {
    let (_, directory) = memory();
    assert_eq!(build(&directory, options()).unwrap().resumed, None);
    let again = build(&directory, options()).unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
    let force = options().force(true);
    assert_eq!(build(&directory, force).unwrap().resumed, None);
    let index = Index::open_in(&directory).unwrap();
    assert_eq!(index.info().unwrap().generation, 2);
}

/// A build over an index resumes over that index only.
#[test]
fn a_build_over_an_index_goes_on_while_the_index_is_the_same() {
    let (files, directory) = memory();
    let other = Corpus::topical(30, 8, 4);
    other.build_in(&directory, BuildOptions::default()).unwrap();
    let force = || options().force(true);
    let encoded = stop_at(5, &directory, force());
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    assert_eq!(index.num_documents(), 30, "the old index stays");
    let unfinished = files.files();

    // Without --force, since it was given when the build began.
    let mut source = counted();
    let report = build_with(&directory, options(), &mut source, &NoProgress).unwrap();
    assert_eq!(report.resumed, Some(encoded));
    assert_eq!(source.encoded, DOCUMENTS as u64 - encoded);
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    assert_eq!(index.info().unwrap().generation, 2);

    // What was left behind is nothing once another commit came.
    for (name, bytes) in &unfinished {
        if name.ends_with(".spool") || name == "build.journal" {
            files.put(name, bytes);
        }
    }
    let refused = build(&directory, options()).unwrap_err();
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    assert_eq!(build(&directory, force()).unwrap().resumed, None);
    assert!(files.files().keys().all(|name| !name.ends_with(".spool")));
}

#[test]
fn another_build_is_not_resumed() {
    let (files, directory) = memory();
    let encoded = stop_at(5, &directory, options());
    let before = files.files();
    let refused = |result: Result<CommitReport>, words: &[&str]| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::OtherBuild { .. }), "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    };
    let with = |change: &dyn Fn(&mut BuildOptions)| {
        let mut options = options();
        change(&mut options);
        build(&directory, options)
    };
    refused(
        with(&|o| o.nbits = 2),
        &["nbits = 4, this one 2", "by force"],
    );
    refused(with(&|o| o.seed = 7), &["seed = 42, this one 7"]);
    refused(
        with(&|o| o.centroids = None),
        &["centroids = 20, this one by default"],
    );
    refused(with(&|o| o.shape = CodebookKind::Flat), &["shape"]);
    let model: ModelInfo = serde_json::from_str(MODEL).unwrap();
    refused(with(&|o| o.model = Some(model.clone())), &["model's"]);

    let add = |change: &dyn Fn(usize, &mut String, &mut String) -> bool| {
        let mut builder = IndexWriter::create_in(&directory, options()).unwrap();
        for document in 0..DOCUMENTS {
            let (mut key, mut text) = (key(document), format!("text of {document}"));
            if change(document, &mut key, &mut text) {
                let (key, text) = (&key, &text);
                builder.add(NewDocument::new(key).text(text)).unwrap();
            }
        }
        builder.commit(&mut counted(), &NoProgress)
    };
    refused(
        add(&|document, _, _| document != 500),
        &["number of documents = 800, this one 799"],
    );
    refused(
        add(&|document, key, _| {
            key.push_str(if document == 500 { "x" } else { "" });
            true
        }),
        &["hash of the keys"],
    );
    refused(
        add(&|document, _, text| {
            text.push_str(if document == 500 { "x" } else { "" });
            true
        }),
        &["hash of the texts"],
    );
    let other = Corpus::topical(DOCUMENTS, 16, 11);
    refused(
        build_with(&directory, options(), &mut other.clone(), &NoProgress),
        &["dimension of the vectors = 8, this one 16"],
    );
    refused(
        build_with(&directory, options(), &mut corpus(), &NoProgress),
        &["source of the vectors"],
    );

    // The text is rewritten each time; nothing else was touched, and the build still resumes.
    let kept = |files: BTreeMap<String, Vec<u8>>| {
        let files = files.into_iter();
        files
            .filter(|(name, _)| !name.starts_with("text"))
            .collect::<Vec<_>>()
    };
    assert!(kept(files.files()) == kept(before));
    let report = build(&directory, options()).unwrap();
    assert_eq!(report.resumed, Some(encoded));
    assert!(files.files() == undisturbed());
}

#[test]
fn a_damaged_unfinished_build_is_refused_or_made_again() {
    let expected = undisturbed();
    for stop in [1, 5] {
        let (files, directory) = memory();
        stop_at(stop, &directory, options());
        let files = files.files();
        let mut random = Random(stop);
        for (name, good) in &files {
            if good.is_empty() || name.starts_with("text") || name.starts_with("postings") {
                continue; // rebuilt in any case
            }
            let mut bad = files.clone();
            let at = random.below(good.len());
            bad.get_mut(name).unwrap()[at] ^= 1 << random.below(8);
            let cut = random.below(good.len());
            let mut short = files.clone();
            short.get_mut(name).unwrap().truncate(cut);
            let mut gone = files.clone();
            gone.remove(name);
            for damaged in [bad, short, gone] {
                let memory = Memory::with_files(
                    damaged
                        .iter()
                        .map(|(name, bytes)| (name.as_str(), &bytes[..])),
                );
                let directory = Directory::over(Arc::new(memory.clone()));
                match build(&directory, options()) {
                    // Behind what is recorded there may be anything.
                    Ok(_) => assert!(memory.files() == expected, "{name}"),
                    Err(
                        error @ (Error::Format(_)
                        | Error::Io { .. }
                        | Error::DamagedJournal { .. }
                        | Error::ManifestMissing { .. }),
                    ) => {
                        let force = options().force(true).resume(false);
                        build(&directory, force).unwrap();
                        // Files that nobody can tell of keep their numbers until the new index is
                        // there.
                        let untold = matches!(
                            error,
                            Error::ManifestMissing { .. } | Error::DamagedJournal { .. }
                        );
                        if untold {
                            Index::open_in(&directory).unwrap().verify().unwrap();
                            assert_eq!(memory.files().len(), expected.len(), "{name}");
                        } else {
                            assert!(memory.files() == expected, "{name}");
                        }
                    }
                    Err(other) => panic!("{name}: {other}"),
                }
            }
        }
    }
}
