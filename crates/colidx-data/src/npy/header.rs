//! The header of a `.npy` file: magic, version, length, and a Python dictionary of three entries.

use std::io::{self, Read};

use super::{Dtype, NpyError, shape_text};

const MAGIC: &[u8] = b"\x93NUMPY";

/// numpy itself refuses headers longer than 10,000 bytes.
const LIMIT: u32 = 10_000;

/// numpy arrays have at most 64 dimensions.
const DIMENSIONS: usize = 64;

/// What a `.npy` file holds and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The type of the elements.
    pub dtype: Dtype,
    /// The size of each dimension, outermost first.
    pub shape: Vec<u64>,
    /// Where the elements start in the file.
    pub data_offset: u64,
}

impl Header {
    /// The number of elements. Fits, since it was checked against the file's size.
    pub fn elements(&self) -> u64 {
        elements(&self.shape).unwrap_or(u64::MAX)
    }

    /// Reads a header and checks it against the size of the whole file.
    pub(crate) fn read(
        reader: &mut impl Read,
        file: &str,
        file_size: u64,
    ) -> Result<Header, NpyError> {
        let (entries, data_offset) = entries(reader, file)?;
        let dtype = dtype(&entries.descr, file)?;
        if entries.fortran_order {
            return Err(NpyError::FortranOrder {
                file: file.to_owned(),
            });
        }
        let header = Header {
            dtype,
            shape: entries.shape,
            data_offset,
        };
        let end = header.end(file)?;
        if end != file_size {
            return Err(header.size_error(file, end, file_size));
        }
        Ok(header)
    }

    /// Where the elements end in the file.
    pub(super) fn end(&self, file: &str) -> Result<u64, NpyError> {
        elements(&self.shape)
            .and_then(|elements| elements.checked_mul(self.dtype.size() as u64))
            .and_then(|bytes| bytes.checked_add(self.data_offset))
            .ok_or_else(|| NpyError::Header {
                file: file.to_owned(),
                reason: format!(
                    "the shape {} is larger than any file",
                    shape_text(&self.shape)
                ),
            })
    }

    /// Says that a file does not end at `expected`.
    pub(super) fn size_error(&self, file: &str, expected: u64, got: u64) -> NpyError {
        NpyError::Size {
            file: file.to_owned(),
            shape: shape_text(&self.shape),
            dtype: self.dtype,
            expected,
            got,
        }
    }

    /// The bytes of a version 1.0 header, padded so that `rows` can become any number later without
    /// moving the data.
    pub(super) fn encode(dtype: Dtype, rows: u64, row_shape: &[u64]) -> Vec<u8> {
        let text = |rows: u64| {
            let shape = shape_text(&[&[rows], row_shape].concat());
            format!(
                "{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}",
                dtype.descr()
            )
        };
        let total = (MAGIC.len() + 4 + text(u64::MAX).len() + 1).next_multiple_of(64);
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(((total - MAGIC.len() - 4) as u16).to_le_bytes());
        bytes.extend(text(rows).as_bytes());
        bytes.resize(total - 1, b' ');
        bytes.push(b'\n');
        bytes
    }
}

/// Where the elements of an array of Python objects start, which are a pickle; `None` if the array
/// is none of those. Reads the header from the start of `reader`.
///
/// # Errors
/// The header cannot be read or is not valid.
pub fn objects(reader: &mut impl Read, file: &str) -> Result<Option<u64>, NpyError> {
    let (entries, data_offset) = entries(reader, file)?;
    Ok((entries.descr == "|O").then_some(data_offset))
}

/// Reads a header up to its end, and says where that is.
fn entries(reader: &mut impl Read, file: &str) -> Result<(Entries, u64), NpyError> {
    let mut start = [0; 8];
    exact(reader, &mut start, file)?;
    if !start.starts_with(MAGIC) {
        return Err(NpyError::NotNpy {
            file: file.to_owned(),
        });
    }
    let (major, minor) = (start[6], start[7]);
    let (length, prefix) = match (major, minor) {
        (1, 0) => {
            let mut length = [0; 2];
            exact(reader, &mut length, file)?;
            (u32::from(u16::from_le_bytes(length)), 10)
        }
        (2 | 3, 0) => {
            let mut length = [0; 4];
            exact(reader, &mut length, file)?;
            (u32::from_le_bytes(length), 12)
        }
        _ => {
            return Err(NpyError::Version {
                file: file.to_owned(),
                major,
                minor,
            });
        }
    };
    if length > LIMIT {
        let reason = format!("it claims {length} bytes, expected at most {LIMIT}");
        return Err(NpyError::Header {
            file: file.to_owned(),
            reason,
        });
    }
    let mut text = vec![0; length as usize];
    exact(reader, &mut text, file)?;
    let text = String::from_utf8_lossy(&text);
    let entries = Parser { rest: text.trim() }
        .dictionary()
        .map_err(|reason| NpyError::Header {
            file: file.to_owned(),
            reason,
        })?;
    Ok((entries, prefix + u64::from(length)))
}

