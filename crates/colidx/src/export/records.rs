//! The records of documents as JSON Lines, which a corpus can be read from.

use std::io::Write;

use colidx_core::Document;
use colidx_data::{CompletedFile, OutputFile};
use half::f16;
use serde_json::{Map, Value};

use super::{ExportError, Out, RECORDS};

/// Fields that every record has.
const FIELDS: [&str; 4] = ["_id", "title", "text", VECTORS];
const VECTORS: &str = "vectors";

pub(super) struct Records {
    file: OutputFile,
    name: String,
    /// With vectors: whether they are rounded to f16.
    vectors: Option<bool>,
    left_out: u64,
}

impl Records {
    pub(super) fn create(out: &Out<'_>, vectors: Option<bool>) -> Result<Records, ExportError> {
        Ok(Records {
            file: out.create(RECORDS)?,
            name: out.name(RECORDS),
            vectors,
            left_out: 0,
        })
    }

    pub(super) fn push(
        &mut self,
        document: &Document,
        vectors: &[f32],
        dim: usize,
    ) -> Result<(), ExportError> {
        let mut record = metadata(&document.metadata);
        let fields = &FIELDS[..if self.vectors.is_some() { 4 } else { 3 }];
        let taken = fields
            .iter()
            .filter(|&&field| record.remove(field).is_some());
        self.left_out += taken.count() as u64;
        for (field, value) in [
            ("_id", &document.key),
            ("title", &document.title),
            ("text", &document.text),
        ] {
            if field == "_id" || !value.is_empty() {
                record.insert(field.to_owned(), value.clone().into());
            }
        }
        let mut line = Value::Object(record).to_string();
        if let Some(half) = self.vectors {
            line.pop();
            line.push_str(&format!(",\"{VECTORS}\":"));
            rows(vectors, dim, half, &mut line);
            line.push('}');
        }
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|source| ExportError::Io {
            file: self.name.clone(),
            source,
        })
    }

    /// The file, and how many fields were left out.
    pub(super) fn finish(self) -> Result<(CompletedFile, u64), ExportError> {
        Ok((self.file.complete()?, self.left_out))
    }
}

/// Metadata are an object, or empty.
fn metadata(json: &str) -> Map<String, Value> {
    match serde_json::from_str(json) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn rows(vectors: &[f32], dim: usize, half: bool, out: &mut String) {
    use std::fmt::Write;
    out.push('[');
    for (at, row) in vectors.chunks_exact(dim).enumerate() {
        out.push_str(if at == 0 { "[" } else { ",[" });
        for (at, &value) in row.iter().enumerate() {
            let value = match half {
                true => f16::from_f32(value).to_f32(),
                false => value,
            };
            // Writing to a text cannot fail. The shortest digits that give the number back.
            let _ = match at {
                0 => write!(out, "{value}"),
                _ => write!(out, ",{value}"),
            };
        }
        out.push(']');
    }
    out.push(']');
}
