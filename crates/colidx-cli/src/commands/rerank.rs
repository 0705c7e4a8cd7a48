//! `colidx rerank`

use std::path::Path;
use std::sync::Arc;

use colidx::corpus::passage_limit;
use colidx::text::Highlights;
use colidx::{DocId, Hit, Index, NewDocument, SearchBy, SearchOptions};

use super::hits::HitsOut;
use super::search::search_all;
use super::with_threads;
use crate::args::RerankArgs;
use crate::error::CliError;
use crate::json::{HitLine, Stats};
use crate::model;
use crate::output::{Stdout, note, note_painted};
use crate::printer::{is_terminal, on_terminal};
use crate::queries::{Queries, QuerySource};
use crate::render::hit::{self, ShownHit};
use crate::render::{Role, Style, number};
use colidx_data::{Corpus, Document, Run};

/// Scores the documents of a run, or texts, by exact MaxSim.
///
/// # Errors
/// A flag, a file, the index or the checkpoint is bad, or there is nothing to score.
pub fn run(args: &RerankArgs) -> Result<(), CliError> {
    with_threads(&args.threads, || {
        match (&args.run, &args.index, &args.query) {
            (Some(run), Some(index), _) => documents(args, run, index),
            (_, _, Some(query)) => texts(args, query),
            _ => Err(CliError::Usage(
                "give a query and texts, or --run with --index".to_owned(),
            )),
        }
    })
}

/// Exact MaxSim of the documents that a run names for each query.
fn documents(args: &RerankArgs, run_file: &Path, index_path: &Path) -> Result<(), CliError> {
    args.queries.require()?;
    let index = Index::open(index_path)?;
    let from = QuerySource {
        files: &args.queries,
        model: &args.model,
    };
    let guard = from
        .guard(&index, index_path, args.run_out.force)
        .inputs([run_file]);
    (args.run_out.path.iter()).try_for_each(|path| guard.check(path))?;
    let run = Run::open(run_file)?;
    let mut queries = Queries::open(&index, &from, SearchBy::Vectors)?;
    tell_differences(&run, &mut queries);
    let missing = missing(&run, &queries, &index)?;
    let Some(missing) = missing else {
        return Err(CliError::NothingToRerank {
            run: run_file.to_owned(),
            index: index_path.to_owned(),
        });
    };
    if missing > 0 {
        let documents = number::counted(missing, "document");
        note(&format!("{documents} of the run not in the index"));
    }
    let options = |query: &str| {
        let docs = found(&run, query, &index)?;
        let k = args.k.map_or(docs.len(), |k| k as usize);
        let set = index.document_set(docs)?;
        Ok(SearchOptions::default().k(k).exact(true).within(set))
    };
    let mut out = HitsOut::open(args.run_out.path.as_deref(), args.json, &guard)?;
    let each = |query: &str, hits: &[Hit]| out.write(&index, query, hits);
    search_all(&index, &mut queries, &options, &mut Stats::default(), each)?;
    out.finish()
}

/// Leaves out queries that are not in the run, and says how many of either the other lacks.
fn tell_differences(run: &Run, queries: &mut Queries) {
    let absent = queries.retain(|key| run.contains(key));
    if absent > 0 {
        let queries = number::counted(absent as u64, "query");
        note(&format!("{queries} not in the run left out"));
    }
    let unknown = run.len() - queries.keys().len();
    if unknown > 0 {
        let queries = number::counted(unknown as u64, "query");
        note(&format!(
            "{queries} of the run not in the query file left out"
        ));
    }
}

/// The documents of a query that the index has.
fn found(run: &Run, query: &str, index: &Index) -> Result<Vec<DocId>, CliError> {
    let keys = run.ranking(query).iter();
    let found = keys.map(|(key, _)| index.find(key));
    Ok(found
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?)
}

/// How many documents of the queries the index does not have; `None` when it has none of them.
fn missing(run: &Run, queries: &Queries, index: &Index) -> Result<Option<u64>, CliError> {
    let (mut named, mut has) = (0, 0);
    for query in queries.keys() {
        named += run.ranking(query).len();
        has += found(run, query, index)?.len();
    }
    Ok((has > 0).then_some((named - has) as u64))
}

/// MaxSim of texts that are in no index.
fn texts(args: &RerankArgs, query: &str) -> Result<(), CliError> {
    let Some(name) = &args.model.model else {
        return Err(CliError::Usage(
            "--model is required to score texts: a directory or a hub id".to_owned(),
        ));
    };
    let options = args.queries.options_for_texts();
    let mut corpus = Corpus::open(&args.texts, options).map_err(CliError::Texts)?;
    let model = Arc::new(model::open(name, &args.model.encoder.options())?);
    let (tokens, counter) = passage_limit(&model);
    corpus.limit_passages(tokens, counter);
    let documents: Result<Vec<Document>, _> = corpus.by_ref().collect();
    let documents = documents.map_err(CliError::Texts)?;
    let left_out = corpus.report().not_read();
    if documents.is_empty() {
        return Err(CliError::NothingIngested(left_out.join("\n")));
    }
    left_out.iter().for_each(|line| note(line));
    let new: Vec<NewDocument<'_>> = (documents.iter())
        .map(|document| {
            let new = NewDocument::new(&document.key);
            new.title(&document.title).text(&document.text)
        })
        .collect();
    let scores = model.score(query, &new)?;
    let unscored = scores.iter().filter(|score| score.is_none()).count() as u64;
    if unscored > 0 {
        let texts = number::counted(unscored, "text");
        note(&format!(
            "empty: {texts} without vectors, which have no score"
        ));
    }
    let mut ranked: Vec<(f32, &Document)> = (scores.into_iter().zip(&documents))
        .filter_map(|(score, document)| Some((score?, document)))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
    ranked.truncate(args.k.map_or(usize::MAX, |k| k as usize));
    print(&ranked, query, args.json)
}

fn print(ranked: &[(f32, &Document)], query: &str, json: bool) -> Result<(), CliError> {
    let mut out = Stdout::lock();
    let (style, terminal) = (Style::for_stdout(), is_terminal());
    let mut blocks = Vec::new();
    for (rank, &(score, document)) in (1..).zip(ranked) {
        if json {
            let metadata = &document.metadata;
            out.json(&HitLine {
                query,
                rank,
                score,
                maxsim: None,
                bm25: None,
                key: &document.key,
                title: &document.title,
                text: &document.text,
                metadata: (!metadata.is_empty()).then(|| metadata.clone().into()),
                snippet: None,
                explain: None,
            })?;
            continue;
        }
        let shown = ShownHit {
            rank,
            score,
            key: document.key.clone(),
            link: None,
            title: document.title.clone(),
            text: document.text.clone(),
            highlights: Highlights::default(),
        };
        let shown = shown.excerpt();
        match terminal {
            true => blocks.push(hit::terminal(&shown, 0.0, &style)),
            false => out.line(&hit::plain(&shown))?,
        }
    }
    out.flush()?;
    if !blocks.is_empty() && on_terminal(blocks, &mut out)? {
        note("");
        note_painted(&style.paint(Role::Dim, "best last"));
    }
    Ok(())
}
