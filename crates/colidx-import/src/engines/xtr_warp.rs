//! xtr-warp-rs: arrays of numpy by chunk, and once more by centroid, which is not read.
//!
//! Numbers of passages stay for ever. An update writes the new version into a later chunk, so that
//! the last one counts; a deletion names the passage in `deleted_pids.npy`.

use std::collections::{HashMap, HashSet};

use super::Parts;
use super::{chunks, read_chunks};
use crate::array::Array;
use crate::codec::{Codec, Lengths};
use crate::engine::Engine;
use crate::error::ImportError;
use crate::folder::Folder;
use crate::places::{Place, Placer};
use crate::report::{NoteKind, Report};
use crate::vectors::Stored;

const METADATA: &str = "metadata.json";

pub(crate) fn read(folder: &Folder) -> Result<Parts, ImportError> {
    let metadata = folder.settings(METADATA)?;
    let centroids = Array::npy(folder, "centroids.npy")?;
    let weights = Array::npy(folder, "bucket_weights.npy")?;
    let codec = Codec::residual(&centroids, &weights, Lengths::Kept)?;
    let (places, chunks) = read_chunks(
        chunks(folder, METADATA, &metadata)?,
        &codec,
        &|chunk, placer| place(folder, chunk, placer),
        &|name| Array::npy(folder, &format!("{name}.npy")),
    )?;
    let mut report = Report::default();
    let places = current(places, &deleted(folder)?, &mut report);
    report.add(
        NoteKind::OtherLengths,
        "their engine does not normalise them",
    );
    if folder.has("metadata.duckdb") {
        report.add(NoteKind::MetadataUnread, "metadata.duckdb");
    }
    Ok(Parts {
        engine: Engine::new("xtr-warp-rs", version(folder)),
        model: None,
        stored: Stored::Codes { codec, chunks },
        places,
        keys: None,
        table: None,
        report,
    })
}

fn version(folder: &Folder) -> Option<&'static str> {
    if folder.has("build_state.json") {
        Some("2.1 or later")
    } else if folder.has("0.passage_ids.npy") {
        Some("1.0 or later")
    } else {
        None
    }
}

/// Places the passages of a chunk. Before 1.0 their numbers were those of the rows.
fn place(folder: &Folder, chunk: u64, placer: &mut Placer) -> Result<(), ImportError> {
    let file = format!("doclens.{chunk}.npy");
    let lens = Array::npy(folder, &file)?;
    let count = lens.length("lengths of passages")?;
    let ids = format!("{chunk}.passage_ids.npy");
    let numbers = if folder.has(&ids) {
        let array = Array::npy(folder, &ids)?;
        if array.length("numbers of passages")? != count {
            return Err(array.unfit(format!("{count} numbers, one for each length")));
        }
        array.integers()?
    } else {
        let next = placer.places.len() as i64;
        (next..).take(count as usize).collect()
    };
    for (number, len) in numbers.into_iter().zip(lens.integers()?) {
        let known = u64::try_from(number);
        let number = known.map_err(|_| folder.mismatch(&ids, "numbers of passages", number))?;
        placer.place(number, len, &file)?;
    }
    Ok(())
}

fn deleted(folder: &Folder) -> Result<HashSet<i64>, ImportError> {
    const FILE: &str = "deleted_pids.npy";
    if !folder.has(FILE) {
        return Ok(HashSet::new());
    }
    Ok(Array::npy(folder, FILE)?.integers()?.into_iter().collect())
}

/// The last version of every passage that is not deleted, by number.
fn current(places: Vec<Place>, deleted: &HashSet<i64>, report: &mut Report) -> Vec<Place> {
    let mut current: HashMap<u64, Place> = HashMap::new();
    for place in places {
        let is_deleted = i64::try_from(place.number).is_ok_and(|number| deleted.contains(&number));
        if current.insert(place.number, place).is_some() {
            report.add(NoteKind::OldVersion, place.number);
        } else if is_deleted {
            report.add(NoteKind::Deleted, place.number);
        }
    }
    current.retain(|&number, _| !i64::try_from(number).is_ok_and(|n| deleted.contains(&n)));
    let mut current: Vec<Place> = current.into_values().collect();
    current.sort_by_key(|place| place.number);
    current
}
