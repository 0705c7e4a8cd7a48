//! A tensor a document in one safetensors file.

use std::io::Write;

use colidx_data::CompletedFile;
use half::f16;

use super::records::Records;
use super::{ExportError, Work};

pub(super) const FILE: &str = "vectors.safetensors";

pub(super) fn write(
    work: &mut Work<'_>,
    half: bool,
    records: &mut Records,
) -> Result<Vec<CompletedFile>, ExportError> {
    let failed = work.out.io(FILE);
    let mut file = work.out.create(FILE)?;
    let header = header(work, half)?;
    let length = (header.len() as u64).to_le_bytes();
    file.write_all(&length).map_err(&failed)?;
    file.write_all(header.as_bytes()).map_err(&failed)?;
    let mut bytes = Vec::new();
    let mut take = |_: &str, vectors: &[f32]| {
        bytes.clear();
        match half {
            true => bytes.extend(vectors.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes())),
            false => bytes.extend(vectors.iter().flat_map(|v| v.to_le_bytes())),
        }
        file.write_all(&bytes).map_err(&failed)
    };
    work.each(&mut take, records)?;
    Ok(vec![file.complete()?])
}

/// Names, shapes and places, filled up with spaces so that the elements are aligned.
fn header(work: &Work<'_>, half: bool) -> Result<String, ExportError> {
    let (dtype, size) = if half { ("F16", 2) } else { ("F32", 4) };
    let dim = work.index.dim() as u64;
    let mut header = "{\"__metadata__\":{\"format\":\"pt\"}".to_owned();
    let mut at = 0u64;
    for doc in work.index.doc_ids() {
        let key = work.index.key(doc)?;
        if key == "__metadata__" {
            return Err(ExportError::Unfit {
                form: "safetensors",
                expected: "other keys".to_owned(),
                got: format!("a tensor called `{key}`"),
            });
        }
        let tokens = work.index.token_centroids(doc)?.len() as u64;
        let end = at + tokens * dim * size;
        let name = serde_json::Value::from(key);
        header += &format!(
            ",{name}:{{\"dtype\":\"{dtype}\",\"shape\":[{tokens},{dim}],\"data_offsets\":[{at},{end}]}}"
        );
        at = end;
    }
    header.push('}');
    let padding = header.len().next_multiple_of(8) - header.len();
    header += &" ".repeat(padding);
    Ok(header)
}
