//! Merging runs, column by column.

use super::MAX_SEGMENT_FIELDS;
use super::runs::{RunReader, Value};
use crate::columns::layout::{ColumnEntry, FieldEntry, Kind};
use crate::columns::write::column::{float_of, integer_of};
use crate::columns::{MetadataError, TAGS};
use colidx_spill::{Appender, Runs, Scratch, ScratchFile, Sections};
use std::cmp::Ordering;

/// Sections that grow together, and are written one after the other when all are whole.
pub(super) struct Merged<F> {
    fields: Appender<F>,
    paths: Appender<F>,
    columns: Appender<F>,
    integers: Appender<F>,
    floats: Appender<F>,
    string_starts: Appender<F>,
    strings: Appender<F>,
    starts: Appender<F>,
    documents: Appender<F>,
    /// The field of the last column.
    field: Option<Vec<u8>>,
    num_fields: u32,
    num_columns: u32,
    /// Distinct values, and those of each kind that has a section for them.
    values: u64,
    typed: [u64; Kind::COUNT],
    /// Pairs of value and document.
    postings: u64,
}

impl<F: ScratchFile<Error: From<MetadataError>>> Merged<F> {
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
    ) -> Result<Self, F::Error> {
        let mut section = || Appender::create(scratch);
        Ok(Self {
            fields: section()?,
            paths: section()?,
            columns: section()?,
            integers: section()?,
            floats: section()?,
            string_starts: section()?,
            strings: section()?,
            starts: section()?,
            documents: section()?,
            field: None,
            num_fields: 0,
            num_columns: 0,
            values: 0,
            typed: [0; Kind::COUNT],
            postings: 0,
        })
    }

    /// Appends all columns of the runs, read through about `memory` bytes.
    pub fn merge(&mut self, runs: &Runs<F>, memory: usize) -> Result<(), F::Error> {
        let file = runs.file();
        // Runs that are not at their end, in the order of their documents.
        let mut open = Vec::new();
        for mut run in runs.readers(memory).map(RunReader::new) {
            if run.next_column(file)? {
                open.push(run);
            }
        }
        while let Some(least) = open.iter().map(|run| (&run.path, run.kind)).min() {
            let (path, kind) = (least.0.clone(), least.1);
            let has = |run: &RunReader| run.path == path && run.kind == kind;
            let of_column = open.iter_mut().filter(|run| has(run));
            self.column(&path, kind, of_column.collect(), file)?;
            let mut at = 0;
            while at < open.len() {
                if has(&open[at]) && !open[at].next_column(file)? {
                    open.remove(at);
                } else {
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// Appends a column that these runs have.
    fn column(
        &mut self,
        path: &[u8],
        kind: u32,
        runs: Vec<&mut RunReader>,
        file: &F,
    ) -> Result<(), F::Error> {
        let full = || MetadataError::full(&String::from_utf8_lossy(path));
        if self.field.as_deref() != Some(path) {
            if self.num_fields == MAX_SEGMENT_FIELDS {
                return Err(full().into());
            }
            self.num_fields += 1;
            let entry = FieldEntry {
                path: self.paths.position(),
                columns: self.num_columns,
                reserved: 0,
            };
            self.fields.append(bytemuck::bytes_of(&entry))?;
            self.paths.append(path)?;
            self.field = Some(path.to_owned());
        }
        let kind = Kind::new(kind).unwrap_or(Kind::Null);
        let entry = ColumnEntry {
            kind: kind as u32,
            // Each document is in one run, and there are no more than 32 bits count.
            documents: runs.iter().map(|run| run.documents).sum(),
            first: self.values,
            typed: self.typed[kind as usize],
            postings: self.postings,
        };
        self.columns.append(bytemuck::bytes_of(&entry))?;
        self.num_columns += 1;
        let mut ahead = Vec::new();
        for run in runs {
            if run.next_value(file)? {
                ahead.push(run);
            }
        }
        let mut pairs = 0u32;
        while !ahead.is_empty() {
            let least = least(&ahead, file)?;
            self.value(kind, &ahead[least[0]].value, file)?;
            self.starts.append(&pairs.to_le_bytes())?;
            for &at in &least {
                let run = &mut ahead[at];
                run.copy_documents(file, &mut self.documents)?;
                pairs = pairs.checked_add(run.count).ok_or_else(full)?;
            }
            for &at in least.iter().rev() {
                if !ahead[at].next_value(file)? {
                    ahead.remove(at);
                }
            }
        }
        self.postings += u64::from(pairs);
        Ok(())
    }

    /// Appends a distinct value.
    fn value(&mut self, kind: Kind, value: &Value, file: &F) -> Result<(), F::Error> {
        self.values += 1;
        self.typed[kind as usize] += match kind {
            Kind::I64 | Kind::F64 | Kind::String => 1,
            Kind::Null | Kind::Empty | Kind::False | Kind::True => 0,
        };
        match kind {
            Kind::I64 => self
                .integers
                .append(&integer_of(&value.prefix).to_le_bytes()),
            Kind::F64 => self.floats.append(&float_of(&value.prefix).to_le_bytes()),
            Kind::String => {
                let start = self.strings.position();
                self.string_starts.append(&start.to_le_bytes())?;
                value.copy(file, &mut self.strings)
            }
            Kind::Null | Kind::Empty | Kind::False | Kind::True => Ok(()),
        }
    }

    /// Writes the sections of [`TAGS`].
    pub fn finish(
        mut self,
        sections: &mut impl Sections<Error = F::Error>,
    ) -> Result<(), F::Error> {
        let end = self.strings.position();
        self.string_starts.append(&end.to_le_bytes())?;
        let collected = [
            self.fields,
            self.paths,
            self.columns,
            self.integers,
            self.floats,
            self.string_starts,
            self.strings,
            self.starts,
            self.documents,
        ];
        for (tag, section) in TAGS.into_iter().zip(collected) {
            sections.begin(tag)?;
            section.copy(|bytes| sections.write(bytes))?;
        }
        Ok(())
    }
}

/// The runs whose value comes first, all that have it, in their order. Few runs have a column, so
/// each is looked at.
fn least<F: ScratchFile>(runs: &[&mut RunReader], file: &F) -> Result<Vec<usize>, F::Error> {
    let mut least: Vec<usize> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let order = match least.first() {
            Some(&first) => run.value.cmp(&runs[first].value, file)?,
            None => Ordering::Equal,
        };
        if order.is_lt() {
            least.clear();
        }
        if order.is_le() {
            least.push(at);
        }
    }
    Ok(least)
}
