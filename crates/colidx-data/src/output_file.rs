//! Files that a person names to be written.
//!
//! One rule for all of them. Links are followed, and stay links. Devices, pipes and open descriptors are written through.
//! A regular file appears under its name only when it is whole, keeps its owner and mode where it takes the place of
//! another, and takes that place only where nothing is lost or it was asked for. No file of an index and no input of the
//! same command is ever written over, whatever name leads to it.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Links that are followed from one name.
const LINKS: usize = 40;

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file with something in it has the name.
    #[error("{} is already there; choose another place, or pass --force to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is one of an index, or would stand among them.
    #[error("{} would be written into the index {}; choose a place outside of it", path.display(), index.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// The directory of the index, or the file that is linked from there.
        index: PathBuf,
    },
    /// The file is one that the same command reads.
    #[error("{} would be written over {}, which this command reads; choose another place", path.display(), input.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What is read.
        input: PathBuf,
    },
    /// The system refused.
    #[error(
        "cannot write {}: {source}; check that the folder exists, may be written and has space", path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The name cannot be given to what was written.
    #[error("{source}; what was to stand there was written to {}", part.display())]
    Kept {
        /// Why not.
        source: Box<OutputError>,
        /// Where it is.
        part: PathBuf,
    },
}

impl OutputError {
    /// Whether the reader of a pipe went away, which is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, OutputError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What must not be written over.
#[derive(Debug, Clone)]
pub struct Guard {
    force: bool,
    magic: [u8; 8],
    indexes: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
}

/// Where a name leads.
enum Place {
    /// To no file yet.
    New(PathBuf),
    /// To a file, a folder or a device.
    There(PathBuf, Metadata),
    /// To what has this descriptor in this process, or in another.
    Descriptor(Option<u32>, Metadata),
}

/// How a file is to be written.
enum Way {
    /// To a new file that takes the name, and the place of the file that has these properties.
    Whole(PathBuf, Option<Metadata>),
    /// Where the bytes go as they come.
    Through(Option<u32>),
}

impl Guard {
    /// Guards the files of every index, which begin with `magic`. With `force` other files may be replaced.
    pub fn new(force: bool, magic: [u8; 8]) -> Guard {
        Guard {
            force,
            magic,
            indexes: Vec::new(),
            inputs: Vec::new(),
        }
    }

    /// Guards the index that the command works on; others are recognised.
    pub fn index(mut self, directory: &Path) -> Guard {
        self.indexes.push(directory.to_owned());
        self
    }

    /// Guards files and folders that the command reads.
    pub fn inputs<P: AsRef<Path>>(mut self, inputs: impl IntoIterator<Item = P>) -> Guard {
        let inputs = inputs.into_iter().map(|input| input.as_ref().to_owned());
        self.inputs
            .extend(inputs.filter(|input| input.as_os_str() != "-"));
        self
    }

    /// Whether a folder is an index, or what is left of one.
    fn is_index(&self, folder: &Path) -> bool {
        let names = ["manifest", "build.journal"];
        names
            .iter()
            .any(|name| self.is_index_file(&folder.join(name)))
    }

    /// Whether a file begins as all files of an index do.
    fn is_index_file(&self, path: &Path) -> bool {
        let mut start = [0; 8];
        let regular = path.metadata().is_ok_and(|metadata| metadata.is_file());
        let read = |mut file: File| file.read_exact(&mut start);
        regular && File::open(path).and_then(read).is_ok() && start == self.magic
    }

    /// Looks whether `path` may be written, and writes nothing.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, path: &Path) -> Result<(), OutputError> {
        self.way(path).map(drop)
    }

    /// The folder that `path` names, links followed, which need not be there yet: neither an index nor an input.
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

    /// As [`Guard::folder`], and makes it.
    ///
    /// # Errors
    /// As there, or it cannot be made.
    pub fn make_folder(&self, path: &Path) -> Result<PathBuf, OutputError> {
        let folder = self.folder(path)?;
        fs::create_dir_all(&folder).map_err(|source| io_error(path, source))?;
        Ok(folder)
    }

