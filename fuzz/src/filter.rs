//! Filters of any text and of any JSON, over a good index.

use std::sync::LazyLock;

use colidx_core::filter::Filter;
use colidx_core::{Error, Index, SearchOptions, WordQuery};

use crate::index::good;

/// What a filter is made of: SQL, or JSON where that is what it is.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Filter::parse(text) {
        Ok(filter) => used(&filter),
        Err(error) => shown(&error.with_text(text)),
    }
    if let Ok(json) = serde_json::from_str(text) {
        match Filter::from_json(&json) {
            Ok(filter) => used(&filter),
            Err(error) => shown(&error),
        }
    }
}

/// An error has a message, and it is no longer than its causes let it be.
fn shown(error: &dyn std::error::Error) {
    let message = error.to_string();
    assert!(!message.is_empty());
}

/// It means the same however it is written, and matches or is refused as one that does not fit.
fn used(filter: &Filter) {
    static INDEX: LazyLock<Index> = LazyLock::new(good);
    let text = filter.to_string();
    let again = Filter::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(again, *filter, "{text}");
    let again = Filter::from_json(&filter.to_json()).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(again, *filter, "{text}");
    let opposite = Filter::Not(Box::new(filter.clone()));
    match (INDEX.matching(filter), INDEX.matching(&opposite)) {
        (Ok(found), Ok(others)) => {
            assert_eq!(found.len() + others.len(), INDEX.num_documents(), "{text}");
            assert!(
                found
                    .and(&others)
                    .expect("they are of one state")
                    .is_empty()
            );
            let options = SearchOptions::default().k(100).filter(filter.clone());
            let query = WordQuery::words("text");
            let hits = INDEX
                .search_words(&query, &options)
                .expect("it matched before")
                .hits;
            assert!(hits.iter().all(|hit| found.contains(hit.doc)), "{text}");
        }
        // The opposite may be one level too deep.
        (Ok(_) | Err(Error::Filter(_)), Err(Error::Filter(_))) => {}
        (found, others) => panic!("{text}: {found:?}, {others:?}"),
    }
}
