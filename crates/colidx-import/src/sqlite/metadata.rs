//! The table `METADATA` of fast-plaid and next-plaid, which may keep all columns in another table,
//! `METADATA_CONTENT`.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use super::Database;
use crate::documents::{ForeignDocument, Table};
use crate::error::ImportError;
use crate::ids;
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
    /// The keys by number, if a column has them.
    keys: Option<HashMap<u64, Box<str>>>,
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
        let from = match database.has_table("METADATA_CONTENT")? {
            true => {
                "FROM METADATA AS row LEFT JOIN METADATA_CONTENT AS content \
                 ON content._content_id_ = row._content_id_"
            }
            false => "FROM METADATA AS row",
        };
        let mut table = MetadataTable {
            database,
            rows,
            keys: None,
            select: format!("SELECT * {from} WHERE row.{id} = ?1"),
            options: options.clone(),
        };
        table.check_columns()?;
        if let Some(column) = &options.key_column {
            table.keys = Some(table.read_keys(column, from, documents)?);
        }
        Ok(table)
    }

    /// Checks that the columns that were named are there.
    fn check_columns(&self) -> Result<(), ImportError> {
        let found: Vec<String> = self.database.ask(|connection| {
            let statement = connection.prepare(&self.select)?;
            let names = statement.column_names();
            Ok(names.map(str::to_owned).collect())
        })?;
        for (of, column) in self.options.named_columns() {
            if !found.iter().any(|name| name == column) {
                let mut found = found;
                found.retain(|name| !NUMBERS.contains(&name.as_str()));
                return Err(ImportError::NoColumn {
                    file: self.database.path.display().to_string(),
                    column: column.to_owned(),
                    of,
                    found: found.join(", "),
                });
            }
        }
        Ok(())
    }

    /// The keys of all documents, which must be different texts or numbers.
    fn read_keys(
        &self,
        column: &str,
        from: &str,
        documents: usize,
    ) -> Result<HashMap<u64, Box<str>>, ImportError> {
        let table = match columns(&self.database)?
            .iter()
            .any(|one| one.name == column)
        {
            true => "row",
            false => "content",
        };
        let name = column.replace('"', "\"\"");
        let sql = format!("SELECT row._subset_, {table}.\"{name}\" {from}");
        let read = |row: &Row<'_>| Ok((row.get(0)?, Field::of(row.get_ref(1)?)));
        let rows: Vec<(i64, Field)> = self.database.rows(&sql, documents, read)?;
        let unfit = |document: u64, got: String| ImportError::KeyColumn {
            file: self.database.path.display().to_string(),
            column: column.to_owned(),
            document,
            got,
        };
        let mut keys = HashMap::new();
        for (number, field) in rows {
            let Ok(number) = u64::try_from(number) else {
                continue; // No document has such a number.
            };
            let key = match field {
                Field::Text(text) => text,
                Field::Number(number) if !number.is_null() => number.to_string(),
                Field::Number(_) => return Err(unfit(number, "no finite number".to_owned())),
                Field::Null => return Err(unfit(number, "nothing".to_owned())),
                Field::Binary => return Err(unfit(number, "a binary value".to_owned())),
            };
            if let Some(got) = ids::fault(&key) {
                return Err(unfit(number, got));
            }
            keys.insert(number, key.into_boxed_str());
        }
        let mut seen: HashMap<&str, u64> = HashMap::new();
        for number in 0..documents as u64 {
            let Some(key) = keys.get(&number) else {
                return Err(unfit(number, "no row".to_owned()));
            };
            if let Some(other) = seen.insert(key, number) {
                let shown: String = key.chars().take(80).collect();
                let got = format!("the value `{shown}` of document {other}");
                return Err(unfit(number, got));
            }
        }
        Ok(keys)
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

/// A column of the table `METADATA`.
struct Column {
    name: String,
    kind: String,
    /// Its place in the primary key, from 1; else 0.
    key: i64,
}

fn columns(database: &Database) -> Result<Vec<Column>, ImportError> {
    let sql = "SELECT name, type, pk FROM pragma_table_xinfo('METADATA')";
    database.rows(sql, MAX_COLUMNS, |row| {
        Ok(Column {
            name: row.get(0)?,
            kind: row.get(1)?,
            key: row.get(2)?,
        })
    })
}

/// The name of the column that tells the rows of the table apart. A column of a user may have one
/// of the names of SQLite's own, which then means that column.
fn row_id(database: &Database) -> Result<&'static str, ImportError> {
    let columns = columns(database)?;
    let mut keys = columns.iter().filter(|column| column.key > 0);
    if let (Some(key), None) = (keys.next(), keys.next())
        && key.name == "_subset_"
        && key.kind.eq_ignore_ascii_case("INTEGER")
    {
        return Ok("_subset_");
    }
    let mut names = ["rowid", "_rowid_", "oid"].into_iter();
    let is_free = |id: &&str| {
        let mut columns = columns.iter();
        !columns.any(|column| column.name.eq_ignore_ascii_case(id))
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
        if let Some(key) = self.keys.as_ref().and_then(|keys| keys.get(&number)) {
            document.key = key.to_string();
        }
        let known = |&(subset, _): &(i64, i64)| i128::from(subset).cmp(&i128::from(number));
        let row = self.rows.binary_search_by(known).ok();
        let Some((_, row)) = row.and_then(|at| self.rows.get(at)).copied() else {
            return Ok(());
        };
        let options = &self.options;
        let mut fields = Map::new();
        for (name, field) in self.fields(row)? {
            if options.key_column.as_ref() == Some(&name) {
                continue;
            }
            match field {
                Field::Text(text) if name == options.text_column => document.text = text,
                Field::Text(text) if name == options.title_column => document.title = text,
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
