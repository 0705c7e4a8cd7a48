//! Prints an answer: highlighted on a terminal, one line per hit for other programs, or JSON.

use crate::args::{Color, SearchArgs};
use crate::error::CliError;
use crate::json::{HitLine, Stats, StatsLine, metadata};
use crate::link;
use crate::output::{
    Painted, Stdout, color, note, note_painted, rows_of_stdout, stdout_is_terminal,
};
use crate::render::explanation::{self, Explanation};
use crate::render::hit::{self, ShownHit};
use crate::render::{Role, Style, number};
use colidx::text::Answer;
use colidx::{Hit, Index, TextSearcher};

/// Columns of a passage in JSON.
const SNIPPET_COLUMNS: usize = 240;

/// Prints answers.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// Print one JSON object per hit.
    pub json: bool,
    /// Print the work of the search after the hits.
    pub stats: bool,
    /// Print the matches of every hit.
    pub explain: bool,
    /// Add the best passage of every hit to its JSON object.
    pub snippets: bool,
    /// Use the layout for a terminal.
    pub terminal: bool,
}

impl Printer {
    /// For standard output.
    pub fn new(args: &SearchArgs) -> Printer {
        Printer {
            json: args.json,
            stats: args.stats,
            explain: args.explain,
            snippets: args.snippets,
            terminal: is_terminal(),
        }
    }

    /// Prints an answer.
    ///
    /// # Errors
    /// The index is damaged, or standard output is closed.
    pub fn answer(
        &self,
        searcher: &TextSearcher,
        answer: &Answer,
        out: &mut Stdout,
    ) -> Result<(), CliError> {
        if answer
            .encoded
            .as_ref()
            .is_some_and(|encoded| encoded.truncated)
        {
            note("the query is longer than the checkpoint reads; its end was cut off");
        }
        if answer.results.hits.is_empty() && (self.json || !self.terminal) {
            note(&no_hits(searcher, answer)?);
        }
        if self.json {
            return self.json(searcher, answer, out);
        }
        let style = Style::for_stdout();
        let hits = 0..answer.results.hits.len();
        let hits: Vec<ShownHit> = hits
            .map(|at| shown(searcher, answer, at).map(ShownHit::excerpt))
            .collect::<Result<_, _>>()?;
        let largest = hits.iter().map(ShownHit::max_weight).fold(0.0, f32::max);
        let mut blocks = Vec::with_capacity(hits.len());
        for (shown, found) in hits.iter().zip(&answer.results.hits) {
            let mut block = match self.terminal {
                true => hit::terminal(shown, largest, &style),
                false => Painted::from(format!("{}\n", hit::plain(shown)).as_str()),
            };
            if self.explain {
                let explanation = explained(searcher, answer, found)?;
                block.append(&explanation::matches_table(&explanation));
            }
            blocks.push(block);
        }
        if !self.terminal {
            blocks.iter().try_for_each(|block| out.painted(block))?;
            out.flush()?;
        } else {
            let best_last = on_terminal(blocks, out)?;
            note("");
            let mut footer = match hits.is_empty() {
                true => no_hits(searcher, answer)?,
                false => footer(searcher, answer),
            };
            if best_last {
                footer.push_str("; best last");
            }
            note_painted(&style.paint(Role::Dim, &footer));
        }
        if self.stats {
            tell_stats(&stats_of(answer));
        }
        Ok(())
    }

    fn json(
        &self,
        searcher: &TextSearcher,
        answer: &Answer,
        out: &mut Stdout,
    ) -> Result<(), CliError> {
        for (at, found) in answer.results.hits.iter().enumerate() {
            let (document, snippet) = match self.snippets {
                true => {
                    let (hit, highlights) = searcher.highlighted_hit(answer, at)?;
                    let snippet = highlights.snippet(&hit.text, SNIPPET_COLUMNS);
                    (hit, Some(snippet))
                }
                false => (searcher.hit(answer, at)?, None),
            };
            let explain = match self.explain {
                true => {
                    let mut explanation = explained(searcher, answer, found)?;
                    explanation.tokens.append(&mut explanation.words);
                    Some(explanation.tokens)
                }
                false => None,
            };
            out.json(&HitLine {
                query: &answer.text,
                rank: at + 1,
                score: found.score,
                maxsim: found.bm25.and(found.maxsim),
                bm25: found.bm25,
                key: &found.key,
                title: &document.title,
                text: &document.text,
                metadata: metadata(&document.metadata),
                snippet,
                explain,
            })?;
        }
        if self.stats {
            out.json(&StatsLine {
                stats: stats_of(answer),
            })?;
        }
        out.flush()
    }
}

/// What the tokens and the words of a query matched in a document.
///
/// # Errors
/// The index is damaged.
pub fn explained(
    searcher: &TextSearcher,
    answer: &Answer,
    hit: &Hit,
) -> Result<Explanation, CliError> {
    Ok(Explanation {
        tokens: match &answer.encoded {
            Some(encoded) => searcher.explain(encoded, hit.doc)?,
            None => Vec::new(),
        },
        words: searcher.explain_words(answer, hit.doc)?,
        fused: hit.maxsim.and(hit.bm25).map(|_| hit.score),
    })
}

