//! `.npz`: a zip archive of `.npy` files. They are read where they lie, so that they must be stored
//! and not compressed.

use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use zip::{CompressionMethod, ZipArchive};

use super::{ArrayError, StoredArray, damaged, open, unreadable};
use crate::npy::Header;

/// The arrays; `None` if the archive has none and so is something else.
pub(super) fn read(path: &Path) -> Result<Option<Vec<(String, StoredArray)>>, ArrayError> {
    let fault = damaged(path, "a .npz file", "numpy.savez");
    let mut archive = ZipArchive::new(BufReader::new(open(path)?))
        .map_err(|error| fault(format!("it is no zip archive that can be read: {error}")))?;
    let mut file = BufReader::with_capacity(512, open(path)?);
    let shared: Arc<Path> = path.into();
    let mut arrays = Vec::new();
    for number in 0..archive.len() {
        let entry = archive.by_index_raw(number);
        let entry = entry.map_err(|error| fault(format!("entry {number} is bad: {error}")))?;
        let name = entry.name();
        let name = name.map_err(|_| fault("a name is not UTF-8".to_owned()))?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(fault(format!(
                "array `{name}` is compressed or encrypted and so cannot be read in place"
            )));
        }
        let Some(start) = entry.data_start() else {
            return Err(fault(format!("array `{name}` has no place")));
        };
        let size = entry.size();
        let at = file.seek(SeekFrom::Start(start));
        at.map_err(|source| unreadable(path, source))?;
        let label = format!("{}:{name}", crate::file_name(path));
        let mut header = Header::read(&mut file, &label, size)?;
        header.data_offset = start
            .checked_add(header.data_offset)
            .ok_or_else(|| fault(format!("array `{name}` lies beyond any file")))?;
        let path = Arc::clone(&shared);
        arrays.push((name, StoredArray { path, header }));
    }
    Ok((!arrays.is_empty()).then_some(arrays))
}
