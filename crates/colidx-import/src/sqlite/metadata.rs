//! The table `METADATA` of fast-plaid and next-plaid, which may keep all columns in another table,
//! `METADATA_CONTENT`.

use std::path::Path;

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use super::Database;
use crate::documents::{ForeignDocument, Table};
use crate::error::ImportError;
use crate::options::ImportOptions;
use crate::report::{NoteKind, Report};

/// Columns that number the rows.
const NUMBERS: [&str; 2] = ["_subset_", "_content_id_"];

/// Most columns that SQLite allows.
const MAX_COLUMNS: usize = 32_767;

/// The table, open.
pub(crate) struct MetadataTable {
    database: Database,
    /// Number of the document and of its row, by the first.
    rows: Vec<(i64, i64)>,
    select: String,
    options: ImportOptions,
}

impl MetadataTable {
    /// Opens the table of an index of `documents` documents.
    pub(crate) fn open(
        path: &Path,
        documents: usize,
        options: &ImportOptions,
    ) -> Result<MetadataTable, ImportError> {
        let database = Database::open(path)?;
        if !database.has_table("METADATA")? {
            return Err(ImportError::NoTable {
                file: path.display().to_string(),
                table: "METADATA",
            });
        }
        let id = row_id(&database)?;
        let sql = format!("SELECT _subset_, {id} FROM METADATA");
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let mut rows = database.rows(&sql, documents, read)?;
        rows.sort_unstable();
        let content = match database.has_table("METADATA_CONTENT")? {
            true => {
                "LEFT JOIN METADATA_CONTENT AS content \
                 ON content._content_id_ = row._content_id_ "
            }
            false => "",
        };
        let select = format!("SELECT * FROM METADATA AS row {content}WHERE row.{id} = ?1");
        let table = MetadataTable {
            database,
            rows,
            select,
            options: options.clone(),
        };
        table.check_key()?;
        Ok(table)
    }

    /// Checks that the column with the keys is there.
    fn check_key(&self) -> Result<(), ImportError> {
        let Some(column) = &self.options.key_column else {
            return Ok(());
        };
        let columns: Vec<String> = self.database.ask(|connection| {
            let statement = connection.prepare(&self.select)?;
            let names = statement.column_names();
            Ok(names.map(str::to_owned).collect())
        })?;
        if columns.contains(column) {
            return Ok(());
        }
        Err(ImportError::NoColumn {
            file: self.database.path.display().to_string(),
            column: column.clone(),
            found: columns.join(", "),
        })
    }

    fn fields(&self, row: i64) -> Result<Vec<(String, Field)>, ImportError> {
        self.database.ask(|connection| {
            let mut statement = connection.prepare(&self.select)?;
            let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let read = |row: &Row<'_>| {
                let fields = names.iter().enumerate();
                let fields = fields.filter(|(_, name)| !NUMBERS.contains(&name.as_str()));
                fields
                    .map(|(column, name)| Ok((name.clone(), Field::of(row.get_ref(column)?))))
                    .collect()
            };
            statement.query_row([row], read)
        })
    }
}

/// The name of the column that tells the rows of the table apart. A column of a user may have one of
/// the names of SQLite's own, which then means that column.
fn row_id(database: &Database) -> Result<&'static str, ImportError> {
    let sql = "SELECT name, type, pk FROM pragma_table_xinfo('METADATA')";
    let columns: Vec<(String, String, i64)> = database.rows(sql, MAX_COLUMNS, |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let numbered = |(name, kind, key): &(String, String, i64)| {
        name == "_subset_" && kind.eq_ignore_ascii_case("INTEGER") && *key == 1
    };
    let keys = columns.iter().filter(|(_, _, key)| *key > 0).count();
    if keys == 1 && columns.iter().any(numbered) {
        return Ok("_subset_");
    }
    let mut names = ["rowid", "_rowid_", "oid"].into_iter();
    let is_free = |id: &&str| {
        let mut names = columns.iter().map(|(name, _, _)| name);
        !names.any(|name| name.eq_ignore_ascii_case(id))
    };
    names.find(is_free).ok_or_else(|| ImportError::Mismatch {
        file: database.path.display().to_string(),
        expected: "a table `METADATA` in which `_subset_` is the primary key".to_owned(),
        got: "columns with all of SQLite's names of row numbers".to_owned(),
    })
}

/// A value of a column.
enum Field {
    Text(String),
    Number(Value),
    Null,
    Binary,
}

impl Field {
    fn of(value: ValueRef<'_>) -> Field {
        match value {
            ValueRef::Null => Field::Null,
            ValueRef::Integer(number) => Field::Number(number.into()),
            ValueRef::Real(number) => Field::Number(number.into()),
            ValueRef::Text(text) => Field::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(_) => Field::Binary,
        }
    }
}

impl Table for MetadataTable {
    fn read(
        &mut self,
        _: usize,
        number: u64,
        document: &mut ForeignDocument,
        report: &mut Report,
    ) -> Result<(), ImportError> {
        let known = |&(subset, _): &(i64, i64)| i128::from(subset).cmp(&i128::from(number));
        let row = self.rows.binary_search_by(known).ok();
        let Some((_, row)) = row.and_then(|at| self.rows.get(at)).copied() else {
            return Ok(());
        };
        let mut fields = Map::new();
        for (name, field) in self.fields(row)? {
            let is_key = self.options.key_column.as_ref() == Some(&name);
            match field {
                Field::Text(text) if is_key => document.key = text,
                Field::Number(number) if is_key => document.key = number.to_string(),
                Field::Null | Field::Binary if is_key => report.add(NoteKind::NoId, number),
                Field::Text(text) if name == self.options.text_column => document.text = text,
                Field::Text(text) if name == self.options.title_column => document.title = text,
                Field::Text(text) => drop(fields.insert(name, text.into())),
                Field::Number(number) => drop(fields.insert(name, number)),
                Field::Null => {}
                Field::Binary => {
                    let example = format!("column {name} of document {number}");
                    report.add(NoteKind::BinaryValue, example);
                }
            }
        }
        if !fields.is_empty() {
            document.metadata_json = Value::Object(fields).to_string();
        }
        Ok(())
    }
}