/// A hit of an answer with the weight of each of its words.
///
/// # Errors
/// The index is damaged.
pub fn shown(searcher: &TextSearcher, answer: &Answer, at: usize) -> Result<ShownHit, CliError> {
    let (hit, highlights) = searcher.highlighted_hit(answer, at)?;
    Ok(ShownHit {
        rank: at + 1,
        score: hit.score,
        link: link::of_hit(searcher.index().path(), &hit.metadata),
        key: hit.key,
        title: hit.title,
        text: hit.text,
        highlights,
    })
}

/// Whether hits are printed in the layout of a terminal.
pub fn is_terminal() -> bool {
    stdout_is_terminal() || color() == Color::Always
}

/// Prints hits, best first, in the layout of a terminal. Those that do not fit its screen are
/// turned round, so that the best stands last and nothing scrolls it away; says whether they were.
///
/// # Errors
/// Standard output is closed.
pub fn on_terminal(mut blocks: Vec<Painted>, out: &mut Stdout) -> Result<bool, CliError> {
    let best_last = !fits(&blocks, rows_of_stdout());
    if best_last {
        blocks.reverse();
    }
    for (at, block) in blocks.iter().enumerate() {
        if at > 0 {
            out.line("")?;
        }
        out.painted(block)?;
    }
    out.flush()?;
    Ok(best_last)
}

/// Lines below the hits: a blank one, the footer and the prompt.
const BELOW: usize = 3;

/// Whether hits, with blank lines between them, fit on a screen of `rows`; an unknown screen fits
/// all.
fn fits(blocks: &[Painted], rows: Option<usize>) -> bool {
    let lines = blocks.iter().map(|block| block.lines().count() + 1);
    rows.is_none_or(|rows| lines.sum::<usize>() + BELOW <= rows + 1)
}

fn stats_of(answer: &Answer) -> Stats {
    let mut stats = Stats::default();
    stats.add(&answer.results.stats, answer.encode_time);
    stats
}

fn footer(searcher: &TextSearcher, answer: &Answer) -> String {
    let searched = answer.results.stats.total_time;
    format!(
        "{} of {} in {} (encode {}, search {})",
        number::count(answer.results.hits.len() as u64),
        number::counted(searcher.index().num_documents(), "document"),
        number::time(answer.encode_time + searched),
        number::time(answer.encode_time),
        number::time(searched),
    )
}

/// Why nothing was found, as far as it is known.
fn no_hits(searcher: &TextSearcher, answer: &Answer) -> Result<String, CliError> {
    let index = searcher.index();
    let documents = index.num_documents();
    if documents == 0 {
        return Ok(format!(
            "no hits: {} has no documents",
            index.path().display()
        ));
    }
    let mut words = 0;
    if let (Some(_), Some(analyzer)) = (&answer.words, index.analyzer()?) {
        analyzer.analyze(&answer.text, |_| words += 1);
        if words == 0 {
            return Ok("no hits: the query has no word that is searched for".to_owned());
        }
        if !has_text(index)? {
            return Ok("no hits: the index stores no text, so words find nothing".to_owned());
        }
    }
    Ok(format!(
        "no hits: none of {} matches",
        number::counted(documents, "document")
    ))
}

/// Whether a document has a title or text.
fn has_text(index: &Index) -> Result<bool, CliError> {
    for doc in index.doc_ids() {
        let document = index.document(doc)?;
        if !document.title.is_empty() || !document.text.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Prints the work of searches.
pub fn tell_stats(stats: &Stats) {
    let by_vectors = stats.documents_scored > 0;
    if by_vectors {
        note(&work_of_vectors(stats));
    }
    let mut steps = Vec::new();
    if by_vectors {
        steps.extend([
            format!("centroids {:.2}", stats.centroid_ms),
            format!("candidates {:.2}", stats.candidate_ms),
            format!("partial MaxSim {:.2}", stats.partial_ms),
            format!("exact {:.2}", stats.exact_ms),
        ]);
    }
    if stats.words_ms > 0.0 {
        steps.push(format!("words {:.2}", stats.words_ms));
    }
    note(&format!(
        "encode {:.2} ms, search {:.2} ms: {}",
        stats.encode_ms,
        stats.search_ms,
        steps.join(", ")
    ));
}

fn work_of_vectors(stats: &Stats) -> String {
    let mut parts = vec![
        format!(
            "{} screened in 16 bits, {} scored",
            number::counted(stats.documents_screened, "document"),
            number::count(stats.documents_scored)
        ),
        number::counted(stats.vectors_decoded, "vector"),
        number::bytes(stats.bytes_touched),
    ];
    if stats.exact < stats.queries {
        parts.insert(
            0,
            format!(
                "{} scored, {} read",
                number::counted(stats.centroids_scored, "centroid"),
                number::counted(stats.postings_read, "list")
            ),
        );
        parts.insert(1, number::counted(stats.candidates, "candidate"));
    }
    if stats.widened > 0 {
        parts.push(format!("widened {} times", number::count(stats.widened)));
    }
    parts.join(", ")
}
