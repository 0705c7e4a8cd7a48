//! PyLate: an index of another engine, and two maps between its numbers and the ids of documents.
//!
//! Only the map from numbers to ids is complete: an id that was added twice has two numbers.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use colidx_pickle::{Contents, Value};

use super::{Layout, Parts};
use crate::error::ImportError;
use crate::folder::{Folder, open};
use crate::ids::{self, Id};
use crate::places::Place;
use crate::report::NoteKind;

/// The file with the names of the documents of an engine, without its ending.
pub(crate) fn names(layout: Layout) -> &'static str {
    match layout {
        Layout::XtrWarp => "warp_ids_to_documents_ids",
        _ => "plaid_ids_to_documents_ids",
    }
}

/// Names the documents of `parts` by the maps in `folder`.
pub(crate) fn name(folder: &Folder, layout: Layout, parts: &mut Parts) -> Result<(), ImportError> {
    let documents = parts.places.len();
    let stem = names(layout);
    let pickle = format!("{stem}.pkl");
    let table = format!("{stem}.sqlite");
    let (ids, version) = if folder.has(&table) && !folder.has(&pickle) {
        (sqlite_ids(folder, &table, documents)?, "1.4 or before")
    } else {
        (pickled_ids(folder, &pickle, documents)?, "1.5 or later")
    };
    parts.engine.within = Some(("PyLate", version));
    apply(&ids, parts);
    Ok(())
}

/// Keys from ids. Of several documents with one id the last counts. Where some have an id, those
/// without are deleted: PyLate 1.3 leaves their rows, and later versions skip such in searches.
fn apply(ids: &HashMap<u64, Box<str>>, parts: &mut Parts) {
    let named = |place: &Place| ids.contains_key(&place.number);
    if parts.places.iter().any(named) {
        let report = &mut parts.report;
        parts.places.retain(|place| {
            if !named(place) {
                report.add(NoteKind::Deleted, place.number);
            }
            named(place)
        });
    }
    let mut seen: HashSet<&str> = HashSet::new();
    let mut kept = Vec::new();
    for &place in parts.places.iter().rev() {
        match ids.get(&place.number) {
            Some(id) if seen.insert(id) => kept.push((place, id.clone())),
            Some(id) => parts.report.add(NoteKind::RepeatedId, id),
            None => {
                parts.report.add(NoteKind::NoId, place.number);
                kept.push((place, place.number.to_string().into()));
            }
        }
    }
    kept.reverse();
    let (places, keys): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    parts.places = places;
    parts.keys = Some(keys);
}

/// The ids in a pickled dict by number.
fn pickled_ids(
    folder: &Folder,
    name: &str,
    documents: usize,
) -> Result<HashMap<u64, Box<str>>, ImportError> {
    let path = folder.need(name)?;
    // A document takes about five instructions.
    let limit = documents.saturating_mul(16).saturating_add(1024);
    let contents = run(open(&path)?, limit, &path.display().to_string())?;
    let Value::Dict(items) = contents.root() else {
        return Err(folder.mismatch(name, "a dict", "something else"));
    };
    let file = path.display().to_string();
    let ids = items.iter().map(|&(number, id)| {
        let number = match contents.get(number) {
            &Value::Int(number) => u64::try_from(number).ok(),
            _ => None,
        };
        let refuse = || folder.mismatch(name, "ids by number", "one for no number");
        let number = number.ok_or_else(refuse)?;
        let id = read_id(&contents, contents.get(id));
        let id = id.map_err(|got| ids::unfit(&file, number, got))?;
        Ok((number, id))
    });
    let ids = ids.collect::<Result<Vec<_>, ImportError>>()?;
    keys(&file, ids)
}

/// Ids as keys, if they can be such.
fn keys(file: &str, ids: Vec<(u64, Id)>) -> Result<HashMap<u64, Box<str>>, ImportError> {
    ids::check(file, ids.iter().map(|(number, id)| (*number, id)))?;
    let key = |(number, id): (u64, Id)| match id {
        Id::Text(text) | Id::Other(text) => (number, text),
    };
    Ok(ids.into_iter().map(key).collect())
}

fn run(reader: impl Read + Seek, limit: usize, file: &str) -> Result<Contents, ImportError> {
    colidx_pickle::run(reader, limit).map_err(|source| ImportError::Pickle {
        file: file.to_owned(),
        source,
    })
}

/// An id; else what it is.
fn read_id(contents: &Contents, value: &Value) -> Result<Id, String> {
    match value {
        Value::Text(text) => Ok(Id::Text(text.clone())),
        Value::Int(number) => Ok(Id::Other(number.to_string().into())),
        Value::BigInt(number) => Ok(Id::Other(number.clone())),
        Value::Float(number) => Ok(Id::Other(format!("{number:?}").into())),
        Value::True => Ok(Id::Other("true".into())),
        Value::False => Ok(Id::Other("false".into())),
        Value::None => Err("None".to_owned()),
        &Value::Call { callable, .. } => Err(match contents.get(callable) {
            Value::Global(module, name) => format!("an object made by `{module}.{name}`"),
            _ => "an object".to_owned(),
        }),
        _ => Err("another value".to_owned()),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite_ids(
    folder: &Folder,
    name: &str,
    documents: usize,
) -> Result<HashMap<u64, Box<str>>, ImportError> {
    let path = folder.path(name);
    let file = path.display().to_string();
    let mut ids = Vec::new();
    for (key, pickle) in crate::sqlite::pairs(&path, documents)? {
        let contents = run(std::io::Cursor::new(pickle), 64, &file)?;
        let number = key.parse::<u64>();
        let number = number.map_err(|_| folder.mismatch(name, "numbers of documents", &key))?;
        let id = read_id(&contents, contents.root());
        let id = id.map_err(|got| ids::unfit(&file, number, got))?;
        ids.push((number, id));
    }
    keys(&file, ids)
}

#[cfg(not(feature = "sqlite"))]
fn sqlite_ids(
    folder: &Folder,
    name: &str,
    _: usize,
) -> Result<HashMap<u64, Box<str>>, ImportError> {
    Err(ImportError::NeedsSqlite {
        file: folder.path(name).display().to_string(),
    })
}
