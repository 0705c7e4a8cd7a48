use super::*;
use proptest::prelude::*;

fn word_count(text: &str) -> usize {
    PassageLength::words(1).of(text)
}

fn split(syntax: Syntax, limit: usize, text: &str) -> Vec<Passage> {
    split_by(syntax, PassageLength::words(limit), text)
}

fn split_by(syntax: Syntax, length: PassageLength, text: &str) -> Vec<Passage> {
    let mut splitter = Splitter::new(syntax, length);
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        splitter.push(at as u64 + 1, line);
        out.extend(std::iter::from_fn(|| splitter.pop()));
    }
    splitter.finish();
    out.extend(std::iter::from_fn(|| splitter.pop()));
    out
}

fn markdown(limit: usize, text: &str) -> Vec<(String, String, u64)> {
    let passages = split(Syntax::Markdown, limit, text);
    passages
        .into_iter()
        .map(|passage| (passage.title, passage.text, *passage.lines.start()))
        .collect()
}

fn passage(title: &str, text: &str, line: u64) -> (String, String, u64) {
    (title.into(), text.into(), line)
}

#[test]
fn headings_end_passages_and_name_them() {
    let text =
        "intro\n\n# Guide\n\nfirst\n## Install\n\nhow to\n\nmore\n### Linux\napt\n## Use\nrun it\n";
    assert_eq!(
        markdown(180, text),
        [
            passage("", "intro", 1),
            passage("Guide", "first", 5),
            passage("Guide > Install", "how to\n\nmore", 8),
            passage("Guide > Install > Linux", "apt", 12),
            passage("Guide > Use", "run it", 14),
        ]
    );
}

#[test]
fn underlined_headings_and_rules() {
    let text = "Title\n=====\ntext\n\nPart\n---\nmore\n\n---\n\nend\n- item\n---\nlast\n";
    assert_eq!(
        markdown(180, text),
        [
            passage("Title", "text", 3),
            passage("Title > Part", "more\n\nend\n- item\n\nlast", 7),
        ]
    );
}

/// Beginnings of Markdown files: title and text of the first passage.
#[test]
fn front_matter_is_no_text_and_has_the_title() {
    for (text, title, first) in [
        ("---\ntitle: A\n---\ntext", "A", "text"),
        ("---\ntitle: A\n...\n\n## B\ntext", "A > B", "text"),
        ("---\ntitle: A\n---\n# A\ntext", "A", "text"),
        ("---\ntags: [a]\n---\n# B\ntext", "B", "text"),
        ("---\ntitle: 2024\n---\ntext", "2024", "text"),
        ("---\n---\ntext", "", "text"),
        ("---\ntitle: A\n---\n", "", "A"),
        // Rules, with or without an end.
        ("---\ntext\n---\nmore", "text", "more"),
        ("---\ntext: x\n\nmore", "", "text: x\n\nmore"),
        ("\n---\ntitle: A\n---\ntext", "title: A", "text"),
        ("text\n\n---\ntitle: A\n---\n", "", "text"),
    ] {
        let (found, text_found, _) = markdown(180, text).remove(0);
        assert_eq!((&*found, &*text_found), (title, first), "{text}");
    }
}

/// Passages that repeat the end of the one before: words, overlap, and the texts.
/// The front matter of TOML: lines, and the fields and the title that are read.
#[test]
fn front_matter_in_toml_is_read_too() {
    let text = "+++\ntitle = \"A note\" # ours\nauthor='Ann'\ndraft = false\nweight = 3\n\
        date = 2024-01-02\ntags = [\"a\", \"b\"]\nlong = \"\"\"\nx\n\"\"\"\n[extra]\nhidden = 1\n+++\n\ntext\n";
    let mut splitter = Splitter::new(Syntax::Markdown, PassageLength::words(9));
    for (number, line) in (1..).zip(text.lines()) {
        splitter.push(number, line);
    }
    splitter.finish();
    let passage = splitter.pop().unwrap();
    assert_eq!((&*passage.title, &*passage.text), ("A note", "text"));
    assert!(splitter.pop().is_none());
    let fields = serde_json::json!({
        "author": "Ann", "draft": false, "weight": 3, "date": "2024-01-02",
    });
    assert_eq!(Value::Object(splitter.fields().clone()), fields);
    // Without an end it is text, and so is a rule of other marks.
    for text in ["+++\na = 1\ntext", "+++\nwords\n+++\nmore"] {
        let found = markdown(9, text);
        assert!(
            found.iter().all(|(title, ..)| title.is_empty()),
            "{found:?}"
        );
        assert!(!found.is_empty());
    }
}

