//! RAGatouille: a Stanford index with ids, texts and metadata beside it.
//!
//! A document may be cut into passages, which share its id. Deleting closes up the list of texts
//! while numbers stay; after one round of it text and passage still match by rank, after two by
//! nothing.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Parts;
use super::stanford::{self, Stanford};
use crate::documents::{ForeignDocument, Table};
use crate::engine::Engine;
use crate::error::ImportError;
use crate::folder::Folder;
use crate::ids::{self, Id};
use crate::json::JsonFile;
use crate::options::ImportOptions;
use crate::places::Place;
use crate::report::{NoteKind, Report};

const IDS: &str = "pid_docid_map.json";
const TEXTS: &str = "collection.json";
const METADATA: &str = "docid_metadata_map.json";

/// An id of JSON, with its number as it is written.
fn id(json: &RawValue) -> Result<Id, String> {
    let text = json.get();
    match text.as_bytes().first() {
        Some(b'"') => match serde_json::from_str(text) {
            Ok(id) => Ok(Id::Text(id)),
            Err(_) => Err("text that is not valid".to_owned()),
        },
        Some(b'n') => Err("null".to_owned()),
        Some(b'[') => Err("a list".to_owned()),
        Some(b'{') => Err("an object".to_owned()),
        _ => Ok(Id::Other(text.into())),
    }
}

pub(crate) fn read(folder: &Folder, options: &ImportOptions) -> Result<Parts, ImportError> {
    let stanford = match options.collection {
        Some(_) => stanford::read(folder, options)?,
        None => stanford::read_vectors(folder)?,
    };
    let texts = texts(folder, &stanford)?;
    let mut parts = stanford.parts;
    let marked = stanford.metadata.get("RAGatouille").is_some();
    let version = marked.then_some("0.0.8 or later");
    parts.engine = Engine::new("RAGatouille", version);
    let texts = match (parts.table.take(), texts) {
        (Some(given), _) => TextSource::Given(given),
        (None, Some((file, order))) => TextSource::File(file, order),
        (None, None) => {
            parts.report.add(NoteKind::TextsUnclear, TEXTS);
            TextSource::None
        }
    };
    let mut passages = Passages {
        texts,
        documents: Vec::new(),
        metadata: None,
    };
    match Names::read(folder, &parts.places)? {
        Some(names) => {
            parts.keys = Some(names.keys);
            passages.documents = names.documents;
            passages.metadata = Metadata::open(folder)?;
        }
        None => {
            let numbers = parts.places.iter().map(|place| place.number);
            numbers.for_each(|number| parts.report.add(NoteKind::NoId, number));
        }
    }
    parts.table = Some(Box::new(passages));
    Ok(parts)
}

/// How the texts of passages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// By the passages' numbers.
    Number,
    /// By rank among those that are not deleted.
    Rank,
}

/// The list of texts and its order; `None` if nobody can tell.
fn texts(folder: &Folder, stanford: &Stanford) -> Result<Option<(JsonFile, Order)>, ImportError> {
    let file = JsonFile::open(&folder.need(TEXTS)?, false)?;
    let live = stanford.parts.places.len() as u64;
    let order = if live == stanford.passages {
        Some(Order::Number)
    } else {
        deleted_once(stanford).then_some(Order::Rank)
    };
    Ok(order
        .filter(|_| file.len() as u64 == live)
        .map(|order| (file, order)))
}

/// Whether all deleted passages went in one round. Each round adds to `num_embeddings` what there
/// was before it, and leaves `avg_doclen` as the build wrote it.
fn deleted_once(stanford: &Stanford) -> bool {
    let metadata = &stanford.metadata;
    let average = metadata["avg_doclen"].as_f64().unwrap_or(0.0);
    let built = (average * stanford.passages as f64).round();
    let places = stanford.parts.places.iter();
    let left: u64 = places.map(|place| u64::from(place.len)).sum();
    metadata["num_embeddings"].as_f64() == Some(built + left as f64)
}

/// The names of the passages.
struct Names {
    keys: Vec<Box<str>>,
    /// The document of each passage that shares it with another.
    documents: Vec<Option<Box<str>>>,
}

