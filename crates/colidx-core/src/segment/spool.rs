//! Bytes for later, while a file of a segment is made.

use crate::error::{FormatErrorKind, Result};
use crate::storage::{Bytes, Directory, OutputFile};
use std::cell::{OnceCell, RefCell};

/// Makes spools.
pub(super) struct Spools {
    directory: Directory,
    /// How their names begin.
    of: &'static str,
    count: u32,
}

impl Spools {
    pub(super) fn new(directory: &Directory, of: &'static str) -> Self {
        let directory = directory.clone();
        Self {
            directory,
            of,
            count: 0,
        }
    }

    /// A spool without bytes.
    pub(super) fn next(&mut self) -> Spool {
        self.count += 1;
        Spool {
            directory: self.directory.clone(),
            name: format!("{}-{}.spool", self.of, self.count),
            held: Vec::new(),
            file: None,
            map: OnceCell::new(),
        }
    }
}

/// Bytes that a spool holds before it becomes a file: a small commit writes none.
const MOST_HELD: usize = 256 << 10;

/// Bytes for later: in memory while they are few, then in a file that is removed with it.
pub(super) struct Spool {
    directory: Directory,
    name: String,
    held: Vec<u8>,
    file: Option<RefCell<OutputFile>>,
    /// The file as it was when it was first read.
    map: OnceCell<Bytes>,
}

impl Spool {
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(file) = &mut self.file {
            self.map.take();
            return file.get_mut().write(bytes);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > MOST_HELD {
            let mut file = self.directory.create(&self.name)?;
            file.write(&self.held)?;
            self.held = Vec::new();
            self.file = Some(RefCell::new(file));
        }
        Ok(())
    }

    /// Fills `bytes` with what was appended at an offset.
    pub(super) fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let all: &[u8] = match &self.file {
            None => &self.held,
            Some(file) => match self.map.get() {
                Some(map) => map,
                None => {
                    file.borrow_mut().flush()?;
                    let map = self.directory.map(&self.name)?;
                    self.map.get_or_init(|| map)
                }
            },
        };
        let range = usize::try_from(offset)
            .ok()
            .and_then(|start| Some(start..start.checked_add(bytes.len())?));
        let found = range.and_then(|range| all.get(range)).ok_or_else(|| {
            let expected = format!("{} bytes at {offset}", bytes.len());
            FormatErrorKind::invalid(&self.name, "length", expected, all.len())
                .at(&self.directory.file_path(&self.name))
        })?;
        bytes.copy_from_slice(found);
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.file.is_some() {
            self.map.take();
            // Best effort: what cannot be removed now is swept with other spools.
            let _ = self.directory.remove(&self.name);
        }
    }
}
