use super::*;
use crate::storage::LOCK;

#[test]
fn a_lock_is_given_back_although_a_process_that_starts_has_the_file_open() {
    let tmp = tempfile::tempdir().unwrap();
    let storage = FileSystem::new(tmp.path());
    let file = File::create(tmp.path().join(LOCK)).unwrap();
    file.try_lock().unwrap();
    let started = file.try_clone().unwrap();
    assert!(storage.lock(LOCK).unwrap().is_none());
    let directory = storage.open().unwrap();
    let name = LOCK.to_owned();
    drop(Lock {
        file,
        directory,
        name,
    });
    assert!(storage.lock(LOCK).unwrap().is_some());
    drop(started);
}

#[cfg(unix)]
#[test]
fn a_pinned_directory_stays_itself_when_its_path_is_given_to_another() {
    let tmp = tempfile::tempdir().unwrap();
    let path = |name: &str| tmp.path().join(name);
    fs::create_dir(path("live")).unwrap();
    fs::create_dir(path("next")).unwrap();
    fs::write(path("next/a"), "of the other").unwrap();
    let storage = FileSystem::new(&path("live"));
    let pinned = storage.pin().unwrap().unwrap();
    let held = pinned.lock(LOCK).unwrap().unwrap();
    assert!(pinned.is_current().unwrap());

    fs::rename(path("live"), path("old")).unwrap();
    assert!(!pinned.is_current().unwrap());
    fs::rename(path("next"), path("live")).unwrap();
    assert!(!pinned.is_current().unwrap() && held.is_held().unwrap());
    assert!(!pinned.exists("a").unwrap() && storage.exists("a").unwrap());
    io::Write::write_all(&mut pinned.create("b").unwrap(), b"ours").unwrap();
    assert_eq!(fs::read(path("old/b")).unwrap(), b"ours");
    assert_eq!(pinned.list().unwrap().len(), 2);
    pinned.rename("b", "a").unwrap();
    assert_eq!(fs::read(path("live/a")).unwrap(), b"of the other");
    assert_eq!(&*pinned.map("a").unwrap(), b"ours");
    assert!(
        pinned.remove_directory().is_err(),
        "the path is another's now"
    );
}

/// Opening never waits, and what is no file is refused, whoever put it there.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    use std::os::unix::fs::symlink;
    let tmp = tempfile::tempdir().unwrap();
    let path = |name: &str| tmp.path().join(name);
    let storage = FileSystem::new(tmp.path());
    let put: [(&str, &dyn Fn()); 4] = [
        ("pipe", &|| {
            nix::unistd::mkfifo(&path("it"), nix::sys::stat::Mode::S_IRWXU).unwrap()
        }),
        ("folder", &|| fs::create_dir(path("it")).unwrap()),
        ("link", &|| symlink(path("victim"), path("it")).unwrap()),
        ("socket", &|| {
            drop(std::os::unix::net::UnixListener::bind(path("it")).unwrap());
        }),
    ];
    for (what, put) in put {
        put();
        assert!(storage.lock("it").is_err(), "{what} locked");
        assert!(storage.append("it", 0).is_err(), "{what} written");
        assert!(storage.map("it").is_err(), "{what} mapped");
        assert!(!path("victim").exists(), "{what} followed");
        storage.remove("it").unwrap();
        assert!(!storage.exists("it").unwrap(), "{what} stays");
    }
    // The large files of an index may be links.
    fs::write(path("victim"), "bytes").unwrap();
    symlink(path("victim"), path("it")).unwrap();
    assert_eq!(&*storage.map("it").unwrap(), b"bytes");
    storage.remove("it").unwrap();
    assert!(path("victim").exists());
}

#[test]
fn directories_above_are_made_and_one_that_is_there_is_no_error() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a/b/c");
    let storage = FileSystem::new(&path);
    assert!(!storage.exists("x").unwrap());
    storage.create_directory().unwrap();
    storage.create_directory().unwrap();
    assert!(path.is_dir());
    fs::write(tmp.path().join("file"), "").unwrap();
    let below = FileSystem::new(&tmp.path().join("file/d"));
    assert!(below.create_directory().is_err());
}
