//! Compares columns with the metadata that they were made from.

use super::document::{Scalar, walk};
use super::layout::{DOCUMENTS, FIELDS};
use super::read::{Column, Values, cast, partition};
use super::{Columns, ColumnsError, MAX_FIELDS, check};
use std::ops::Deref;

/// Goes through all documents of a segment to see whether its columns say of them what their
/// metadata say; see [`Columns::compare`].
#[derive(Debug)]
pub struct Comparison<'c, B> {
    columns: &'c Columns<B>,
    /// The documents seen so far.
    documents: u32,
    /// A bit for every pair of a value and a document: whether it was seen.
    seen: Vec<u64>,
}

impl<B: Deref<Target = [u8]>> Columns<B> {
    /// Compares with the metadata of all documents, which follow. Finds every difference, provided
    /// that [`verify`](Self::verify) found nothing. Takes a bit for each value of each document.
    pub fn compare(&self) -> Comparison<'_, B> {
        let pairs = cast::<u32>(&self.postings).len();
        Comparison {
            columns: self,
            documents: 0,
            seen: vec![0; pairs.div_ceil(u64::BITS as usize)],
        }
    }
}

impl<B: Deref<Target = [u8]>> Comparison<'_, B> {
    /// Takes the metadata of the next document. Fails where they are not as
    /// [`check`] wants them, or columns lack some of them.
    pub fn push(&mut self, metadata: &str) -> Result<(), ColumnsError> {
        let document = self.documents;
        let unlike = |what: String, got: String| {
            let what = format!("{what} of document {document}");
            ColumnsError::new(DOCUMENTS, what, "as in its metadata", got)
        };
        let (mut values, mut missing) = (0, None);
        let walked = walk(metadata, &mut |path, scalar| {
            values += 1;
            match self.pair(path, scalar) {
                Some(pair) => self.seen[pair / 64] |= 1 << (pair % 64),
                None => missing = missing.take().or_else(|| Some(path.to_owned())),
            }
            Ok(())
        });
        // Only a list this long can be of too many fields.
        let walked = match values > MAX_FIELDS {
            true => walked.and_then(|()| check(metadata)),
            false => walked,
        };
        walked.map_err(|error| unlike("the metadata".into(), error.to_string()))?;
        if let Some(path) = missing {
            return Err(unlike(format!("a value of '{path}'"), "missing".into()));
        }
        self.documents += 1;
        Ok(())
    }

    /// Ends it: fails where columns have more than metadata have, or nothing at all.
    pub fn finish(self) -> Result<(), ColumnsError> {
        if self.columns.field_entries().is_empty() {
            return Err(ColumnsError::new(FIELDS, "length", "at least a field", 0));
        }
        let pairs = cast::<u32>(&self.columns.postings).len();
        let bits = self.seen.iter().map(|word| u64::from(word.count_ones()));
        let seen: u64 = bits.sum();
        match seen == pairs as u64 {
            true => Ok(()),
            false => {
                let what = "number of values in documents' metadata";
                Err(ColumnsError::new(DOCUMENTS, what, pairs, seen))
            }
        }
    }

    /// Where in `DOCS` the document stands for a value.
    fn pair(&self, path: &str, scalar: Scalar<'_>) -> Option<usize> {
        let columns = self.columns;
        let mut of_path = columns.columns_of(columns.field(path)).flatten();
        let column = of_path.find(|column| column.kind == scalar.kind())?;
        let value = find(&column, scalar)?;
        let documents = column.documents_of(value..value + 1).ok()?;
        let at = documents.binary_search(&self.documents).ok()?;
        let start = *column.starts.get(value)? as usize;
        Some(column.first_posting + start + at)
    }
}

/// The number of a value in the column of its kind.
fn find(column: &Column<'_>, scalar: Scalar<'_>) -> Option<usize> {
    match (column.values, scalar) {
        (Values::I64(values), Scalar::I64(n)) => values.binary_search(&n).ok(),
        (Values::F64(values), Scalar::F64(x)) => {
            values.binary_search_by(|value| value.total_cmp(&x)).ok()
        }
        (Values::Strings(strings), Scalar::String(string)) => {
            let bytes = string.as_bytes();
            let at = partition(column.len(), |at| strings.get(at) < bytes);
            (at < column.len() && strings.get(at) == bytes).then_some(at)
        }
        (Values::One(_), _) => Some(0),
        _ => None,
    }
}
