//! `colidx encode`

use std::sync::Arc;

use colidx::Model;
use colidx::text::{BatchSizer, DocumentText, Truncated, is_empty_query};
use colidx_encoder::Encoder;

use super::{ingest, with_threads};
use crate::args::{EncodeArgs, EncodeAs, EncodeType};
use crate::error::CliError;
use crate::interrupt;
use crate::model;
use crate::output::{OutputFile, Protected, note};
use crate::progress::{Phases, Unit};
use crate::queries::tell_empty;
use crate::render::number;
use colidx_data::embeddings::{EmbeddingsWriter, QueryEmbeddingsWriter};
use colidx_data::npy::Dtype;
use colidx_data::{Corpus, Document, QueryOptions, file_name, read_queries};

/// Text held at a time, exceeded by at most one document.
const TEXT_BYTES: usize = 8 << 20;

/// The file of query vectors.
const QUERIES: &str = "query_embeddings.npy";

/// Encodes text into files of vectors.
///
/// # Errors
/// The input, the checkpoint or the output is bad; no file is then left that looks complete.
pub fn run(args: &EncodeArgs) -> Result<(), CliError> {
    with_threads(&args.threads, || {
        // Fail early, before the checkpoint is loaded.
        let guard = Protected::new(colidx::MAGIC)
            .allow_replacing(args.force)
            .inputs(&args.corpus)
            .inputs([&args.model]);
        let folder = guard.folder(&args.out)?;
        if folder.exists() {
            let files = match args.role {
                EncodeAs::Documents => &EmbeddingsWriter::FILES[..],
                EncodeAs::Queries => &[QUERIES],
            };
            (files.iter()).try_for_each(|name| guard.check(&folder.join(name)))?;
        }
        let model = Arc::new(model::open(&args.model, &args.encoder.options())?);
        let encoder = model.encoder();
        // From here on a signal must clean up.
        interrupt::install()?;
        let encoded = match args.role {
            EncodeAs::Documents => documents(args, &model, &guard),
            EncodeAs::Queries => queries(args, encoder, &guard),
        };
        // A signal also makes reads fail.
        encoded.map_err(|error| {
            if interrupt::requested() {
                stopped()
            } else {
                error
            }
        })
    })
}

fn dtype(args: &EncodeArgs) -> Dtype {
    match args.dtype {
        EncodeType::F16 => Dtype::F16,
        EncodeType::F32 => Dtype::F32,
    }
}

fn documents(args: &EncodeArgs, model: &Arc<Model>, guard: &Protected) -> Result<(), CliError> {
    let encoder = model.encoder();
    let mut corpus = Corpus::open(&args.corpus, args.reading.options())?;
    args.reading.fit_passages(&mut corpus, model);
    let mut writer = EmbeddingsWriter::create(&args.out, encoder.info().dim, dtype(args), guard)?;
    let total = corpus.bytes_total();
    let phases = Phases::new();
    phases.begin("encoding", total, Unit::Bytes);
    let mut vectors = 0u64;
    let mut truncated = Truncated::default();
    let mut ordinals = 0..;
    let mut sizer = BatchSizer::new();
    loop {
        let chunk = next_chunk(&mut corpus, &sizer)?;
        if chunk.is_empty() {
            break;
        }
        stop_if_asked()?;
        let texts: Vec<DocumentText> = chunk
            .iter()
            .map(|document| DocumentText::new(&document.title, &document.text))
            .collect();
        let texts: Vec<&str> = texts.iter().map(DocumentText::as_str).collect();
        let encoded = sizer.encode(&mut &texts[..], |texts| encoder.encode_documents(texts))?;
        for (document, (ordinal, encoded)) in chunk.iter().zip(ordinals.by_ref().zip(encoded)) {
            writer.push(&document.key, &encoded.vectors, &encoded.token_ids)?;
            vectors += encoded.token_ids.len() as u64;
            if encoded.truncated {
                truncated.add(ordinal, &document.key);
            }
        }
        phases.set(corpus.bytes_read());
    }
    phases.end();
    stop_if_asked()?;
    let report = corpus.report();
    if report.documents == report.blank {
        let left_out = report.without_content().into_iter();
        let left_out: Vec<String> = left_out.chain(report.not_read()).collect();
        return Err(CliError::NothingIngested(left_out.join("\n")));
    }
    writer.finish()?;
    note(&format!(
        "{}: {}, {} of dimension {}; {} truncated, {} empty, {} skipped",
        args.out.display(),
        number::counted(report.documents, "document"),
        number::counted(vectors, "vector"),
        encoder.info().dim,
        number::count(truncated.count()),
        number::count(report.empty),
        number::counted(report.bad_lines, "bad line"),
    ));
    for message in &report.bad_line_messages {
        note(&format!("  {message}"));
    }
    let cut = ingest::truncated(&truncated, "", encoder.info().document_length);
    cut.iter().for_each(|line| note(line));
    let lines = report.not_read().into_iter();
    let lines = lines.chain(args.reading.unused(report));
    lines.for_each(|line| note(&line));
    Ok(())
}

