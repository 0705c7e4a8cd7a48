//! Words of any text, and queries for them.

use colidx_lexical::{
    Analyzer, MemoryScratch, MemorySections, Options, Query, Search, Segment, Writer,
    without_syntax,
};

/// A byte chooses the analyzer; then come the query and the documents, each up to a zero.
pub fn lexical(data: &[u8]) {
    let Some((&which, text)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    let names: Vec<&str> = Analyzer::names().collect();
    let name = names[usize::from(which) % names.len()];
    let analyzer = Analyzer::by_name(name).expect("it is a name of one");
    let mut texts = text.split('\0');
    let query = texts.next().unwrap_or_default();
    let documents: Vec<&str> = texts.collect();

    let mut writer = Writer::new(analyzer, Options::default(), MemoryScratch);
    for document in &documents {
        let (title, text) = document.split_once('\n').unwrap_or(("", document));
        writer.push(title, text).expect("memory is enough");
        analyzer.analyze(text, |term| {
            assert!(!term.text.is_empty());
            assert!(text.get(term.bytes).is_some(), "a word is whole letters");
        });
    }
    let mut sections = MemorySections::default();
    writer.finish(&mut sections).expect("memory is enough");
    let reader = sections.reader().expect("it was written");
    reader.verify().expect("it was written");

    let segments = [Segment {
        reader: &reader,
        live: reader.live(&[]),
        hidden: &[],
    }];
    let of_words = Query::words(&without_syntax(query), &analyzer);
    for query in [Query::parse(query, &analyzer), of_words] {
        let Ok(query) = query else { continue };
        let search = Search::new(&segments, &query).expect("it was written");
        let all = search.top_k(documents.len()).expect("it was written");
        let best = search.top_k(1).expect("it was written");
        assert_eq!(best.first(), all.first());
        assert!(all.is_sorted_by(|a, b| a.score >= b.score));
        for hit in &all {
            assert!(hit.score > 0.0 && hit.score <= search.most());
            let explained = search.explain(0, hit.document).expect("it was written");
            let sum = explained.iter().fold(0.0, |sum, term| sum + term.score);
            assert_eq!(sum, hit.score);
            let mut seen = false;
            let document = documents[hit.document as usize];
            query.matches(document, &analyzer, |_, _| seen = true);
            assert!(
                seen || document.contains('\n'),
                "a hit has a word of the query"
            );
        }
    }
}