impl Names {
    /// Reads the ids; `None` if they are not those of exactly the passages that are there. A
    /// rebuild after deletions renumbers passages and leaves the ids as they were.
    fn read(folder: &Folder, places: &[Place]) -> Result<Option<Names>, ImportError> {
        let file = folder.path(IDS).display().to_string();
        let ids: BTreeMap<u64, Box<RawValue>> = folder.json(IDS)?;
        let read = |(number, json): (u64, Box<RawValue>)| match id(&json) {
            Ok(id) => Ok((number, id)),
            Err(got) => Err(ids::unfit(&file, number, got)),
        };
        let ids: HashMap<u64, Id> = ids.into_iter().map(read).collect::<Result<_, _>>()?;
        let fits = places.iter().all(|place| ids.contains_key(&place.number));
        if !fits || ids.len() != places.len() {
            return Ok(None);
        }
        let known = places.iter().filter_map(|place| {
            let id = ids.get(&place.number)?;
            Some((place.number, id))
        });
        ids::check(&file, known.clone())?;
        let ids: Vec<&str> = known.map(|(_, id)| id.text()).collect();
        let mut passages: HashMap<&str, u64> = HashMap::new();
        for &id in &ids {
            *passages.entry(id).or_default() += 1;
        }
        let mut used: HashMap<&str, u64> = HashMap::new();
        let mut names = Names {
            keys: Vec::new(),
            documents: Vec::new(),
        };
        for id in &ids {
            if passages.get(id) == Some(&1) {
                names.keys.push((*id).into());
                names.documents.push(None);
                continue;
            }
            let count = used.entry(id).or_default();
            *count += 1;
            names.keys.push(unused(format!("{id}#{count}"), &passages));
            names.documents.push(Some((*id).into()));
        }
        for (place, key) in places.iter().zip(&names.keys) {
            if let Some(got) = ids::fault(key) {
                return Err(ids::unfit(&file, place.number, got));
            }
        }
        Ok(Some(names))
    }
}

/// The name, with more marks if it is the id of a document.
fn unused(mut name: String, ids: &HashMap<&str, u64>) -> Box<str> {
    while ids.contains_key(&*name) {
        name.push('#');
    }
    name.into()
}

enum TextSource {
    None,
    File(JsonFile, Order),
    /// A collection that the caller named.
    Given(Box<dyn Table>),
}

/// Metadata of documents by id.
struct Metadata {
    file: JsonFile,
    places: HashMap<Box<str>, usize>,
}

impl Metadata {
    fn open(folder: &Folder) -> Result<Option<Metadata>, ImportError> {
        if !folder.has(METADATA) {
            return Ok(None);
        }
        let mut file = JsonFile::open(&folder.path(METADATA), true)?;
        let names = std::mem::take(&mut file.names);
        let places = names.into_iter().zip(0..).collect();
        Ok(Some(Metadata { file, places }))
    }

    fn of(&mut self, id: &str) -> Result<Map<String, Value>, ImportError> {
        match self.places.get(id) {
            Some(&at) => self.file.metadata(at),
            None => Ok(Map::new()),
        }
    }
}

struct Passages {
    texts: TextSource,
    documents: Vec<Option<Box<str>>>,
    metadata: Option<Metadata>,
}

impl Table for Passages {
    fn read(
        &mut self,
        rank: usize,
        number: u64,
        document: &mut ForeignDocument,
        report: &mut Report,
    ) -> Result<(), ImportError> {
        match &mut self.texts {
            TextSource::None => {}
            TextSource::Given(table) => table.read(rank, number, document, report)?,
            TextSource::File(file, order) => {
                let at = match order {
                    Order::Number => number as usize,
                    Order::Rank => rank,
                };
                document.text = file.read(at)?.unwrap_or_default();
            }
        }
        let shared = self.documents.get(rank).and_then(Option::as_deref);
        let id = shared.unwrap_or(&document.key);
        let mut fields = match &mut self.metadata {
            Some(metadata) => metadata.of(id)?,
            None => Map::new(),
        };
        if let Some(id) = shared {
            let name = "document_id".to_owned();
            fields.entry(name).or_insert_with(|| id.into());
        }
        if !fields.is_empty() {
            document.metadata_json = Value::Object(fields).to_string();
        }
        Ok(())
    }
}
