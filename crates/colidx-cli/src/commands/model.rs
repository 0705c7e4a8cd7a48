//! `colidx model`

use colidx_encoder::CheckpointInfo;
use colidx_encoder::hub::ModelId;
use serde::Serialize;

use crate::args::ModelArgs;
use crate::error::CliError;
use crate::model;
use crate::output::{Painted, Stdout, harmless};
use crate::render::table::{Align, table};
use crate::render::{Role, Style, number};
use colidx::Model;

/// Words of the skiplist to show.
const WORDS: usize = 12;

#[derive(Serialize)]
struct ModelLine<'a> {
    location: &'a str,
    directory: String,
    precision: String,
    device: String,
    #[serde(flatten)]
    info: &'a CheckpointInfo,
}

/// Shows the properties of a checkpoint.
///
/// # Errors
/// It cannot be opened.
pub fn run(args: &ModelArgs) -> Result<(), CliError> {
    let model = model::open(&args.model, &args.encoder.options())?;
    let mut out = Stdout::lock();
    if args.json {
        out.json(&ModelLine {
            location: model.location(),
            directory: model.directory().display().to_string(),
            precision: args.encoder.precision.to_string(),
            device: args.encoder.device.to_string(),
            info: model.info(),
        })?;
    } else {
        out.painted(&page(args, &model, &Style::for_stdout()))?;
    }
    out.flush()
}

fn page(args: &ModelArgs, model: &Model, style: &Style) -> Painted {
    let info = model.info();
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows: Vec<_> = (["location", ""]
        .into_iter()
        .zip(location_lines(model.location())))
    .map(|(name, place)| row(name, place))
    .collect();
    rows.extend([
        row(
            "architecture",
            format!(
                "{}, {} of {} dimensions",
                info.architecture,
                number::counted(info.layers as u64, "layer"),
                info.hidden
            ),
        ),
        row(
            "",
            format!(
                "{} parameters, {}",
                number::count(info.parameters),
                info.element_type
            ),
        ),
        row("layout", info.layout.clone()),
        row(
            "reads",
            format!("made for {} tokens", number::count(info.positions as u64)),
        ),
        row("vectors", format!("{} dimensions", info.dim)),
    ]);
    if !info.projected {
        let note = "no projection: probably not trained for late interaction";
        rows.push(row("", note.to_owned()));
    }
    rows.extend([
        row("documents", documents(info)),
        row("", skiplist(info)),
        row("queries", queries(info)),
        row("", expansion(info)),
        row(
            "text",
            if info.lower_case {
                "lower-cased before the tokenizer sees it"
            } else {
                "not lower-cased before the tokenizer sees it"
            }
            .to_owned(),
        ),
        row("fingerprint", info.fingerprint.clone()),
        row(
            "computes",
            format!("{} on {}", args.encoder.precision, args.encoder.device),
        ),
    ]);
    let mut page = style.paint(Role::Heading, &harmless::line(&info.name));
    page.push("\n");
    page.append(&table(&[Align::Left, Align::Left], &rows, 2));
    page.push("\n");
    page.append(&table(&[Align::Left; 3], &settings(info), 2));
    page
}

/// Every setting that affects the vectors, and its origin.
fn settings(info: &CheckpointInfo) -> Vec<Vec<String>> {
    let head = ["setting", "value", "from"].map(str::to_owned).to_vec();
    let rows = (info.settings.iter()).map(|setting| {
        vec![
            setting.name.clone(),
            setting.value.clone(),
            setting.origin.clone(),
        ]
    });
    std::iter::once(head).chain(rows).collect()
}

fn documents(info: &CheckpointInfo) -> String {
    let (marker, prompt) = (&info.document_marker, &info.document_prompt);
    format!(
        "{} tokens, {}",
        info.document_length,
        marker_and_prompt(marker, prompt)
    )
}

fn queries(info: &CheckpointInfo) -> String {
    let (marker, prompt) = (&info.query_marker, &info.query_prompt);
    format!(
        "{} tokens, {}",
        info.query_length,
        marker_and_prompt(marker, prompt)
    )
}

/// The marker and the prompt that precede a text.
pub fn marker_and_prompt(token: &str, prompt: &str) -> String {
    match (token, prompt) {
        (_, "") => marker(token),
        ("", prompt) => format!("behind {prompt:?}"),
        (token, prompt) => format!("{}, then {prompt:?}", marker(token)),
    }
}

/// A location as lines: a hub id and its revision on two, a directory on one.
pub fn location_lines(location: &str) -> Vec<String> {
    match location.parse::<ModelId>() {
        Ok(id) => vec![
            id.repository().to_owned(),
            format!("revision {}", id.revision()),
        ],
        Err(_) => vec![location.to_owned()],
    }
}

/// The marker in words.
fn marker(marker: &str) -> String {
    match marker.trim() {
        "" => "no marker".to_owned(),
        marker => format!("marked with {marker}"),
    }
}

fn skiplist(info: &CheckpointInfo) -> String {
    let words = &info.skiplist;
    if words.is_empty() {
        return "a vector for every token".to_owned();
    }
    let shown: Vec<&str> = words.iter().take(WORDS).map(String::as_str).collect();
    let more = if words.len() > WORDS { " …" } else { "" };
    format!(
        "no vectors for {}: {}{more}",
        number::counted(words.len() as u64, "word"),
        shown.join(" ")
    )
}

fn expansion(info: &CheckpointInfo) -> String {
    if !info.query_expansion {
        return "not padded".to_owned();
    }
    let attention = if info.attend_to_expansion_tokens {
        "which the others attend to"
    } else {
        "which the others do not attend to"
    };
    let length = match info.query_expansion_length {
        length if length == info.query_length => String::new(),
        length => format!(" to {length} tokens at least"),
    };
    format!("padded with {}{length}, {attention}", info.mask_token)
}
