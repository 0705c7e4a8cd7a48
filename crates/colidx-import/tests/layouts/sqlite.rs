use colidx_import::{ForeignIndex, ImportError, ImportOptions, NoteKind};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::write::{Folder, merged, plaid, text_pickle, two_chunks};
use crate::{count, documents, keys, open, refused, texts};

const ONE_TABLE: &str = "
    CREATE TABLE METADATA(_subset_ INTEGER PRIMARY KEY, title TEXT, text TEXT, n INTEGER, x REAL, b BLOB);
    INSERT INTO METADATA VALUES (0, 'T', 'one', 10, 0.5, x'00'), (1, NULL, 'two', 11, 1e999, NULL),
        (2, NULL, NULL, NULL, NULL, NULL), (4, '', '', 14, -1, NULL);";

const TWO_TABLES: &str = "
    CREATE TABLE METADATA(_subset_ INTEGER NOT NULL, _content_id_ INTEGER NOT NULL, name TEXT);
    CREATE TABLE METADATA_CONTENT(_content_id_ INTEGER PRIMARY KEY, code TEXT, n INTEGER);
    INSERT INTO METADATA_CONTENT VALUES (5, 'five', 5), (6, 'six', 6);
    INSERT INTO METADATA VALUES (1, 5, 'b'), (0, 6, 'a'), (2, 99, 'c'), (3, 5, 'd'), (4, 5, 'e');
    PRAGMA user_version = 2;";

fn with(sql: &str) -> Folder {
    let folder = Folder::new();
    merged(&folder, &two_chunks(), "");
    let connection = Connection::open(folder.file("metadata.db")).unwrap();
    connection.execute_batch(sql).unwrap();
    folder
}

fn metadata(index: &mut ForeignIndex) -> Vec<Value> {
    let parse = |json: &str| serde_json::from_str(json).unwrap_or_default();
    let documents = documents(index);
    documents
        .iter()
        .map(|document| parse(&document.metadata_json))
        .collect()
}

