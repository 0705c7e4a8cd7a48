//! The layouts of the engines, one a module.

pub(crate) mod plaid;
pub(crate) mod pylate;
pub(crate) mod ragatouille;
pub(crate) mod stanford;
pub(crate) mod xtr_warp;

use serde_json::Value;

use crate::array::Array;
use crate::codec::Codec;
use crate::documents::Table;
use crate::engine::{Engine, ForeignModel};
use crate::error::ImportError;
use crate::folder::Folder;
use crate::options::ImportOptions;
use crate::places::{Place, Placer};
use crate::report::Report;
use crate::vectors::{Chunk, Stored};

/// What an engine's reader finds in its folder.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) model: Option<ForeignModel>,
    pub(crate) stored: Stored,
    pub(crate) places: Vec<Place>,
    /// The keys of `places`; without them the numbers are the keys.
    pub(crate) keys: Option<Vec<Box<str>>>,
    pub(crate) table: Option<Box<dyn Table>>,
    pub(crate) report: Report,
}

/// How the files of an index are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Stanford,
    Ragatouille,
    FastPlaid,
    NextPlaid,
    XtrWarp,
}

impl Layout {
    /// Reads an index of this layout.
    pub(crate) fn read(
        self,
        folder: &Folder,
        options: &ImportOptions,
    ) -> Result<Parts, ImportError> {
        match self {
            Layout::Stanford => stanford::read(folder, options).map(|index| index.parts),
            Layout::Ragatouille => ragatouille::read(folder, options),
            Layout::FastPlaid => plaid::read(folder, plaid::Writer::FastPlaid, options),
            Layout::NextPlaid => plaid::read(folder, plaid::Writer::NextPlaid, options),
            Layout::XtrWarp => xtr_warp::read(folder),
        }
    }
}

/// The number of chunks that an index says it has. Each is read, so that a wrong number ends at the
/// first file that is missing.
fn chunks(folder: &Folder, file: &str, metadata: &Value) -> Result<u64, ImportError> {
    let chunks = &metadata["num_chunks"];
    chunks
        .as_u64()
        .ok_or_else(|| folder.mismatch(file, "a number `num_chunks`", chunks))
}

/// Places the documents of chunks one after the other, and finds the codes and residuals of each.
/// `place` places those of one chunk, `array` finds an array by the name of its file, without
/// ending. Gives the number of vectors too.
fn read_chunks(
    count: u64,
    codec: &Codec,
    place: &dyn Fn(u64, &mut Placer) -> Result<(), ImportError>,
    array: &dyn Fn(&str) -> Result<Array, ImportError>,
) -> Result<(Vec<Place>, Vec<Chunk>, u64), ImportError> {
    let mut placer = Placer::new(codec.dim);
    let mut chunks = Vec::new();
    for chunk in 0..count {
        let first = placer.next;
        place(chunk, &mut placer)?;
        let arrays = [
            array(&format!("{chunk}.codes"))?,
            array(&format!("{chunk}.residuals"))?,
        ];
        let rows = placer.next - first;
        chunks.push(Chunk::new(first, rows, false, codec, arrays)?);
    }
    Ok((placer.places, chunks, placer.next))
}

/// Places documents of the lengths that a JSON file lists, numbered one after the other.
fn place_listed(folder: &Folder, chunk: u64, placer: &mut Placer) -> Result<(), ImportError> {
    let name = format!("doclens.{chunk}.json");
    let file = folder.path(&name).display().to_string();
    for len in folder.json::<Vec<u32>>(&name)? {
        let number = placer.places.len() as u64;
        placer.place(number, len.into(), &file)?;
    }
    Ok(())
}
