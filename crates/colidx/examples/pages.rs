//! Searches pages that a vision model (ColPali, ColQwen and the like) made vectors of, and shows
//! which patches of the best page each query token matched.
//!
//! ```text
//! cargo run --example pages --features data -- \
//!     pages.safetensors pages.jsonl query.npy pages.colidx
//! ```
//!
//! `pages.safetensors` has a tensor [patches, dim] for each page, `pages.jsonl` a line such as
//! `{"_id": "report.pdf#3", "page": 3, "image": "report-3.png"}` for each, and `query.npy` the
//! vectors [tokens, dim] of one query.

use std::error::Error;
use std::path::Path;

use colidx::corpus::read_records;
use colidx::data::embeddings::QueryEmbeddings;
use colidx::data::{Corpus, CorpusOptions};
use colidx::{
    BuildOptions, EmbeddingsSource, Index, IndexWriter, NewDocument, NoProgress, Query,
    SearchOptions, Similarities,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vectors, records, query, index] = &arguments[..] else {
        return Err("expected vectors, records, query vectors and the index to write".into());
    };
    if !Path::new(index).exists() {
        build(vectors.as_ref(), records.as_ref(), index.as_ref())?;
    }
    let index = Index::open(index)?;
    let mut vectors = Vec::new();
    QueryEmbeddings::open(query.as_ref())?.read(0, &mut vectors)?;
    let query = Query::new(&vectors, index.dim())?;
    let hits = index
        .search(&query, &SearchOptions::default().k(5).metadata(true))?
        .hits;
    for hit in &hits {
        let metadata = hit.metadata.as_deref().unwrap_or_default();
        println!("{:.2} {} {metadata}", hit.score, hit.key);
    }
    let Some(best) = hits.first() else {
        return Ok(());
    };
    // What a page shows as a heat map: the similarity of a query token to each patch.
    let patches = index.token_vectors(best.doc)?;
    let similarities = Similarities::new(&vectors, &patches, index.dim());
    for (token, found) in similarities.best().into_iter().enumerate() {
        if let Some((patch, score)) = found {
            println!(
                "query token {token}: patch {patch} of {}, {score:.3}",
                best.key
            );
        }
    }
    Ok(())
}

fn build(vectors: &Path, records: &Path, index: &Path) -> Result<(), Box<dyn Error>> {
    let mut source = EmbeddingsSource::open(vectors)?;
    let options = CorpusOptions::new().beside_vectors(None);
    let mut corpus = Corpus::open(&[records.to_owned()], options)?;
    let mut writer = IndexWriter::create(index, BuildOptions::default())?;
    let mut add = |document: &NewDocument<'_>| writer.add(document);
    read_records(&mut corpus, &mut source, &mut |_| true, &mut add)?;
    writer.commit(&mut source, &NoProgress)?;
    Ok(())
}
