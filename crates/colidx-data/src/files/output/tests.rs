use super::*;

fn write(path: &Path, protected: &Protected) -> Result<(), OutputError> {
    let mut file = OutputFile::create(path, protected)?;
    file.write_all(b"new\n").unwrap();
    file.finish()
}

fn entries(folder: &Path) -> usize {
    folder.read_dir().unwrap().count()
}

#[test]
fn a_file_appears_only_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.trec");
    let protected = Protected::new(*b"\x8aindex\r\n").allow_replacing(false);
    let mut file = OutputFile::create(&path, &protected).unwrap();
    file.write_all(b"line\n").unwrap();
    assert!(!path.exists());
    drop(file);
    assert_eq!(entries(folder.path()), 0);
    drop(
        OutputFile::create(&path, &protected)
            .unwrap()
            .complete()
            .unwrap(),
    );
    assert_eq!(entries(folder.path()), 0);
    write(&path, &protected).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new\n");
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn what_has_the_name_is_replaced_only_with_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    fs::write(&path, "").unwrap();
    write(
        &path,
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(false),
    )
    .unwrap();
    let error = write(
        &path,
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(false),
    )
    .unwrap_err();
    assert!(matches!(error, OutputError::Exists { .. }), "{error}");
    write(
        &path,
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(true),
    )
    .unwrap();
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn what_came_meanwhile_stays_and_what_was_written_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let mut file = OutputFile::create(
        &path,
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(false),
    )
    .unwrap();
    file.write_all(b"hours of work").unwrap();
    fs::write(&path, "another's").unwrap();
    let error = file.finish().unwrap_err();
    let OutputError::Kept { source, part } = error else {
        panic!("{error}")
    };
    assert!(matches!(*source, OutputError::Exists { .. }), "{source}");
    assert_eq!(fs::read(part).unwrap(), b"hours of work");
    assert_eq!(fs::read(path).unwrap(), b"another's");
}

#[cfg(unix)]
#[test]
fn links_stay_and_lead_to_what_is_written() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    symlink("sub/target", at("one")).unwrap();
    symlink(at("one"), at("two")).unwrap();
    write(
        &at("two"),
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(false),
    )
    .unwrap();
    assert!(at("one").is_symlink() && at("two").is_symlink());
    assert_eq!(fs::read(at("sub/target")).unwrap(), b"new\n");
    symlink("loop", at("loop")).unwrap();
    assert!(
        write(
            &at("loop"),
            &Protected::new(*b"\x8aindex\r\n").allow_replacing(true)
        )
        .is_err()
    );
    // The link leads elsewhere by the time the file is whole.
    let mut file = OutputFile::create(
        &at("two"),
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(true),
    )
    .unwrap();
    file.write_all(b"late").unwrap();
    fs::remove_file(at("one")).unwrap();
    symlink("other", at("one")).unwrap();
    let error = file.finish().unwrap_err();
    assert!(matches!(error, OutputError::Kept { .. }), "{error}");
    assert_eq!(fs::read(at("sub/target")).unwrap(), b"new\n");
    assert!(!at("other").exists());
}

#[cfg(unix)]
#[test]
fn modes_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "old").unwrap();
    for mode in [0o600, 0o640, 0o444] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        write(
            &path,
            &Protected::new(*b"\x8aindex\r\n").allow_replacing(true),
        )
        .unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn no_name_of_an_input_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("corpus/sub")).unwrap();
    fs::write(at("queries"), "old").unwrap();
    fs::write(at("corpus/sub/a.txt"), "old").unwrap();
    fs::hard_link(at("queries"), at("hard")).unwrap();
    let protected = Protected::new(*b"\x8aindex\r\n")
        .allow_replacing(true)
        .inputs([at("queries"), at("corpus"), "-".into()]);
    for name in ["queries", "hard", "corpus/../queries", "corpus/sub/a.txt"] {
        let error = write(&at(name), &protected).unwrap_err();
        assert!(
            matches!(error, OutputError::Input { .. }),
            "{name}: {error}"
        );
    }
    assert!(matches!(
        protected.folder(&at("corpus")),
        Err(OutputError::Input { .. })
    ));
    for error in [
        protected.folder(&at("queries")).unwrap_err(),
        protected.folder(&at("queries/new")).unwrap_err(),
        protected.check(&at("queries/new/run")).unwrap_err(),
    ] {
        let words = "queries is a file, expected a folder";
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = protected.check(folder.path()).unwrap_err();
    assert!(matches!(error, OutputError::IsFolder { .. }), "{error}");
    assert!(protected.folder(&at("corpus/new/deep")).is_ok());
    assert_eq!(fs::read(at("queries")).unwrap(), b"old");
    write(&at("other"), &protected).unwrap();
}

#[test]
fn nothing_is_written_among_the_files_of_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // One that the command works on, and one that it knows nothing of.
    fs::create_dir_all(at("named/sub")).unwrap();
    fs::write(at("named/lock"), "x").unwrap();
    fs::create_dir_all(at("other/sub")).unwrap();
    fs::write(at("other/manifest"), b"\x8aindex\r\n").unwrap();
    fs::hard_link(at("other/manifest"), at("hard1")).unwrap();
    fs::hard_link(at("named/lock"), at("hard2")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(at("named"), at("link")).unwrap();
    let protected = Protected::new(*b"\x8aindex\r\n")
        .allow_replacing(true)
        .index(&at("named"));
    for name in [
        "named/new",
        "named/lock",
        "named/sub/new",
        "named/sub/../lock",
        "other/new",
        "other/manifest",
        "hard1",
        "hard2",
        #[cfg(unix)]
        "link/new",
    ] {
        let error = write(&at(name), &protected).unwrap_err();
        assert!(
            matches!(error, OutputError::Index { .. }),
            "{name}: {error}"
        );
    }
    for name in ["named", "named/sub", "named/new/deep", "other"] {
        let error = protected.folder(&at(name)).unwrap_err();
        assert!(
            matches!(error, OutputError::Index { .. }),
            "{name}: {error}"
        );
    }
}
