//! The interactive prompt.

pub mod command;
pub mod lines;

use colidx::{Fusion, SearchBy, SearchOptions};

use crate::error::CliError;
use crate::model::DownloadProgress;
use crate::output::{Stdout, note, note_painted, tell};
use crate::printer::{Printer, explained, shown};
use crate::render::{Role, Style, explanation, hit, number};
use crate::scope::Scope;
use colidx::TextSearcher;
use colidx::text::{Answer, Reload};
use command::{By, HELP, Input, parse};
use lines::Lines;

/// State of the prompt.
struct Prompt<'a> {
    searcher: &'a mut TextSearcher,
    scope: Scope,
    by: SearchBy,
    /// How `:by hybrid` makes one score of two.
    fusion: Fusion,
    /// Without the scope, which is resolved again for every commit.
    options: SearchOptions,
    printer: Printer,
    last: Option<Answer>,
    out: Stdout,
}

/// Reads queries and commands until the input ends or `:quit`.
///
/// A failed query is reported and the prompt continues.
///
/// # Errors
/// Standard output is closed, or the terminal fails.
pub fn run(
    searcher: &mut TextSearcher,
    scope: Scope,
    by: SearchBy,
    options: SearchOptions,
    printer: Printer,
) -> Result<(), CliError> {
    let mut lines = Lines::open()?;
    if let Lines::Editor { .. } = lines {
        let style = Style::for_stdout();
        note_painted(&style.paint(
            Role::Dim,
            &format!(
                "{} with {}; type a query, or :help",
                number::counted(searcher.index().num_documents(), "document"),
                match searcher.model() {
                    Ok(model) => &model.info().name,
                    Err(_) => "words alone",
                }
            ),
        ));
    }
    let mut prompt = Prompt {
        searcher,
        scope,
        by,
        fusion: match by {
            SearchBy::Both(fusion) => fusion,
            _ => Fusion::default(),
        },
        options,
        printer,
        last: None,
        out: Stdout::lock(),
    };
    let mut ended = Ok(());
    while let Some(line) = lines.read()? {
        match prompt.line(&line) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error @ (CliError::BrokenPipe | CliError::Write { .. })) => {
                ended = Err(error);
                break;
            }
            Err(error) => tell(&error),
        }
    }
    lines.close();
    ended
}

