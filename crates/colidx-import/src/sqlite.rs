//! Keys, texts and metadata in SQLite files.
//!
//! A file is read where it lies, as one that nobody changes, so that nothing is written beside it.
//! Where a write-ahead log or a rollback journal lies beside it, the newest pages are only there or
//! the file is half written, and to read those SQLite must write: then it works on a copy of both
//! in a temporary folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use tempfile::TempDir;

use crate::error::ImportError;
use crate::folder::{open, unreadable};

mod metadata;

pub(crate) use metadata::MetadataTable;

/// Most bytes of one value.
const MAX_VALUE: i32 = 64 << 20;

struct Database {
    path: PathBuf,
    connection: Connection,
    /// The copy that is open, if it is one.
    _copy: Option<TempDir>,
}

impl Database {
    fn open(path: &Path) -> Result<Database, ImportError> {
        let copy = copy(path)?;
        let opened = match &copy {
            Some(folder) => Connection::open_with_flags(
                folder.path().join("copy"),
                OpenFlags::SQLITE_OPEN_READ_WRITE,
            ),
            None => Connection::open_with_flags(
                immutable(path)?,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            ),
        };
        let connection = opened.map_err(|error| failed(path, error))?;
        let database = Database {
            path: path.to_owned(),
            connection,
            _copy: copy,
        };
        // A file may be made by anyone: it can define nothing that computes.
        database.ask(|connection| {
            connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
            connection.set_limit(Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 0)?;
            connection.execute_batch(
                "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;",
            )
        })?;
        Ok(database)
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ImportError> {
        question(&self.connection).map_err(|error| failed(&self.path, error))
    }

    /// Whether it has a table of that name; an error if something else has the name, such as a
    /// view, behind which there could be any computation.
    fn has_table(&self, name: &str) -> Result<bool, ImportError> {
        let sql = "SELECT type, rootpage FROM sqlite_schema WHERE name = ?1";
        let found: Option<(String, i64)> = self.ask(|connection| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            connection.query_row(sql, [name], row).optional()
        })?;
        match found {
            None => Ok(false),
            Some((kind, page)) if kind == "table" && page > 0 => Ok(true),
            Some((kind, _)) => Err(ImportError::Mismatch {
                file: self.path.display().to_string(),
                expected: format!("a table `{name}`"),
                got: format!("a {kind} that computes"),
            }),
        }
    }

    /// At most `limit` rows of a question, and an error if there are more.
    fn rows<T>(
        &self,
        sql: &str,
        limit: usize,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ImportError> {
        let rows = self.ask(|connection| {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], &read)?;
            rows.take(limit.saturating_add(1))
                .collect::<Result<Vec<_>, _>>()
        })?;
        if rows.len() > limit {
            return Err(ImportError::Mismatch {
                file: self.path.display().to_string(),
                expected: format!("at most {limit} rows, one for each document"),
                got: "more".to_owned(),
            });
        }
        Ok(rows)
    }
}

/// Copies the file and its log or journal, if there is one that has something in it.
fn copy(path: &Path) -> Result<Option<TempDir>, ImportError> {
    let mut logs = Vec::new();
    for suffix in ["-wal", "-journal"] {
        if let Some(log) = log(path, suffix)? {
            logs.push((log, suffix));
        }
    }
    if logs.is_empty() {
        return Ok(None);
    }
    let failed = |source| ImportError::NoCopy {
        file: path.display().to_string(),
        folder: std::env::temp_dir().display().to_string(),
        source,
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    logs.push((path.to_owned(), ""));
    for (from, suffix) in logs {
        let mut from = open(&from)?;
        let to = folder.path().join(format!("copy{suffix}"));
        let mut to = fs::File::create(to).map_err(failed)?;
        io::copy(&mut from, &mut to).map_err(failed)?;
    }
    Ok(Some(folder))
}

/// The log that belongs to a file, if it has something in it. SQLite puts it beside the file that
/// a link leads to; a copy of links may have it beside the link.
fn log(path: &Path, suffix: &str) -> Result<Option<PathBuf>, ImportError> {
    let real = path.canonicalize();
    let real = real.map_err(|source| unreadable(path, source))?;
    for beside in [&*real, path] {
        let mut log = beside.as_os_str().to_owned();
        log.push(suffix);
        let log = PathBuf::from(log);
        match log.metadata() {
            Ok(file) if file.is_file() && file.len() > 0 => return Ok(Some(log)),
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(unreadable(&log, source));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The name by which SQLite opens a file that does not change.
fn immutable(path: &Path) -> Result<String, ImportError> {
    let path = std::path::absolute(path).map_err(|source| unreadable(path, source))?;
    let Some(text) = path.to_str() else {
        return Err(ImportError::Sqlite {
            file: path.display().to_string(),
            reason: "its path is not UTF-8".to_owned(),
        });
    };
    let mut name = String::from("file:");
    // A path of Windows begins with a letter, and that of a URI never.
    if !text.starts_with('/') {
        name.push('/');
    }
    for c in text.chars() {
        match c {
            '\\' if cfg!(windows) => name.push('/'),
            '%' | '?' | '#' => name.push_str(&format!("%{:02x}", u32::from(c))),
            c => name.push(c),
        }
    }
    name.push_str("?mode=ro&immutable=1");
    Ok(name)
}

fn failed(path: &Path, error: rusqlite::Error) -> ImportError {
    ImportError::Sqlite {
        file: path.display().to_string(),
        reason: error.to_string(),
    }
}

/// Keys and values of a dict of sqlitedict, at most `limit`.
pub(crate) fn pairs(path: &Path, limit: usize) -> Result<Vec<(String, Vec<u8>)>, ImportError> {
    let database = Database::open(path)?;
    if !database.has_table("unnamed")? {
        return Err(ImportError::NoTable {
            file: path.display().to_string(),
            table: "unnamed",
        });
    }
    database.rows("SELECT key, value FROM unnamed", limit, |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}
