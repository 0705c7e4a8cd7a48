//! `colidx info`

use std::path::Path;

use colidx::{FieldInfo, FileInfo, Index, IndexInfo, ModelInfo, RecallTable, SegmentInfo};
use serde::Serialize;

use super::model::{location_lines, marker_and_prompt};
use crate::args::InfoArgs;
use crate::error::CliError;
use crate::output::{Painted, Stdout, harmless};
use crate::render::table::{Align, table};
use crate::render::{Role, Style, fit, number};
use crate::scope::{matching, parse_filter};

#[derive(Serialize)]
struct InfoLine<'a> {
    index: String,
    format_version: u16,
    generation: u64,
    documents: u64,
    vectors: u64,
    dim: usize,
    nbits: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_factor: Option<u32>,
    centroids: usize,
    deleted_documents: u64,
    segments: Vec<SegmentLine>,
    seed: u64,
    sample_error: f64,
    bytes: u64,
    text_bytes: u64,
    bytes_per_vector: f64,
    model: &'a Option<ModelInfo>,
    recall: &'a Option<RecallTable>,
    analyzer: &'a Option<String>,
    fields: Vec<FieldLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matching: Option<u64>,
    files: Vec<FileLine<'a>>,
}

/// What `info` shows besides the engine's figures.
struct More {
    /// Documents that match the filter.
    matching: Option<u64>,
    /// Of the metadata.
    fields: Vec<FieldInfo>,
    /// Name of what divides text into words.
    analyzer: Option<String>,
}

#[derive(Serialize)]
struct FieldLine<'a> {
    path: &'a str,
    documents: u64,
    distinct: u64,
    booleans: u64,
    integers: u64,
    floats: u64,
    strings: u64,
}

#[derive(Serialize)]
struct SegmentLine {
    number: u32,
    documents: u64,
    deleted_documents: u64,
    vectors: u64,
    error: f64,
    bytes: u64,
}

#[derive(Serialize)]
struct FileLine<'a> {
    name: &'a str,
    bytes: u64,
    sections: Vec<SectionLine<'a>>,
}

#[derive(Serialize)]
struct SectionLine<'a> {
    name: &'a str,
    bytes: u64,
}

/// Shows what an index contains.
///
/// # Errors
/// The index cannot be opened.
pub fn run(args: &InfoArgs) -> Result<(), CliError> {
    let index = Index::open(&args.index.path)?;
    let matching = match &args.filter {
        Some(text) => Some(matching(&index, text, &parse_filter(text)?)?.len()),
        None => None,
    };
    let info = index.info()?;
    let more = More {
        matching,
        // An index of an earlier version has none that can be read.
        fields: index.fields().unwrap_or_default(),
        analyzer: index.analyzer()?.map(|analyzer| analyzer.name().to_owned()),
    };
    let mut out = Stdout::lock();
    if args.json {
        out.json(&line(&args.index.path, &info, &more))?;
    } else {
        let files = files(&info, args.sections);
        let style = Style::for_stdout();
        out.painted(&page(&args.index.path, &info, &more, &files, &style))?;
    }
    out.flush()
}

fn line<'a>(path: &Path, info: &'a IndexInfo, more: &'a More) -> InfoLine<'a> {
    let file = |file: &'a FileInfo| FileLine {
        name: &file.name,
        bytes: file.bytes,
        sections: file
            .sections
            .iter()
            .map(|section| SectionLine {
                name: &section.name,
                bytes: section.bytes,
            })
            .collect(),
    };
    InfoLine {
        index: path.display().to_string(),
        format_version: info.format_version,
        generation: info.generation,
        documents: info.documents,
        vectors: info.vectors,
        dim: info.dim,
        nbits: info.nbits,
        pool_factor: info.pooling.map(|pooling| pooling.factor),
        centroids: info.centroids,
        deleted_documents: info.deleted_documents,
        segments: info.segments.iter().map(segment_line).collect(),
        seed: info.seed,
        sample_error: info.sample_error,
        bytes: info.bytes,
        text_bytes: info.text_bytes,
        bytes_per_vector: info.bytes_per_vector(),
        model: &info.model,
        recall: &info.recall,
        analyzer: &more.analyzer,
        fields: more.fields.iter().map(field_line).collect(),
        matching: more.matching,
        files: info.files.iter().map(file).collect(),
    }
}

fn field_line(field: &FieldInfo) -> FieldLine<'_> {
    FieldLine {
        path: &field.path,
        documents: field.documents,
        distinct: field.distinct,
        booleans: field.types.booleans,
        integers: field.types.integers,
        floats: field.types.floats,
        strings: field.types.strings,
    }
}

/// The fields of the metadata as a table.
fn fields(fields: &[FieldInfo]) -> Vec<Vec<String>> {
    let head = ["field", "types", "documents", "values"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(fields.iter().map(|field| {
        let types = field.types;
        let named = [
            (types.booleans, "boolean"),
            (types.integers, "integer"),
            (types.floats, "float"),
            (types.strings, "string"),
        ];
        let named: Vec<&str> = named
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, name)| name)
            .collect();
        vec![
            harmless::line(&field.path).to_string(),
            named.join(", "),
            number::count(field.documents),
            number::count(field.distinct),
        ]
    }));
    rows
}

fn segment_line(segment: &SegmentInfo) -> SegmentLine {
    SegmentLine {
        number: segment.number,
        documents: segment.documents,
        deleted_documents: segment.deleted_documents,
        vectors: segment.vectors,
        error: segment.error,
        bytes: segment.bytes,
    }
}

