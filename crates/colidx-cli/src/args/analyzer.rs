//! How text is divided into words, for commands that write an index.

use clap::Args;
use colidx::Analyzer;

/// Flags about the words of an index.
#[derive(Debug, Clone, Args)]
pub struct AnalyzerArgs {
    /// How text is divided into words for --lexical and --hybrid: english, plain (any language),
    /// code, or a language such as german.
    #[arg(long, value_name = "NAME", value_parser = parse)]
    pub analyzer: Option<Analyzer>,

    /// Store no words: the index can be searched by vectors only.
    #[arg(long, conflicts_with = "analyzer")]
    pub no_lexical: bool,
}

impl AnalyzerArgs {
    /// What a new index gets.
    pub fn of_new(&self) -> Option<Analyzer> {
        let analyzer = self.analyzer.or_else(|| Analyzer::by_name("english").ok());
        analyzer.filter(|_| !self.no_lexical)
    }

    /// What an index that is there is to get, if the flags say anything.
    pub fn change(&self) -> Option<Option<Analyzer>> {
        match (self.analyzer, self.no_lexical) {
            (Some(analyzer), _) => Some(Some(analyzer)),
            (None, true) => Some(None),
            (None, false) => None,
        }
    }
}

fn parse(name: &str) -> Result<Analyzer, String> {
    Analyzer::by_name(name).map_err(|error| error.to_string())
}