/// The next documents to encode together.
fn next_chunk(corpus: &mut Corpus, sizer: &BatchSizer) -> Result<Vec<Document>, CliError> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while chunk.len() < sizer.texts() && bytes < TEXT_BYTES {
        let Some(document) = corpus.next() else { break };
        let mut document = document?;
        document.metadata.clear();
        bytes += document.title.len() + document.text.len();
        chunk.push(document);
    }
    Ok(chunk)
}

fn queries(args: &EncodeArgs, encoder: &Encoder, guard: &Protected) -> Result<(), CliError> {
    let [file] = &args.corpus[..] else {
        return Err(CliError::Usage(
            "--as queries takes one file of queries".to_owned(),
        ));
    };
    let options = QueryOptions::new()
        .format(args.reading.format)
        .id_field(args.reading.id_field.clone())
        .text_field(args.reading.text_field.clone())
        .allow_empty(true);
    let queries = read_queries(file, &options)?;
    let phases = Phases::new();
    let total = queries.len() as u64;
    phases.begin("encoding", Some(total), Unit::Things("query"));
    let mut encoded = Vec::with_capacity(queries.len());
    let mut sizer = BatchSizer::new();
    let texts: Vec<&str> = queries.iter().map(|query| query.text.as_str()).collect();
    let mut left = &texts[..];
    while !left.is_empty() {
        stop_if_asked()?;
        encoded.extend(sizer.encode(&mut left, |texts| encoder.encode_queries(texts))?);
        phases.set(encoded.len() as u64);
    }
    phases.end();
    let dim = encoder.info().dim;
    let tokens = encoded
        .iter()
        .map(|query| query.tokens.len())
        .max()
        .unwrap_or(0);
    let path = guard.make_folder(&args.out)?.join(QUERIES);
    let file = OutputFile::create(&path, guard)?;
    let mut writer = QueryEmbeddingsWriter::new(file, &file_name(&path), tokens, dim, dtype(args))?;
    for query in &encoded {
        // Rows stay those of the file. Searches take zero vectors for an empty query.
        writer.push(if is_empty_query(query) {
            &[]
        } else {
            &query.vectors
        })?;
    }
    writer.finish()?;
    let empty = queries
        .iter()
        .zip(&encoded)
        .filter(|(_, encoded)| is_empty_query(encoded));
    let empty: Vec<&str> = empty.map(|(query, _)| query.key.as_str()).collect();
    tell_empty(empty.into_iter());
    let truncated = encoded.iter().filter(|query| query.truncated).count() as u64;
    note(&format!(
        "{}: {} of {tokens} vectors of dimension {dim}; {} truncated",
        path.display(),
        number::counted(total, "query"),
        number::count(truncated)
    ));
    Ok(())
}

fn stop_if_asked() -> Result<(), CliError> {
    if interrupt::requested() {
        Err(stopped())
    } else {
        Ok(())
    }
}

fn stopped() -> CliError {
    CliError::Interrupted("nothing was written; run the command again".to_owned())
}