fn page(path: &Path, info: &IndexInfo, more: &More, files: &Painted, style: &Style) -> Painted {
    let per_document = info.vectors as f64 / info.documents.max(1) as f64;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("documents", documents(info)),
        row(
            "vectors",
            format!(
                "{}, {per_document:.1} a document, {} dimensions",
                number::count(info.vectors),
                info.dim
            ),
        ),
        row("centroids", number::count(info.centroids as u64)),
        row("residuals", format!("{} bits a dimension", info.nbits)),
        row("size", size(info)),
        row(
            "format",
            format!(
                "version {}, generation {}, seed {}",
                info.format_version, info.generation, info.seed
            ),
        ),
    ];
    if let Some(pooling) = info.pooling {
        let first = number::counted(pooling.protected.into(), "vector");
        let value = format!(
            "one vector for {}, behind the first {first}",
            pooling.factor
        );
        rows.insert(2, row("pooled", value));
    }
    match &info.model {
        Some(model) => {
            let name = format!("{} ({})", model.name, model.architecture);
            rows.push(row("model", name));
            let places = location_lines(&model.location).into_iter();
            let places = places.filter(|place| *place != model.name);
            rows.extend(places.map(|place| row("", place)));
            rows.push(row("", format!("fingerprint {}", model.fingerprint)));
            if !model.precision.is_empty() {
                rows.push(row("", format!("computed in {}", model.precision)));
            }
            let documents = format!(
                "documents of {} tokens, {}",
                model.document_length,
                marker_and_prompt(&model.document_marker, &model.document_prompt)
            );
            let skipped = number::counted(model.skiplist.len() as u64, "word");
            rows.push(row("", format!("{documents}, no vectors for {skipped}")));
            let queries = format!(
                "queries of {} tokens, {}",
                model.query_length,
                marker_and_prompt(&model.query_marker, &model.query_prompt)
            );
            rows.push(row("", queries));
        }
        None => rows.push(row("model", "not recorded: built from vectors".to_owned())),
    }
    let words = more.analyzer.as_deref();
    rows.push(row("words", words.unwrap_or("none").to_owned()));
    if let Some(table) = &info.recall {
        rows.extend(recall(table));
    }
    if let Some(matching) = more.matching {
        rows.push(row("matching", number::counted(matching, "document")));
    }
    let mut page = style.paint(Role::Heading, &harmless::line(&path.display().to_string()));
    page.push("\n");
    page.append(&table(&[Align::Left, Align::Left], &rows, 2));
    if !more.fields.is_empty() {
        page.push("\n");
        let columns = [Align::Left, Align::Left, Align::Right, Align::Right];
        page.append(&table(&columns, &fields(&more.fields), 2));
    }
    page.push("\n");
    page.append(files);
    if info.segments.len() > 1 || info.deleted_documents > 0 {
        page.push("\n");
        let right = [Align::Right; 5];
        page.append(&table(&right, &segments(info), 2));
    }
    page
}

/// What the default search finds, for each number of hits that was measured.
fn recall(table: &RecallTable) -> Vec<Vec<String>> {
    let measured = format!(
        "measured with {} on {}",
        number::counted(table.queries, "query"),
        number::counted(table.documents, "document")
    );
    let default = table.rows.iter().filter(|row| row.effort == 1.0);
    let found = default.map(|row| {
        let (k, recall, time) = (row.k, row.recall, row.milliseconds);
        let found = format!("{recall:.3} of the exact top {k} by default, in {time:.1} ms");
        vec![String::new(), found]
    });
    let first = vec!["recall".to_owned(), measured];
    [first].into_iter().chain(found).collect()
}

/// What the index takes on disk.
pub fn size(info: &IndexInfo) -> String {
    let bytes = number::bytes(info.bytes);
    let per_vector = info.bytes_per_vector();
    match info.text_bytes {
        0 => format!("{bytes}, no text; {per_vector:.1} bytes a vector"),
        text => {
            let text = number::bytes(text);
            format!("{bytes}, {text} of it text; {per_vector:.1} bytes a vector without the text")
        }
    }
}

fn documents(info: &IndexInfo) -> String {
    let live = number::count(info.documents);
    match info.deleted_documents {
        0 => live,
        deleted => format!("{live}, and {} deleted", number::count(deleted)),
    }
}

/// What was added when, and how well the codebook fits it.
fn segments(info: &IndexInfo) -> Vec<Vec<String>> {
    let head = [
        "segment",
        "documents",
        "deleted",
        "error",
        "of the sample's",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(info.segments.iter().map(|segment| {
        let ratio = fit::ratio(segment.error, info.sample_error);
        vec![
            segment.number.to_string(),
            number::count(segment.documents),
            number::count(segment.deleted_documents),
            format!("{:.4}", segment.error),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2} times")),
        ]
    }));
    rows
}

/// What each file takes, and if asked for each of its sections.
fn files(info: &IndexInfo, sections: bool) -> Painted {
    let share = |bytes: u64| format!("{:.1} %", bytes as f64 * 100.0 / info.bytes.max(1) as f64);
    let row = |file: &str, section: &str, bytes: u64| {
        let mut row = vec![file.to_owned()];
        row.extend(sections.then(|| section.to_owned()));
        row.extend([number::count(bytes), share(bytes)]);
        row
    };
    let mut head = vec!["file"];
    head.extend(sections.then_some("section"));
    head.extend(["bytes", "share"]);
    let mut rows = vec![head.into_iter().map(str::to_owned).collect()];
    for file in &info.files {
        rows.push(row(&file.name, "", file.bytes));
        let own = file.sections.iter().filter(|_| sections);
        rows.extend(own.map(|section| row("", &section.name, section.bytes)));
    }
    let mut columns = vec![Align::Left; if sections { 2 } else { 1 }];
    columns.extend([Align::Right; 2]);
    table(&columns, &rows, 2)
}
