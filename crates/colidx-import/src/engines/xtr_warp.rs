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

/// Lengths or numbers that are read however many passages the other files have.
const FREE_NUMBERS: u64 = 1 << 20;

pub(crate) fn read(folder: &Folder) -> Result<Parts, ImportError> {
    let metadata = folder.settings(METADATA)?;
    let centroids = Array::npy(folder, "centroids.npy")?;
    let weights = Array::npy(folder, "bucket_weights.npy")?;
    let mut codec = Codec::residual(&centroids, &weights, Lengths::Kept)?;
    let (places, chunks, vectors) = read_chunks(
        chunks(folder, METADATA, &metadata)?,
        &codec,
        &|chunk, placer| place(folder, chunk, placer),
        &|name| Array::npy(folder, &format!("{name}.npy")),
    )?;
    codec.read_centroids(&centroids, vectors)?;
    let mut report = Report::default();
    let deleted = deleted(folder, places.len() as u64)?;
    let places = current(places, &deleted, &mut report);
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
    let lens = Array::npy(folder, &format!("doclens.{chunk}.npy"))?;
    let count = lens.length("lengths of passages")?;
    // A passage has a token, so there are no more lengths than codes.
    let codes = Array::npy(folder, &format!("{chunk}.codes.npy"))?;
    let most = codes.length("codes")?.max(FREE_NUMBERS);
    lens.at_most(most, "lengths")?;
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
    let file = lens.file();
    for (number, len) in numbers.into_iter().zip(lens.integers()?) {
        let known = u64::try_from(number);
        let number = known.map_err(|_| folder.mismatch(&ids, "numbers of passages", number))?;
        placer.place(number, len, &file)?;
    }
    Ok(())
}

/// The numbers of deleted passages of an index in which there are `stored`, deleted ones too.
fn deleted(folder: &Folder, stored: u64) -> Result<HashSet<i64>, ImportError> {
    const FILE: &str = "deleted_pids.npy";
    if !folder.has(FILE) {
        return Ok(HashSet::new());
    }
    let array = Array::npy(folder, FILE)?;
    let most = stored.max(FREE_NUMBERS);
    array.at_most(most, "numbers of passages")?;
    Ok(array.integers()?.into_iter().collect())
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
