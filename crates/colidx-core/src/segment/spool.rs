//! Bytes for later, while a file of a segment is made, and the sections of that file.
//!
//! `E` is the error of whoever writes: [`Error`], or one that says more.

use crate::error::{Error, FormatErrorKind, Result};
use crate::format::Tag;
use crate::format::frame::FrameWriter;
use crate::storage::{Bytes, Directory, OutputFile};
use colidx_spill::{Scratch, ScratchFile, Sections};
use std::cell::{OnceCell, RefCell};
use std::marker::PhantomData;

/// Makes spools.
pub(super) struct Spools<E = Error> {
    directory: Directory,
    /// How their names begin.
    of: &'static str,
    count: u32,
    error: PhantomData<E>,
}

impl<E> Spools<E> {
    pub(super) fn new(directory: &Directory, of: &'static str) -> Self {
        let directory = directory.clone();
        Self {
            directory,
            of,
            count: 0,
            error: PhantomData,
        }
    }
}

impl<E: From<Error>> Scratch for Spools<E> {
    type Error = E;
    type File = Spool<E>;

    fn create(&mut self) -> Result<Spool<E>, E> {
        self.count += 1;
        Ok(Spool {
            directory: self.directory.clone(),
            name: format!("{}-{}.spool", self.of, self.count),
            held: Vec::new(),
            file: None,
            map: OnceCell::new(),
            error: PhantomData,
        })
    }
}

/// Bytes that a spool holds before it becomes a file: a small commit writes none.
const MOST_HELD: usize = 256 << 10;

/// Bytes for later: in memory while they are few, then in a file that is removed with it.
pub(super) struct Spool<E = Error> {
    directory: Directory,
    name: String,
    held: Vec<u8>,
    file: Option<RefCell<OutputFile>>,
    /// The file as it was when it was first read.
    map: OnceCell<Bytes>,
    error: PhantomData<E>,
}

impl<E: From<Error>> ScratchFile for Spool<E> {
    type Error = E;

    fn append(&mut self, bytes: &[u8]) -> Result<(), E> {
        if let Some(file) = &mut self.file {
            self.map.take();
            return Ok(file.get_mut().write(bytes)?);
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

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), E> {
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

impl<E> Drop for Spool<E> {
    fn drop(&mut self) {
        if self.file.is_some() {
            self.map.take();
            // Best effort: what cannot be removed now is swept with other spools.
            let _ = self.directory.remove(&self.name);
        }
    }
}

/// The sections of a frame.
pub(super) struct FrameSections<'a, E = Error>(&'a mut FrameWriter, PhantomData<E>);

impl<'a, E> FrameSections<'a, E> {
    pub(super) fn new(frame: &'a mut FrameWriter) -> Self {
        Self(frame, PhantomData)
    }
}

impl<E: From<Error>> Sections for FrameSections<'_, E> {
    type Error = E;

    fn begin(&mut self, tag: [u8; 4]) -> Result<(), E> {
        Ok(self.0.begin(Tag(tag))?)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), E> {
        Ok(self.0.write(bytes)?)
    }
}
