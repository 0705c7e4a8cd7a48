//! Files and folders that no output file may overwrite.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::destination::{Destination, LINKS, follow, is_block_device, real_folder, same_file};
use super::error::{OutputError, input_error, io_error};

/// Files and folders that must not be overwritten.
#[derive(Debug, Clone)]
pub struct Protected {
    replacing: bool,
    magic: [u8; 8],
    indexes: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
}

/// How a file is to be written.
pub(super) enum Way {
    /// To a new file that takes the name, and the place of the file that has these properties.
    Whole(PathBuf, Option<Metadata>),
    /// Where the bytes go as they come.
    Through(Option<u32>),
}

impl Protected {
    /// Protects the files of every index, which begin with `magic`, and every file that is not
    /// empty.
    pub fn new(magic: [u8; 8]) -> Protected {
        Protected {
            replacing: false,
            magic,
            indexes: Vec::new(),
            inputs: Vec::new(),
        }
    }

    /// Whether other files may be replaced.
    pub fn allow_replacing(mut self, allow: bool) -> Protected {
        self.replacing = allow;
        self
    }

    /// Protects the index that the command works on; others are recognised.
    pub fn index(mut self, directory: &Path) -> Protected {
        self.indexes.push(directory.to_owned());
        self
    }

    /// Protects files and folders that the command reads.
    pub fn inputs<P: AsRef<Path>>(mut self, inputs: impl IntoIterator<Item = P>) -> Protected {
        let inputs = inputs.into_iter().map(|input| input.as_ref().to_owned());
        self.inputs
            .extend(inputs.filter(|input| input.as_os_str() != "-"));
        self
    }

    /// Looks whether `path` may be written, and writes nothing.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, path: &Path) -> Result<(), OutputError> {
        self.way(path).map(drop)
    }

    /// The folder that `path` names, links followed, which need not be there yet: neither an index
    /// nor an input.
    ///
    /// # Errors
    /// It is one, or no folder.
    pub fn folder(&self, path: &Path) -> Result<PathBuf, OutputError> {
        let io = |source| io_error(path, source);
        let folder = real_folder(path, LINKS).map_err(io)?;
        if folder.exists() && !folder.is_dir() {
            return Err(io(io::ErrorKind::NotADirectory.into()));
        }
        self.keep_indexes(path, &folder)?;
        for input in &self.inputs {
            if input.canonicalize().is_ok_and(|input| input == folder) {
                return Err(input_error(path, input));
            }
        }
        Ok(folder)
    }

    /// As [`Protected::folder`], and makes it.
    ///
    /// # Errors
    /// As there, or it cannot be made.
    pub fn make_folder(&self, path: &Path) -> Result<PathBuf, OutputError> {
        let folder = self.folder(path)?;
        fs::create_dir_all(&folder).map_err(|source| io_error(path, source))?;
        Ok(folder)
    }

    pub(super) fn way(&self, path: &Path) -> Result<Way, OutputError> {
        let io = |source| io_error(path, source);
        let place = follow(path).map_err(io)?;
        let metadata = match &place {
            Destination::New(_) => None,
            Destination::There(_, metadata) | Destination::Descriptor(_, metadata) => {
                Some(metadata)
            }
        };
        if metadata.is_some_and(Metadata::is_dir) {
            return Err(io(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.is_some_and(is_block_device) {
            return Err(io(io::ErrorKind::InvalidInput.into()));
        }
        let regular = metadata.filter(|metadata| metadata.is_file());
        let real = match &place {
            Destination::New(real) | Destination::There(real, _) => Some(real.clone()),
            // A file that was removed has no name any more.
            Destination::Descriptor(..) => path.canonicalize().ok(),
        };
        if let Some(folder) = real.as_deref().and_then(Path::parent)
            && (metadata.is_none() || regular.is_some())
        {
            self.keep_indexes(path, folder)?;
        }
        if let Some(metadata) = regular {
            self.keep_files(path, real.as_deref(), metadata)?;
        }
        match place {
            Destination::Descriptor(number, _) => Ok(Way::Through(number)),
            Destination::There(..) if regular.is_none() => Ok(Way::Through(None)),
            Destination::There(_, metadata) if metadata.len() > 0 && !self.replacing => {
                Err(OutputError::Exists {
                    path: path.to_owned(),
                })
            }
            Destination::There(real, metadata) => Ok(Way::Whole(real, Some(metadata))),
            Destination::New(real) => Ok(Way::Whole(real, None)),
        }
    }

    /// No folder on the way to `path` may be an index.
    fn keep_indexes(&self, path: &Path, folder: &Path) -> Result<(), OutputError> {
        let named = |folder: &Path| {
            let mut indexes = self.indexes.iter();
            indexes.any(|index| index.canonicalize().is_ok_and(|index| index == folder))
        };
        match folder
            .ancestors()
            .find(|at| named(at) || is_index(at, &self.magic))
        {
            None => Ok(()),
            Some(index) => Err(OutputError::Index {
                path: path.to_owned(),
                index: index.to_owned(),
            }),
        }
    }

    /// No file that is there may be one of an index or an input, under whatever name.
    fn keep_files(
        &self,
        path: &Path,
        real: Option<&Path>,
        metadata: &Metadata,
    ) -> Result<(), OutputError> {
        let same = |other: &Path| {
            other
                .metadata()
                .is_ok_and(|other| same_file(&other, metadata))
        };
        for index in &self.indexes {
            let mut files = fs::read_dir(index).into_iter().flatten().flatten();
            if let Some(file) = files.find(|file| same(&file.path())) {
                let (path, index) = (path.to_owned(), file.path());
                return Err(OutputError::Index { path, index });
            }
        }
        if let Some(real) = real.filter(|real| is_index_file(real, &self.magic)) {
            let (path, index) = (path.to_owned(), real.to_owned());
            return Err(OutputError::Index { path, index });
        }
        for input in &self.inputs {
            let within = || {
                let folder = input.canonicalize().ok().filter(|input| input.is_dir());
                folder.is_some_and(|folder| real.is_some_and(|real| real.starts_with(folder)))
            };
            if same(input) || within() {
                return Err(input_error(path, input));
            }
        }
        Ok(())
    }
}

/// Whether a folder is an index or the remains of one.
pub(crate) fn is_index(folder: &Path, magic: &[u8; 8]) -> bool {
    let names = ["manifest", "build.journal"];
    names
        .iter()
        .any(|name| is_index_file(&folder.join(name), magic))
}

/// Whether a file begins as all files of an index do.
fn is_index_file(path: &Path, magic: &[u8; 8]) -> bool {
    let mut start = [0; 8];
    let regular = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let read = |mut file: File| file.read_exact(&mut start);
    regular && File::open(path).and_then(read).is_ok() && start == *magic
}