fn listing(folder: &Folder) -> Vec<(String, u64)> {
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            (
                file.file_name().into_string().unwrap(),
                file.metadata().unwrap().len(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn one_table() {
    let folder = with(ONE_TABLE);
    let before = listing(&folder);
    let mut index = open(folder.path());
    let read = documents(&mut index);
    assert_eq!(
        (&*read[0].key, &*read[0].title, &*read[0].text),
        ("0", "T", "one")
    );
    assert_eq!(read[3].text, "");
    let expected = [
        json!({"n": 10, "x": 0.5}),
        json!({"n": 11, "x": null}),
        Value::Null,
        Value::Null,
        json!({"n": 14, "x": -1.0}),
    ];
    assert_eq!(metadata(&mut index), expected);
    assert_eq!(count(&index, NoteKind::BinaryValue), 2);
    assert_eq!(listing(&folder), before);
}

#[test]
fn two_tables_and_named_columns() {
    let folder = with(TWO_TABLES);
    let options = ImportOptions::default()
        .key_column("name")
        .text_column("code");
    let mut index = ForeignIndex::open_with(folder.path(), &options).unwrap();
    assert_eq!(keys(&mut index), ["a", "b", "c", "d", "e"]);
    let read: Vec<String> = documents(&mut index).into_iter().map(|d| d.text).collect();
    assert_eq!(read, ["six", "five", "", "five", "five"]);
    assert_eq!(metadata(&mut index)[1], json!({"n": 5}));
    for (options, named) in [
        (
            ImportOptions::default().key_column("nome"),
            "`nome` for the keys",
        ),
        (
            ImportOptions::default().text_column("cod"),
            "`cod` for the texts",
        ),
        (
            ImportOptions::default().title_column("N"),
            "`N` for the titles",
        ),
    ] {
        let error = ForeignIndex::open_with(folder.path(), &options).err();
        let error = error.unwrap().to_string();
        assert!(
            error.contains(named) && error.contains("name, code, n"),
            "{error}"
        );
    }
}

#[test]
fn columns_that_are_no_keys() {
    let folder = with(TWO_TABLES);
    let sql = "UPDATE METADATA SET name = ?1 WHERE _subset_ = 3";
    let connection = Connection::open(folder.file("metadata.db")).unwrap();
    let options = ImportOptions::default().key_column("name");
    let refused = || {
        let error = ForeignIndex::open_with(folder.path(), &options).err();
        error.unwrap().to_string()
    };
    for (value, named) in [
        (rusqlite::types::Value::Null, "nothing for document 3"),
        (String::new().into(), "an empty text for document 3"),
        (
            "x".repeat(4097).into(),
            "a text of 4097 bytes for document 3",
        ),
        (vec![0u8].into(), "a binary value for document 3"),
        (
            "b".to_owned().into(),
            "the value `b` of document 1 for document 3",
        ),
    ] {
        connection.execute(sql, [value]).unwrap();
        let error = refused();
        assert!(
            error.contains(named) && error.contains("another column"),
            "{error}"
        );
    }
    connection.execute(sql, [2.5]).unwrap();
    let mut index = ForeignIndex::open_with(folder.path(), &options).unwrap();
    assert_eq!(keys(&mut index), ["a", "b", "c", "2.5", "e"]);
    connection
        .execute("DELETE FROM METADATA WHERE _subset_ = 3", [])
        .unwrap();
    assert!(refused().contains("no row for document 3"));
    // In the table of contents, where documents 1, 3 and 4 share one.
    let options = ImportOptions::default().key_column("code");
    assert!(ForeignIndex::open_with(folder.path(), &options).is_err());
}

/// Columns with SQLite's own names of row numbers.
#[test]
fn columns_named_rowid() {
    let values = "VALUES (0, 7, 'a'), (1, 7, 'b'), (2, 7, 'c'), (3, 7, 'd'), (4, 'x', 'e')";
    for (columns, read) in [
        ("_subset_ INTEGER PRIMARY KEY, rowid, text TEXT", true),
        ("_subset_ INTEGER NOT NULL, RowID, text TEXT", true),
        ("_subset_ INTEGER PRIMARY KEY, oid, text TEXT", true),
        (
            "_subset_ INTEGER, rowid, text TEXT, _rowid_ DEFAULT 1, oid DEFAULT 2",
            false,
        ),
    ] {
        let first: Vec<&str> = columns.split(", ").take(3).collect();
        let names: Vec<&str> = first
            .iter()
            .filter_map(|column| column.split(' ').next())
            .collect();
        let names = names.join(", ");
        let folder = with(&format!(
            "CREATE TABLE METADATA({columns}); INSERT INTO METADATA({names}) {values};"
        ));
        if !read {
            let error = refused(folder.path()).to_string();
            assert!(error.contains("row numbers"), "{error}");
            continue;
        }
        let mut index = open(folder.path());
        assert_eq!(texts(&mut index), ["a", "b", "c", "d", "e"], "{columns}");
        let first = metadata(&mut index)[0].clone();
        assert!(first.as_object().unwrap().values().all(|value| *value == 7));
    }
}

/// All there is lies in the log while the writer has not closed the file, as after a crash.
#[test]
fn what_lies_in_the_log_is_read_and_the_log_is_left() {
    let folder = Folder::new();
    plaid(&folder, &two_chunks(), r#", "next_plaid_compatible": true"#);
    let writer = Connection::open(folder.file("metadata.db")).unwrap();
    writer
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;")
        .unwrap();
    writer.execute_batch(TWO_TABLES).unwrap();
    // Without the shared memory that the writer holds, as in a copy.
    let copy = Folder::new();
    for (name, _) in listing(&folder)
        .into_iter()
        .filter(|(name, _)| !name.ends_with("-shm"))
    {
        copy.write(&name, std::fs::read(folder.file(&name)).unwrap());
    }
    drop(writer);
    let before = listing(&copy);
    assert!(
        before
            .iter()
            .any(|(name, bytes)| name == "metadata.db-wal" && *bytes > 0)
    );
    let options = ImportOptions::default().key_column("name");
    let mut index = ForeignIndex::open_with(copy.path(), &options).unwrap();
    assert_eq!(keys(&mut index), ["a", "b", "c", "d", "e"]);
    assert_eq!(listing(&copy), before);
    #[cfg(unix)]
    logs_of_links(&copy, &options);
}

/// A log is looked for beside the file that a link leads to, and beside the link: caches of hubs
/// link names to contents that have a hash as their name.
#[cfg(unix)]
fn logs_of_links(index: &Folder, options: &ImportOptions) {
    use std::os::unix::fs::symlink;
    let (to_names, to_hashes, store) = (Folder::new(), Folder::new(), Folder::new());
    for (number, (name, _)) in listing(index).into_iter().enumerate() {
        if name != "metadata.db-wal" {
            symlink(index.file(&name), to_names.file(&name)).unwrap();
        }
        let hash = number.to_string();
        store.write(&hash, std::fs::read(index.file(&name)).unwrap());
        symlink(store.file(&hash), to_hashes.file(&name)).unwrap();
    }
    for folder in [to_names, to_hashes] {
        let mut index = ForeignIndex::open_with(folder.path(), options).unwrap();
        assert_eq!(keys(&mut index), ["a", "b", "c", "d", "e"]);
    }
}

#[cfg(unix)]
#[test]
fn a_log_that_cannot_be_read_is_named() {
    let folder = with(ONE_TABLE);
    let log = folder.file("metadata.db-wal");
    std::os::unix::fs::symlink(&log, &log).unwrap();
    let error = refused(folder.path());
    let named = error
        .to_string()
        .contains("metadata.db-wal: cannot be read");
    assert!(matches!(error, ImportError::Io { .. }) && named, "{error}");
}

#[test]
fn tables_that_compute_are_refused() {
    for sql in [
        "CREATE TABLE t(a); CREATE VIEW METADATA AS WITH RECURSIVE c(_subset_) AS
             (SELECT 1 UNION ALL SELECT _subset_ + 1 FROM c) SELECT _subset_ FROM c;",
        "CREATE TABLE METADATA(_subset_ INTEGER PRIMARY KEY);
         INSERT INTO METADATA VALUES (0), (1), (2), (3), (4), (5);",
        "CREATE TABLE METADATA(_subset_ PRIMARY KEY) WITHOUT ROWID;",
        "CREATE TABLE METADATA(other INTEGER);",
        "CREATE TABLE METADATA(_subset_ TEXT); INSERT INTO METADATA VALUES ('x');",
    ] {
        let error = refused(with(sql).path()).to_string();
        assert!(error.contains("metadata.db"), "{error}");
    }
}

#[test]
fn without_the_table_metadata_are_reported_missing() {
    let folder = with("CREATE TABLE other(a);");
    let mut index = open(folder.path());
    assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);
    let note = index
        .report()
        .get(NoteKind::NoMetadata)
        .unwrap()
        .to_string();
    assert!(
        note.contains("no table `METADATA`") && note.contains("-wal"),
        "{note}"
    );
    let options = ImportOptions::default().key_column("name");
    let error = ForeignIndex::open_with(folder.path(), &options).err();
    assert!(
        matches!(error, Some(ImportError::NoTable { .. })),
        "{error:?}"
    );
}

#[test]
fn damaged_files_are_errors() {
    let folder = with(ONE_TABLE);
    let whole = std::fs::read(folder.file("metadata.db")).unwrap();
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        folder.write("metadata.db", &bytes);
        if let Ok(mut index) = ForeignIndex::open(folder.path()) {
            index.documents().for_each(drop);
        }
    }
    folder.write(
        "metadata.db",
        b"no database at all, but long enough for one to be looked for",
    );
    let error = refused(folder.path());
    assert!(matches!(error, ImportError::Sqlite { .. }), "{error}");
}

#[test]
fn ids_of_pylate_before_1_5() {
    let (outer, inner) = (Folder::new(), Folder::new());
    merged(&inner, &two_chunks(), "");
    std::fs::rename(inner.path(), outer.file("fast_plaid_index")).unwrap();
    let connection = Connection::open(outer.file("plaid_ids_to_documents_ids.sqlite")).unwrap();
    connection
        .execute_batch("CREATE TABLE unnamed(key TEXT PRIMARY KEY, value BLOB)")
        .unwrap();
    for n in 0..5 {
        let pickle = match n {
            3 => b"\x80\x05K\x2a.".to_vec(),
            n => [&b"\x80\x05"[..], &text_pickle(&format!("id {n}")), b"\x94."].concat(),
        };
        let sql = "INSERT INTO unnamed VALUES (?1, ?2)";
        connection.execute(sql, (n.to_string(), pickle)).unwrap();
    }
    let mut index = open(outer.path());
    assert_eq!(keys(&mut index), ["id 0", "id 1", "id 2", "42", "id 4"]);
    assert!(
        index
            .engine()
            .to_string()
            .ends_with("in PyLate 1.4 or before")
    );
    let sql = "UPDATE unnamed SET value = ?1 WHERE key = '2'";
    connection
        .execute(sql, [b"cos\nsystem\n)R.".to_vec()])
        .unwrap();
    assert!(refused(outer.path()).to_string().contains("os.system"));
    connection.execute("DROP TABLE unnamed", []).unwrap();
    assert!(refused(outer.path()).to_string().contains("`unnamed`"));
}
