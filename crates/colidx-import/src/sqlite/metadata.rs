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

/// The table, open.
pub(crate) struct MetadataTable {
    database: Database,
    /// Number of the document and of its row, by the first.
    rows: Vec<(i64, i64)>,
    select: &'static str,
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
        let mut rows = Vec::new();
        if database.has_table("METADATA")? {
            let sql = "SELECT _subset_, rowid FROM METADATA";
            rows = database.rows(sql, documents, |row| Ok((row.get(0)?, row.get(1)?)))?;
        }
        rows.sort_unstable();
        let select = if database.has_table("METADATA_CONTENT")? {
            "SELECT * FROM METADATA AS row LEFT JOIN METADATA_CONTENT AS content \
             ON content._content_id_ = row._content_id_ WHERE row.rowid = ?1"
        } else {
            "SELECT * FROM METADATA WHERE rowid = ?1"
        };
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
        let columns: Vec<String> = match self.rows.is_empty() {
            true => Vec::new(),
            false => self.database.ask(|connection| {
                let statement = connection.prepare(self.select)?;
                let names = statement.column_names();
                Ok(names.map(str::to_owned).collect())
            })?,
        };
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
            let mut statement = connection.prepare(self.select)?;
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
