//! Every example of the guide is a filter.

use colidx_metadata::Filter;

const GUIDE: &str = include_str!("../../../docs/guide/filters.md");

/// Blocks of a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    let blocks: Vec<_> = GUIDE.split(&fence).skip(1).collect();
    blocks
        .into_iter()
        .filter_map(|rest| rest.split("```").next())
}

#[test]
fn its_sql_is_read() {
    let lines: Vec<&str> = blocks("sql").flat_map(str::lines).collect();
    assert_eq!(lines.len(), 6);
    let command = GUIDE
        .lines()
        .find_map(|line| line.trim().strip_prefix("--filter "));
    let command = command.map(|line| line.trim_matches('"'));
    // Examples of tables, which are the code with more than one word.
    let rows = GUIDE.lines().filter(|line| line.starts_with('|'));
    let code = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let examples: Vec<&str> = code
        .filter(|code| code.contains(' ') && !code.contains('{'))
        .collect();
    assert!(examples.len() > 15, "{examples:?}");
    for text in lines.into_iter().chain(command).chain(examples) {
        let filter = Filter::parse(text);
        assert!(filter.is_ok(), "{text}\n{filter:?}");
    }
}

#[test]
fn its_json_is_its_first_filter() {
    let json: Vec<_> = blocks("json").collect();
    let [json] = json[..] else { panic!("{json:?}") };
    let filter = Filter::from_json(&serde_json::from_str(json).unwrap());
    let expected = "lang = 'en' AND year BETWEEN 2019 AND 2024 AND NOT draft";
    assert_eq!(filter, Filter::parse(expected));
}
