//! tantivy, with the terms that colidx-lexical makes.

use crate::corpus::Document;
use anyhow::Result;
use colidx_lexical::Analyzer;
use std::time::Instant;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy::{Searcher, TantivyDocument, Term};

#[derive(Clone)]
struct Terms(Analyzer);

struct Stream {
    tokens: std::vec::IntoIter<Token>,
    token: Token,
}

impl Tokenizer for Terms {
    type TokenStream<'a> = Stream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream {
        let mut tokens = Vec::new();
        self.0.analyze(text, |term| {
            tokens.push(Token {
                offset_from: term.bytes.start,
                offset_to: term.bytes.end,
                position: term.position as usize,
                text: term.text.to_owned(),
                position_length: 1,
            });
        });
        Stream {
            tokens: tokens.into_iter(),
            token: Token::default(),
        }
    }
}

impl TokenStream for Stream {
    fn advance(&mut self) -> bool {
        let next = self.tokens.next();
        let more = next.is_some();
        self.token = next.unwrap_or_default();
        more
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

pub struct Index {
    searcher: Searcher,
    field: Field,
    analyzer: Analyzer,
}

impl Index {
    pub fn build(documents: &[Document], positions: bool) -> Result<Self> {
        let analyzer = Analyzer::by_name("english")?;
        let started = Instant::now();
        let mut schema = Schema::builder();
        let record = match positions {
            true => IndexRecordOption::WithFreqsAndPositions,
            false => IndexRecordOption::WithFreqs,
        };
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("terms")
            .set_index_option(record);
        let field = schema.add_text_field(
            "text",
            TextOptions::default().set_indexing_options(indexing),
        );
        let index = tantivy::Index::create_in_ram(schema.build());
        index.tokenizers().register("terms", Terms(analyzer));
        let mut writer = index.writer_with_num_threads(1, 1 << 30)?;
        for document in documents {
            let mut fields = TantivyDocument::new();
            fields.add_text(field, &document.title);
            fields.add_text(field, &document.text);
            writer.add_document(fields)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        let seconds = started.elapsed().as_secs_f64();
        let searcher = index.reader()?.searcher();
        let space = searcher.space_usage()?;
        let segments = space.segments();
        anyhow::ensure!(segments.len() == 1, "{} segments", segments.len());
        let of = &segments[0];
        println!(
            "tantivy: built in {seconds:.2} s; bytes: terms {:?}, postings {:?}, positions {:?}, \
             lengths {:?}",
            of.termdict().total(),
            of.postings().total(),
            of.positions().total(),
            of.fieldnorms().total(),
        );
        Ok(Self {
            searcher,
            field,
            analyzer,
        })
    }

    pub fn search(&self, query: &str, k: usize) -> Result<Vec<(u32, f32)>> {
        let mut terms: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        self.analyzer.analyze(query, |term| {
            let term = Term::from_field_text(self.field, term.text);
            let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
            terms.push((Occur::Should, Box::new(query)));
        });
        let query = BooleanQuery::new(terms);
        let hits = self
            .searcher
            .search(&query, &TopDocs::with_limit(k).order_by_score())?;
        Ok(hits
            .into_iter()
            .map(|(score, address)| (address.doc_id, score))
            .collect())
    }
}