impl Prompt<'_> {
    /// Does what a line says; `false` to leave.
    fn line(&mut self, line: &str) -> Result<bool, CliError> {
        match parse(line) {
            Input::Nothing => note("the query is empty; type at least one word, or :help"),
            Input::Query(query) => {
                let options = self
                    .scope
                    .options(self.searcher.index(), self.options.clone())?;
                let answer = self.searcher.answer_by(&query, self.by, &options)?;
                self.printer.answer(self.searcher, &answer, &mut self.out)?;
                self.last = Some(answer);
            }
            Input::K(k) => {
                self.options.k = k;
                note(&format!("{} per query", number::counted(k as u64, "hit")));
            }
            Input::By(by) => self.search_by(by)?,
            Input::Filter(filter) => self.filter(filter)?,
            Input::Recall(recall) => self.recall(recall)?,
            Input::Exact(on) => {
                self.options.recall = None;
                self.options.exact = on;
                note(if on {
                    "exact search: every document is scored"
                } else {
                    "default search: candidates are scored"
                });
            }
            Input::Stats(on) => {
                self.printer.stats = on;
                note(if on {
                    "statistics on"
                } else {
                    "statistics off"
                });
            }
            Input::Open(rank) => self.open(rank)?,
            Input::Explain(rank) => self.explain(rank)?,
            Input::Reload => self.reload()?,
            Input::Help => HELP.lines().for_each(note),
            Input::Quit => return Ok(false),
            Input::Wrong(why) => note(&why),
        }
        Ok(true)
    }

    fn search_by(&mut self, by: By) -> Result<(), CliError> {
        if by != By::Words {
            self.searcher.model()?;
        }
        let index = self.searcher.index();
        if by != By::Vectors && index.analyzer()?.is_none() {
            let path = index.path().to_owned();
            return Err(colidx::Error::NoWords { path }.into());
        }
        let (by, said) = match by {
            By::Vectors => (SearchBy::Vectors, "searching by vectors"),
            By::Words => (SearchBy::Words, "searching by words"),
            By::Hybrid => (
                SearchBy::Both(self.fusion),
                "searching by vectors and words",
            ),
        };
        self.by = by;
        note(said);
        Ok(())
    }

    fn filter(&mut self, filter: Option<String>) -> Result<(), CliError> {
        let off = filter.is_none();
        match self.scope.set_filter(self.searcher.index(), filter) {
            Ok(_) if off => note("no filter"),
            Ok(found) => note(&format!("matching: {}", number::counted(found, "document"))),
            Err(CliError::Filter(error)) => {
                format!(":filter: {error}").lines().for_each(note);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Finds a share of the exact hits, or what the default effort finds.
    fn recall(&mut self, share: Option<f64>) -> Result<(), CliError> {
        let measured = self.searcher.index().info()?.recall.is_some();
        match share {
            Some(share) if measured || share == 1.0 => {
                let options = self.options.clone().exact(false).recall(share);
                self.options = options.n_probe(None).candidates(None).rerank(None);
                note(&format!("searches aim at a recall of {share}"));
            }
            Some(_) => note(":recall: measure first what searches find here, with `colidx tune`"),
            None => {
                self.options.recall = None;
                note("default search: candidates are scored");
            }
        }
        Ok(())
    }

    fn reload(&mut self) -> Result<(), CliError> {
        let reloaded = self.searcher.reload(&mut DownloadProgress::new())?;
        if let Reload::Unchanged = reloaded {
            note("no new commit");
            return Ok(());
        }
        let index = self.searcher.index();
        let documents = number::counted(index.num_documents(), "document");
        note(&format!("generation {}: {documents}", index.generation()));
        if let Reload::Checkpoint = reloaded {
            let model = self.searcher.model()?;
            note(&format!(
                "the index was rebuilt with another checkpoint, now loaded: {} from {}",
                model.info().name,
                model.location()
            ));
        }
        // Its hits belong to the previous commit.
        self.last = None;
        Ok(())
    }

    fn open(&mut self, rank: usize) -> Result<(), CliError> {
        let Some(answer) = hit_of(&self.last, rank) else {
            return Ok(());
        };
        let shown = shown(self.searcher, answer, rank - 1)?;
        for part in hit::whole(&shown, &Style::for_stdout()) {
            self.out.painted(&part)?;
        }
        self.out.flush()
    }

    fn explain(&mut self, rank: usize) -> Result<(), CliError> {
        let Some(answer) = hit_of(&self.last, rank) else {
            return Ok(());
        };
        let hit = &answer.results.hits[rank - 1];
        let explanation = explained(self.searcher, answer, hit)?;
        let title = self.searcher.index().document(hit.doc)?.title;
        self.out.painted(&explanation::page(
            &hit.key,
            &title,
            &explanation,
            &Style::for_stdout(),
        ))?;
        self.out.flush()
    }
}

/// The last answer if it has a hit of that rank; otherwise prints that it has not.
fn hit_of(last: &Option<Answer>, rank: usize) -> Option<&Answer> {
    let hits = last.as_ref().map_or(0, |answer| answer.results.hits.len());
    let answer = last.as_ref().filter(|_| rank <= hits);
    if answer.is_none() {
        note(&match (last, hits) {
            (None, _) => "there are no hits yet; type a query first".to_owned(),
            (_, 0) => "the last query found nothing".to_owned(),
            (_, hits) => format!("there is no hit {rank}; the last query has hits 1 to {hits}"),
        });
    }
    answer
}