fn exact(reader: &mut impl Read, out: &mut [u8], file: &str) -> Result<(), NpyError> {
    reader
        .read_exact(out)
        .map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => NpyError::Header {
                file: file.to_owned(),
                reason: "the file ends inside it".to_owned(),
            },
            _ => NpyError::Unreadable {
                file: file.to_owned(),
                source,
            },
        })
}

fn elements(shape: &[u64]) -> Option<u64> {
    // A zero makes the product zero, but the other sizes must still be ones that could be.
    shape
        .iter()
        .filter(|&&size| size > 0)
        .try_fold(1u64, |product, &size| product.checked_mul(size))?;
    Some(
        shape
            .iter()
            .fold(1, |product, &size| product * size * u64::from(product > 0)),
    )
}

fn dtype(descr: &str, file: &str) -> Result<Dtype, NpyError> {
    if let Some(dtype) = Dtype::of(descr) {
        return Ok(dtype);
    }
    let advice = if descr.starts_with('>') {
        "big-endian files are not read: save array.astype(array.dtype.newbyteorder('<'))"
    } else {
        "save array.astype('<f4'), or another of <f2, <f4, <f8, <i4, <i8, <u4"
    };
    Err(NpyError::Unsupported {
        file: file.to_owned(),
        got: descr.chars().take(80).collect(),
        advice,
    })
}

struct Entries {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// Reads the one kind of Python literal that numpy writes, never running any.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn dictionary(mut self) -> Result<Entries, String> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.take('}') {
            let name = self.string()?;
            self.expect(':')?;
            match name {
                "descr" if self.rest.starts_with('[') => descr = Some(self.rest.to_owned()),
                "descr" => descr = Some(self.string()?.to_owned()),
                "fortran_order" => fortran_order = Some(self.boolean()?),
                "shape" => shape = Some(self.tuple()?),
                other => return Err(format!("unknown entry '{other}'")),
            }
            // A structured type: named in the error as it stands, since nothing behind it matters
            // any more.
            if let Some(structure) = descr.take_if(|descr| descr.starts_with('[')) {
                return Ok(Entries {
                    descr: structure,
                    fortran_order: false,
                    shape: Vec::new(),
                });
            }
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.rest.is_empty() {
            return Err("text follows the dictionary".to_owned());
        }
        let missing = |name: &str| format!("entry '{name}' is missing");
        Ok(Entries {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }

    fn take(&mut self, char: char) -> bool {
        match self.rest.strip_prefix(char) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, char: char) -> Result<(), String> {
        if self.take(char) {
            return Ok(());
        }
        let got = self
            .rest
            .chars()
            .next()
            .map_or("its end".to_owned(), |got| format!("{got:?}"));
        Err(format!("expected '{char}', got {got}"))
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.rest.starts_with('"') {
            '"'
        } else {
            '\''
        };
        // The text behind the quote must stay as it is, so no white space is skipped here.
        let inner = self
            .rest
            .strip_prefix(quote)
            .ok_or("expected a quoted name")?;
        let end = inner.find(quote).ok_or("a quote is not closed")?;
        self.rest = inner[end + 1..].trim_start();
        Ok(&inner[..end])
    }

    fn boolean(&mut self) -> Result<bool, String> {
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest.trim_start();
                return Ok(value);
            }
        }
        Err("expected True or False".to_owned())
    }

    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        let mut sizes = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = self.rest.split_at(digits);
            sizes.push(
                number
                    .parse()
                    .map_err(|_| "a size is not a whole number of 64 bits".to_owned())?,
            );
            if sizes.len() > DIMENSIONS {
                return Err(format!("more than {DIMENSIONS} dimensions"));
            }
            // Python 2 wrote long integers with an L.
            self.rest = rest.strip_prefix('L').unwrap_or(rest).trim_start();
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(sizes)
    }
}