#[test]
fn passages_repeat_the_end_of_the_one_before() {
    for (syntax, limit, overlap, text, expected) in [
        (
            Syntax::Text,
            6,
            2,
            "a b. c d. e f. g h.",
            &["a b. c d.", "c d. e f. g h."][..],
        ),
        (
            Syntax::Text,
            6,
            2,
            "a b c d\n\ne f g h",
            &["a b c d", "c d\ne f g h"],
        ),
        (
            Syntax::Code,
            6,
            2,
            "a b\nc d\n  e f\ng h\n",
            &["a b", "a b\nc d\n  e f", "  e f\ng h"],
        ),
        // Not across a heading, and not where all fits.
        (
            Syntax::Markdown,
            6,
            2,
            "# A\na b c\n# B\nd e f",
            &["a b c", "d e f"],
        ),
        (Syntax::Text, 6, 2, "a b c d", &["a b c d"]),
        // At most half.
        (
            Syntax::Text,
            4,
            99,
            "a b c d e f",
            &["a b", "a b c d", "c d e f"],
        ),
        // Behind the header of a table, rows.
        (
            Syntax::Markdown,
            22,
            5,
            "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |\n",
            &[
                "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
                "| a | b |\n|---|---|\n| 3 | 4 |\n| 5 | 6 |",
            ],
        ),
    ] {
        let length = PassageLength::words(limit);
        let mut splitter = Splitter::new(syntax, length).overlap(overlap);
        for (number, line) in (1..).zip(text.lines()) {
            splitter.push(number, line);
        }
        splitter.finish();
        let found = std::iter::from_fn(|| splitter.pop());
        let found: Vec<String> = found.map(|passage| passage.text).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_heading_above_nothing_is_kept() {
    assert_eq!(markdown(180, "# Only"), [passage("", "Only", 1)]);
    assert_eq!(
        markdown(180, "# A\n## B\n## C\ntext\n# D\n"),
        [
            passage("A", "B", 2),
            passage("A > C", "text", 4),
            passage("", "D", 5),
        ]
    );
    assert!(markdown(180, "#\n\n").is_empty());
}

#[test]
fn fences_stay_whole_and_hide_headings() {
    let text = "words before it\n\n```sh\n# not a heading\n\nrun\n```\nafter\n";
    assert_eq!(markdown(180, text), [passage("", text.trim_end(), 1)]);
    // Eight words do not take the fence, so it opens the next passage and is not cut.
    assert_eq!(
        markdown(8, text),
        [
            passage("", "words before it", 1),
            passage("", "```sh\n# not a heading\n\nrun\n```\nafter", 3),
        ]
    );
    // An open fence reaches to the end.
    assert_eq!(
        markdown(180, "```\n# a\n\n# b"),
        [passage("", "```\n# a\n\n# b", 1)]
    );
}

#[test]
fn long_blocks_are_cut_with_their_lines_counted() {
    let text = "a b c.\nd e f.\ng h i.\n\nj";
    assert_eq!(
        markdown(4, text),
        [
            passage("", "a b c.", 1),
            passage("", "d e f.", 2),
            passage("", "g h i.\n\nj", 3),
        ]
    );
    let code = "```\nlet a = 1;\n    let b = 2;\nlet c = 3;\n```";
    assert_eq!(
        markdown(5, code),
        [
            passage("", "```\nlet a = 1;", 1),
            passage("", "    let b = 2;", 3),
            passage("", "let c = 3;\n```", 4),
        ]
    );
}

#[test]
fn list_items_and_table_rows_are_kept_whole() {
    let text = "- one two three\n  four\n- five six\n| a b |\n";
    assert_eq!(
        markdown(4, text),
        [
            passage("", "- one two three", 1),
            passage("", "four\n- five six", 2),
            passage("", "| a b |", 4),
        ]
    );
    assert_eq!(markdown(180, text), [passage("", text.trim_end(), 1)]);
}

/// Tables as people write them; every passage of each must begin with its header or hold it.
#[test]
fn the_header_of_a_table_is_in_every_passage_of_it() {
    let rows = |row: &dyn Fn(usize) -> String| (0..50).map(row).collect::<String>();
    let piped = rows(&|n| format!("| name{n} | int | {n} | the width of pane {n} |\n"));
    let bare = rows(&|n| format!("name{n} | int | {n} | the width of pane {n}\n"));
    let linked = rows(&|n| format!("| [name{n}](#a) | `int` | **{n}** | a - b: c |\n"));
    for (header, marks, rows) in [
        (
            "| parameter | type | value | what |",
            "|---|---|---|---|",
            &piped,
        ),
        (
            "| parameter | type | value | what |",
            "| :-- | :-: | --: | --- |",
            &piped,
        ),
        ("parameter | type | value | what", "---|---|---|---", &bare),
        ("| parameter | type | value | what |", "|-|-|-|-|", &linked),
        (
            "  | parameter | type | value | what |",
            "  |---|---|---|---|",
            &piped,
        ),
    ] {
        for (before, after) in [
            ("# Settings\n\n", "\n\nEnd of it.\n"),
            ("Some words\nover two lines\n", "\n## More\ntext\n"),
            ("- an item\n", ""),
        ] {
            let text = format!("{before}{header}\n{marks}\n{rows}{after}");
            let passages = markdown(60, &text);
            let of_table = passages
                .iter()
                .filter(|(_, text, _)| text.contains("pane") || text.contains("(#a)"));
            assert!(of_table.clone().count() > 5, "{text}");
            for (_, text, _) in of_table {
                assert_eq!(text.matches("parameter").count(), 1, "{text}");
                let heading = text.find("parameter").unwrap();
                assert!(text.find("name").is_none_or(|row| heading < row), "{text}");
                assert!(word_count(text) <= 60, "{text}");
            }
            let last = passages.last().unwrap();
            assert!(
                after.is_empty()
                    || !last.1.contains("parameter")
                    || last.1.contains("pane")
                    || last.1.contains("(#a)"),
                "{last:?}"
            );
            for n in 0..50 {
                let row = format!("name{n}");
                let word = |text: &str| {
                    text.split(|c: char| !c.is_alphanumeric())
                        .filter(|w| *w == row)
                        .count()
                };
                let found: usize = passages.iter().map(|(_, text, _)| word(text)).sum();
                assert_eq!(found, 1, "{row}");
            }
        }
    }
}

#[test]
fn rows_that_are_longer_than_a_passage_keep_the_header_too() {
    let long = "word ".repeat(100);
    let passages = markdown(
        20,
        &format!("| a | b |\n|---|---|\n| {long} | x |\n| y | z |\n"),
    );
    assert!(passages.len() > 5);
    assert!(
        passages
            .iter()
            .all(|(_, text, _)| text.starts_with("| a | b |\n|---|---|"))
    );
    // A header that would fill half of each passage is not repeated.
    let header = "| long | words | in | a | header |";
    let passages = markdown(20, &format!("{header}\n|---|---|\n| {long} | x |\n"));
    assert_eq!(
        passages
            .iter()
            .filter(|(_, text, _)| text.contains("header"))
            .count(),
        1
    );
    // Marks without a header above them are no table.
    assert_eq!(
        markdown(180, "|---|---|\n| a | b |"),
        [passage("", "|---|---|\n| a | b |", 1)]
    );
    // Bars in code are no table.
    let code = "```\na | b\n---|---\nc | d\n```";
    assert_eq!(markdown(180, code), [passage("", code, 1)]);
}

/// A model sees more in code than words: with its own count no passage is longer than it reads.
#[test]
fn passages_fit_the_model_whatever_they_hold() {
    // Letters and digits in runs of up to four, and each sign: as word pieces are.
    let pieces = |text: &str| {
        let (mut count, mut run) = (0, 0);
        for char in text.chars() {
            let letter = char.is_alphanumeric();
            count += usize::from(!letter && !char.is_whitespace() || letter && run % 4 == 0);
            run = if letter { run + 1 } else { 0 };
        }
        count
    };
    let line = |n| format!("let value_{n} = compute_{n}(first, second, third);\n");
    let code: String = (0..80).map(line).collect();
    let rows: String = (0..80)
        .map(|n| format!("| `a_{n}` | {n}, {n} | f(x) |\n"))
        .collect();
    let prose = "It's a state-of-the-art (or not?) sentence, isn't it? ".repeat(40);
    let link = format!("https://example.org/{}", "a/b?c=d&".repeat(100));
    for (syntax, text) in [
        (
            Syntax::Markdown,
            format!("# Long code\n\n```rust\n{code}```\n"),
        ),
        (
            Syntax::Markdown,
            format!("# {}\n## B\n\n{code}", "title ".repeat(30)),
        ),
        (
            Syntax::Markdown,
            format!("# {0}\n## {0}\n### last\n\n{prose}", "title ".repeat(20)),
        ),
        (
            Syntax::Markdown,
            format!("| a | b | c |\n|---|---|---|\n{rows}"),
        ),
        (Syntax::Markdown, format!("- {prose}\n- {link}")),
        (Syntax::Text, code.clone()),
        (Syntax::Text, prose),
        (Syntax::Text, link),
        (Syntax::Text, "漢字です。".repeat(200)),
    ] {
        for limit in [48, 180] {
            let length = PassageLength::tokens(limit, std::sync::Arc::new(pieces));
            let passages = split_by(syntax, length, &text);
            for passage in &passages {
                let title = pieces(&passage.title);
                assert!(
                    title + pieces(&passage.text) <= limit,
                    "{limit}: {passage:?}"
                );
            }
            // Nor are they cut to shreds.
            let total: usize = passages.iter().map(|passage| pieces(&passage.text)).sum();
            assert!(
                passages.len() <= 2 + total * 3 / limit,
                "{limit}: {}",
                passages.len()
            );
            // Lines of code are never cut in two.
            for passage in passages
                .iter()
                .filter(|passage| passage.text.contains("compute_"))
            {
                assert_eq!(
                    passage.text.matches("let value").count(),
                    passage.text.matches("third);").count()
                );
            }
        }
    }
}

/// A word may have more tokens than its parts on their own.
#[test]
fn passages_fit_the_model_whatever_it_counts() {
    let tokens = |text: &str| -> usize {
        let count = |word: &str| if word.len() <= 16 { 1 } else { word.len() };
        text.split_whitespace().map(count).sum()
    };
    let text = format!("{} ", "x".repeat(17)).repeat(50);
    for syntax in [Syntax::Text, Syntax::Markdown, Syntax::Code] {
        let length = PassageLength::tokens(40, std::sync::Arc::new(tokens));
        let passages = split_by(syntax, length, &text);
        assert!(passages.iter().all(|passage| tokens(&passage.text) <= 40));
        assert!(passages.len() < 50, "{}", passages.len());
    }
}

#[test]
fn plain_text_knows_no_markdown() {
    let passages = split(Syntax::Text, 6, "# one\ntwo\n\n```\nthree\n\nfour five");
    let texts: Vec<_> = passages
        .iter()
        .map(|passage| (passage.text.as_str(), *passage.lines.start()))
        .collect();
    assert_eq!(texts, [("# one\ntwo\n\n```\nthree", 1), ("four five", 7)]);
    assert!(split(Syntax::Text, 180, "\n \n\t\n").is_empty());
}

#[test]
fn one_huge_line_takes_linear_time() {
    let line = "word ".repeat(1 << 20);
    let passages = split(Syntax::Text, 180, &line);
    assert_eq!(passages.len(), (1usize << 20).div_ceil(180));
    let run = "x".repeat(1 << 22);
    assert_eq!(
        split(Syntax::Text, 180, &run)
            .iter()
            .map(|passage| passage.text.len())
            .sum::<usize>(),
        run.len()
    );
}

#[test]
fn blank_space_is_bounded() {
    let text = format!("```\n{}x\n```", "\n".repeat(200_000));
    assert!(
        split(Syntax::Markdown, 180, &text)
            .iter()
            .all(|passage| passage.text.len() < 20_000)
    );
    let passages = split(Syntax::Text, 180, &format!("a{}b", " ".repeat(1 << 20)));
    assert!(passages.iter().all(|passage| passage.text.len() < 20_000));
    let long = "long ".repeat(50);
    assert_eq!(markdown(180, &format!("# {long}\ntext"))[0].0, "");
}

proptest! {
    /// Whatever the lines are, no text is lost, doubled or moved, and no passage is too long.
    #[test]
    fn nothing_is_lost(lines in prop::collection::vec("[-a-zA-Z#`|.é漢 ]{0,24}", 0..40), limit in 1usize..20) {
        let text = lines.join("\n");
        let visible = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
        let passages = split(Syntax::Text, limit, &text);
        let joined: String = passages.iter().map(|passage| visible(&passage.text)).collect();
        prop_assert_eq!(joined, visible(&text));
        for passage in split(Syntax::Markdown, limit, &text).iter().chain(&passages) {
            let line = *passage.lines.start() as usize;
            let heading = line <= lines.len() && lines[line - 1].contains('#');
            prop_assert!(word_count(&passage.text) <= limit || heading, "{:?}", passage);
            prop_assert!(!passage.text.trim().is_empty());
        }
    }
}

/// Source code and where it is cut: the first line of each passage.
#[test]
fn code_is_cut_at_declarations() {
    let body = |words: usize| "    do it;\n".repeat(words / 2);
    let rust = |n: usize| format!("/// Says {n}.\nfn f{n}() {{\n{}}}\n", body(20));
    let python = |n: usize| format!("def f{n}():\n{}\n    return {n}\n", body(20));
    let method = |n: usize| {
        let lines = rust(n);
        let lines = lines.lines().map(|line| format!("    {line}\n"));
        lines.collect::<String>()
    };
    for (text, limit, begins) in [
        // Small ones are joined, and none is cut.
        (
            [rust(1), rust(2), rust(3)].join("\n"),
            60,
            &["/// Says 1.", "/// Says 3."][..],
        ),
        // One that fits whole is not cut though there is room for half of it.
        (
            [rust(1), rust(2)].join("\n"),
            40,
            &["/// Says 1.", "/// Says 2."],
        ),
        (
            [python(1), python(2)].join("\n\n"),
            40,
            &["def f1():", "def f2():"],
        ),
        // Without anything at the least indentation, what is indented least.
        (
            format!("class A {{\n{}}}\n", [method(1), method(2)].join("\n")),
            40,
            &["class A {", "    /// Says 2."],
        ),
        // A blank line is better than none.
        (
            format!("fn f() {{\n{}\n{}}}\n", body(20), body(20)),
            32,
            &["fn f() {", "    do it;"],
        ),
    ] {
        let passages = split(Syntax::Code, limit, &text);
        let first = passages
            .iter()
            .map(|passage| passage.text.lines().next().unwrap());
        assert_eq!(first.collect::<Vec<_>>(), begins, "{text}");
        let lines: Vec<&str> = text.lines().collect();
        for Passage {
            text, lines: range, ..
        } in &passages
        {
            let stands = &lines[*range.start() as usize - 1..*range.end() as usize];
            assert_eq!(text, &stands.join("\n"));
            assert!(word_count(text) <= limit);
        }
    }
}

proptest! {
    /// The lines of a passage are those that its words stand in.
    #[test]
    fn passages_know_their_lines(lines in prop::collection::vec("[-a-z#|. ]{0,24}", 0..40), limit in 2usize..20) {
        for (syntax, overlap) in [(Syntax::Text, 0), (Syntax::Code, 0), (Syntax::Text, 3), (Syntax::Code, 3)] {
            let mut splitter = Splitter::new(syntax, PassageLength::words(limit)).overlap(overlap);
            for (number, line) in (1..).zip(&lines) {
                splitter.push(number, line);
            }
            splitter.finish();
            let mut next = 1;
            while let Some(passage) = splitter.pop() {
                prop_assert!(word_count(&passage.text) <= limit, "{:?}", passage);
                let (first, last) = (*passage.lines.start() as usize, *passage.lines.end() as usize);
                prop_assert!((next <= first || overlap > 0) && first <= last && last <= lines.len(), "{:?}", passage);
                next = last;
                let stands = lines[first - 1..last].join("\n");
                for word in passage.text.split_whitespace() {
                    prop_assert!(stands.contains(word), "{:?} {}", passage, stands);
                }
            }
        }
    }
}