    fn way(&self, path: &Path) -> Result<Way, OutputError> {
        let io = |source| io_error(path, source);
        let place = follow(path).map_err(io)?;
        let metadata = match &place {
            Place::New(_) => None,
            Place::There(_, metadata) | Place::Descriptor(_, metadata) => Some(metadata),
        };
        if metadata.is_some_and(Metadata::is_dir) {
            return Err(io(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.is_some_and(is_block_device) {
            return Err(io(io::ErrorKind::InvalidInput.into()));
        }
        let regular = metadata.filter(|metadata| metadata.is_file());
        let real = match &place {
            Place::New(real) | Place::There(real, _) => Some(real.clone()),
            // A file that was removed has no name any more.
            Place::Descriptor(..) => path.canonicalize().ok(),
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
            Place::Descriptor(number, _) => Ok(Way::Through(number)),
            Place::There(..) if regular.is_none() => Ok(Way::Through(None)),
            Place::There(_, metadata) if metadata.len() > 0 && !self.force => {
                Err(OutputError::Exists {
                    path: path.to_owned(),
                })
            }
            Place::There(real, metadata) => Ok(Way::Whole(real, Some(metadata))),
            Place::New(real) => Ok(Way::Whole(real, None)),
        }
    }

    /// No folder on the way to `path` may be an index.
    fn keep_indexes(&self, path: &Path, folder: &Path) -> Result<(), OutputError> {
        let named = |folder: &Path| {
            let mut indexes = self.indexes.iter();
            indexes.any(|index| index.canonicalize().is_ok_and(|index| index == folder))
        };
        match folder.ancestors().find(|at| named(at) || self.is_index(at)) {
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
        if let Some(real) = real.filter(|real| self.is_index_file(real)) {
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

fn io_error(path: &Path, source: io::Error) -> OutputError {
    OutputError::Io {
        path: path.to_owned(),
        source,
    }
}

fn input_error(path: &Path, input: &Path) -> OutputError {
    OutputError::Input {
        path: path.to_owned(),
        input: input.to_owned(),
    }
}

/// Follows a name to where its bytes would go. The folder it stands in must be there.
fn follow(path: &Path) -> io::Result<Place> {
    let mut at = std::path::absolute(path)?;
    for _ in 0..LINKS {
        let (Some(folder), Some(name)) = (at.parent(), at.file_name()) else {
            return at.metadata().map(|metadata| Place::There(at, metadata));
        };
        let folder = folder.canonicalize()?;
        if let Some(own) = descriptors(&folder) {
            let number = name.to_str().and_then(|name| name.parse().ok());
            let metadata = at.metadata()?;
            return Ok(Place::Descriptor(number.filter(|_| own), metadata));
        }
        at = folder.join(name);
        match at.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::New(at)),
            Err(error) => return Err(error),
            Ok(metadata) if metadata.is_symlink() => at = folder.join(at.read_link()?),
            Ok(metadata) => return Ok(Place::There(at, metadata)),
        }
    }
    Err(io::Error::other("too many links lead on from there"))
}

/// Whether the entries of a folder are open descriptors, and if so, whether they are those of this process.
fn descriptors(folder: &Path) -> Option<bool> {
    if folder == Path::new("/dev/fd") {
        return Some(true);
    }
    let process = folder.strip_prefix("/proc").ok()?;
    let own = process.starts_with(std::process::id().to_string());
    (process.file_name()? == "fd").then_some(own)
}

/// A folder with all links followed; the last of its names need not be there yet.
fn real_folder(path: &Path, links: usize) -> io::Result<PathBuf> {
    let missing = match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && links > 0 => error,
        result => return result,
    };
    let path = std::path::absolute(path)?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(missing);
    };
    let parent = real_folder(parent, links)?;
    match parent.join(name).read_link() {
        Ok(target) => real_folder(&parent.join(target), links - 1),
        Err(_) => Ok(parent.join(name)),
    }
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn is_block_device(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_block_device(_: &Metadata) -> bool {
    false
}

/// A file that is being written.
pub struct OutputFile {
    path: PathBuf,
    guard: Guard,
    inner: BufWriter<File>,
    part: Option<Part>,
}

impl OutputFile {
    /// Begins to write `path`, if `guard` lets it.
    ///
    /// # Errors
    /// It may not be written, or cannot.
    pub fn create(path: &Path, guard: &Guard) -> Result<OutputFile, OutputError> {
        let (file, part) = match guard.way(path)? {
            Way::Through(number) => (through(path, number), None),
            Way::Whole(target, before) => match Part::beside(target, before.is_some()) {
                Ok((file, part)) => (Ok(file), Some(part)),
                Err(error) => (Err(error), None),
            },
        };
        let file = file.map_err(|source| io_error(path, source))?;
        Ok(OutputFile {
            path: path.to_owned(),
            guard: guard.clone(),
            inner: BufWriter::with_capacity(1 << 16, file),
            part,
        })
    }

    /// Finishes the file and gives it its name.
    ///
    /// # Errors
    /// As [`OutputFile::complete`] and [`Whole::name`].
    pub fn finish(self) -> Result<(), OutputError> {
        self.complete()?.name()
    }

    /// Finishes the file, which waits for its name. Dropped, it is removed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn complete(mut self) -> Result<Whole, OutputError> {
        let written = self.inner.flush().and_then(|()| match &self.part {
            Some(_) => self.inner.get_ref().sync_all(),
            None => Ok(()),
        });
        written.map_err(|source| io_error(&self.path, source))?;
        Ok(Whole {
            path: self.path,
            guard: self.guard,
            part: self.part,
        })
    }
}

/// Opens what is written as the bytes come.
fn through(path: &Path, number: Option<u32>) -> io::Result<File> {
    match number.and_then(duplicate) {
        Some(file) => file,
        // A file behind a descriptor goes on where it ends; to devices and pipes it makes no difference.
        None => File::options().append(true).open(path),
    }
}

/// Standard output or standard error once more, by the number of its descriptor. It goes on where the other is.
fn duplicate(descriptor: u32) -> Option<io::Result<File>> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let (out, err) = (io::stdout(), io::stderr());
        let stream = match descriptor {
            1 => out.as_fd(),
            2 => err.as_fd(),
            _ => return None,
        };
        Some(stream.try_clone_to_owned().map(File::from))
    }
    #[cfg(not(unix))]
    {
        let _ = descriptor;
        None
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// A file that is whole and waits for its name.
pub struct Whole {
    path: PathBuf,
    guard: Guard,
    part: Option<Part>,
}

impl Whole {
    /// Gives the file its name, if it still may have it.
    ///
    /// # Errors
    /// Something else stands there by now, or the file cannot be renamed; what was written is kept.
    pub fn name(mut self) -> Result<(), OutputError> {
        let Some(part) = self.part.take() else {
            return Ok(());
        };
        let named = self.guard.way(&self.path).and_then(|way| match way {
            Way::Whole(target, before) if target == part.target => {
                let named = part.name(before.as_ref());
                named.map_err(|source| io_error(&self.path, source))
            }
            _ => {
                let moved = io::Error::other("the name leads elsewhere than it did");
                Err(io_error(&self.path, moved))
            }
        });
        named.map_err(|source| OutputError::Kept {
            source: Box::new(source),
            part: part.keep(),
        })
    }
}

/// The file that is written beside the one that it is to be.
struct Part {
    path: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl Part {
    /// Where it takes the place of a file, nobody else may read it before it has that file's mode.
    fn beside(target: PathBuf, replaces: bool) -> io::Result<(File, Part)> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if replaces {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = replaces;
        let process = std::process::id();
        let mut number = 0;
        loop {
            let path = target.with_file_name(format!(".colidx-{process}-{number}.part"));
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
                Ok(file) => {
                    let kept = false;
                    return Ok((file, Part { path, target, kept }));
                }
            }
        }
    }

    fn name(&self, before: Option<&Metadata>) -> io::Result<()> {
        if let Some(before) = before {
            adopt(&self.path, before)?;
        }
        fs::rename(&self.path, &self.target)?;
        // Where folders cannot be made durable there is nothing to do about it.
        let folder = self.target.parent().map(File::open);
        let _ = folder.and_then(Result::ok).map(|folder| folder.sync_all());
        Ok(())
    }

    fn keep(mut self) -> PathBuf {
        self.kept = true;
        self.path.clone()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // Gone already where it got its name; the failure that led here otherwise is the one to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Gives a file the owner and mode of another.
fn adopt(path: &Path, before: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let now = path.metadata()?;
        let changed = |then, now| (then != now).then_some(then);
        let (owner, group) = (
            changed(before.uid(), now.uid()),
            changed(before.gid(), now.gid()),
        );
        if owner.is_some() || group.is_some() {
            chown(path, owner, group)?;
        }
    }
    fs::set_permissions(path, before.permissions())
}

#[cfg(test)]
mod tests;
