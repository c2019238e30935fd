//! SQL: values travel as bound parameters. Text is put into a statement only where it is a constant, or a word of our own
//! that is named here with the reason.

use crate::repository::{File, files};

/// Placeholders inside SQL that are no constants: file, placeholder, and whose word it is. This list only shrinks: an
/// entry that is not needed any more fails.
const WORDS: &[(&str, &str, &str)] = &[
    ("migrations/src/cluster.rs", "quoted", "the private database's own name, which no parameter can hold; quoted"),
    ("migrations/src/testing.rs", "draft", "a database of the tests, named by their own code"),
    ("migrations/src/testing.rs", "name", "a database of the tests, named by their own code"),
    ("migrations/src/testing.rs", "template", "a database of the tests, named by their own code"),
    ("projections/src/activity/query.rs", "order", "one of two words of the same function"),
    ("projections/src/audit.rs", "compare", "one of two words of the same function"),
    ("projections/src/audit.rs", "order", "one of two words of the same function"),
    ("projections/src/channels.rs", "column", "a column by a text of this file: its type is a text of the program"),
    ("projections/src/library.rs", "beyond", "one of two words of the same function"),
    ("projections/src/library.rs", "key", "one of the orders of the same function"),
    ("projections/src/library.rs", "of_cursor", "one of the orders of the same function"),
    ("projections/src/library.rs", "way", "one of two words of the same function"),
    ("projections/src/member_page.rs", "condition", "a text of the program for each of the lists of members"),
    ("projections/src/messages.rs", "set", "a column by a text of this file: its type is a text of the program"),
    ("projections/src/rebuild.rs", "", "sums over the tables that a projection names"),
    ("projections/src/rebuild.rs", "key", "the order that a projection names for its own table"),
    ("projections/src/rebuild.rs", "name", "a table that a projection names as its own"),
    ("projections/src/rebuild.rs", "schema", "the schema's name as the database quotes it"),
    (
        "projections/src/videos/library.rs",
        "column",
        "a column by a text of this file: its type is a text of the program",
    ),
    ("projections/src/videos/library.rs", "what", "a column by a text of this file: its type is a text of the program"),
];
/// Statements that are handed over by a variable of another name or function: file, what is handed over, and where it
/// comes from.
const HANDED: &[(&str, &str, &str)] =
    &[("projections/src/audit.rs", "at", "a function of the same function, which gives one of two statements")];

/// What a statement of SQL, or a part of one, is told by.
const TELLING: [&str; 16] = [
    "SELECT ",
    "INSERT INTO",
    "UPDATE ",
    "DELETE FROM",
    " WHERE ",
    "ORDER BY",
    " JOIN ",
    "CREATE ",
    "DROP ",
    "ALTER ",
    "TRUNCATE ",
    "GRANT ",
    "EXPLAIN ",
    "COPY ",
    " FROM ",
    "RETURNING ",
];
/// What makes text out of parts.
const MAKING: [&str; 4] = ["format!(", "format_args!(", "write!(", "writeln!("];
/// What takes a statement.
const TAKING: [&str; 7] =
    ["query(", "query_as(", "query_scalar(", "query_with(", "raw_sql(", "QueryBuilder::new(", "AssertSqlSafe("];

/// A text in Rust code: the line it begins on, what stands before and after it, and itself.
struct Text<'a> {
    line: usize,
    before: &'a str,
    text: &'a str,
    after: &'a str,
}

/// The string literals of Rust code, as written.
fn texts(code: &str) -> Vec<Text<'_>> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &code[at..];
        match bytes[at] {
            b'/' if rest.starts_with("//") => at += rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => at += rest.find("*/").map_or(rest.len(), |end| end + 2),
            b'\'' => at += character(rest),
            b'r' if hashes(rest).is_some() && !word_before(bytes, at) => {
                let marks = hashes(rest).unwrap_or_default();
                let (begin, end) = (at + marks + 2, format!("\"{}", "#".repeat(marks)));
                let long = code[begin..].find(&end).unwrap_or(code.len() - begin);
                found.push(text(code, at, begin, begin + long));
                at = begin + long + end.len();
            }
            b'"' => {
                let long = quoted(&bytes[at + 1..]);
                found.push(text(code, at, at + 1, at + 1 + long));
                at += long + 2;
            }
            _ => at += 1,
        }
        while at < bytes.len() && !code.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

fn text(code: &str, mark: usize, begin: usize, end: usize) -> Text<'_> {
    let line = code[..mark].matches('\n').count() + 1;
    let after = code.get(end..).unwrap_or_default().trim_start_matches(['"', '#']).trim_start();
    Text { line, before: code[..mark].trim_end(), text: &code[begin..end], after }
}

/// Bytes of a character literal, or one for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(1, |end| end.max(1) + 3),
        Some(_) => chars.next().filter(|(_, end)| *end == '\'').map_or(1, |(at, _)| at + 1),
        None => 1,
    }
}

/// Marks of a raw text that begins here.
fn hashes(rest: &str) -> Option<usize> {
    let marks = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    (rest.as_bytes().get(1 + marks) == Some(&b'"')).then_some(marks)
}

fn word_before(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

/// Bytes up to the closing mark.
fn quoted(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

fn is_sql(text: &str) -> bool {
    TELLING.iter().any(|word| text.contains(word))
}

/// A name in capitals, or a path to one: a constant.
fn is_constant(name: &str) -> bool {
    let last = name.rsplit("::").next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What is put into a text by `{…}`: names, and nothing for `{}`.
fn placeholders(text: &str) -> Vec<&str> {
    let text = text.split("{{").flat_map(|part| part.split("}}"));
    let parts = text.flat_map(|part| part.split('{').skip(1));
    parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name.split(':').next().unwrap_or_default()).collect()
}

/// Code that ships and may hold SQL.
fn shipped(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.is_rust() && !file.is_test())
}

/// File and placeholder, of every word that is put into SQL and is no constant.
fn words(files: &[File]) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for file in shipped(files) {
        for text in texts(file.shipped()).iter().filter(|text| is_sql(text.text)) {
            // The macro's name stands just before; a writer may stand between.
            let near = text.before.rsplit([';', '{', '}']).next().unwrap_or_default();
            if MAKING.iter().any(|macro_| near.ends_with(macro_) || (macro_.starts_with('w') && near.contains(macro_)))
            {
                found.extend(
                    placeholders(text.text)
                        .into_iter()
                        .filter(|name| !is_constant(name))
                        .map(|name| (file.path.as_str(), name)),
                );
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// `file:line` of SQL that is made longer: `"…".to_owned()` and the like, or joined by `+` or `concat`.
fn grown(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in shipped(files) {
        for text in
            texts(file.shipped()).iter().filter(|text| is_sql(text.text) && text.text.contains(char::is_lowercase))
        {
            let owned = [".to_owned()", ".to_string()", ".into()", "+ "].iter().any(|end| text.after.starts_with(end));
            let pushed =
                ["String::from(", ".push_str(", "[", "concat!("].iter().any(|begin| text.before.ends_with(begin));
            if owned || (pushed && text.after.starts_with(')')) {
                found.push(format!("{}:{}", file.path, text.line));
            }
        }
    }
    found
}

/// File and argument, of every statement handed over that is neither a text, nor a constant, nor a variable that is given
/// one of those where it is made.
fn handed(files: &[File]) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for file in shipped(files).filter(|file| file.text.contains("sqlx")) {
        let code = file.shipped();
        let builds = code.contains("QueryBuilder");
        for taking in TAKING.iter().copied().chain(builds.then_some(".push(")) {
            for (at, _) in code.match_indices(taking) {
                let line = code[..at].rsplit('\n').next().unwrap_or_default();
                let before = &line[line.len().saturating_sub(60)..];
                let ours = taking == ".push("
                    || taking.starts_with(|first: char| first.is_uppercase())
                    || before.ends_with("sqlx::");
                if ours && !line.trim_start().starts_with("//") {
                    found.extend(
                        argument(code, &code[at + taking.len()..]).map(|argument| (file.path.as_str(), argument)),
                    );
                }
            }
            let typed = format!("{}::<", taking.trim_end_matches('('));
            for (at, _) in code.match_indices(&typed).filter(|_| taking.starts_with("query")) {
                if let Some((_, rest)) = code[at..].split_once(">(") {
                    found.extend(argument(code, rest).map(|argument| (file.path.as_str(), argument)));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What is handed over, if nothing here shows that it is a text.
fn argument<'a>(code: &str, rest: &'a str) -> Option<&'a str> {
    let rest = rest.trim_start();
    let bare = rest.trim_start_matches('&');
    if bare.starts_with('"') || bare.starts_with("r\"") || bare.starts_with("r#\"") || bare.starts_with("format!(") {
        return None;
    }
    let end = bare.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).unwrap_or(bare.len());
    let name = &bare[..end];
    let binding = format!("let {name}");
    let is_made = code.match_indices(&binding).any(|(at, _)| {
        let after = &code[at + binding.len()..];
        // A type may stand between.
        let value =
            after.split_once('=').filter(|(kind, _)| kind.len() < 20).map_or("", |(_, value)| value.trim_start());
        ["\"", "r\"", "r#\"", "format!("].iter().any(|begin| value.starts_with(begin))
    });
    (!is_constant(name) && !is_made).then_some(name)
}

#[test]
fn values_are_bound_and_not_written_into_sql() {
    let allowed: Vec<(&str, &str)> = WORDS.iter().map(|(path, name, _)| (*path, *name)).collect();
    assert_eq!(words(files()), allowed, "words inside SQL, against the list");
    assert_eq!(grown(files()), Vec::<String>::new(), "SQL that is made longer");
}

#[test]
fn statements_are_texts_where_they_are_handed_over() {
    let allowed: Vec<(&str, &str)> = HANDED.iter().map(|(path, name, _)| (*path, *name)).collect();
    assert_eq!(handed(files()), allowed, "statements by other names, against the list");
}

#[test]
fn every_exception_says_whose_word_it_is() {
    assert!(WORDS.iter().chain(HANDED).all(|(_, _, why)| why.len() > 20), "a reason is a sentence");
}

#[test]
fn a_value_inside_sql_is_found() {
    let text = "const C: &str = \"a, b\";\nfn f() {\n    let sql = format!(\"SELECT {C} FROM t WHERE name = '{name}'\");\n    \
                sqlx::query(&sql);\n    let c = '\"'; // format!(\"SELECT {x} \")\n    write!(out, \"DELETE FROM {}\", table);\n    \
                format!(\"{greeting}, SELECT\");\n    sqlx::query(\"SELECT '{a}' \");\n}\n#[cfg(test)]\nmod t {\n    \
                fn g() { format!(\"SELECT {y} \"); }\n}\n";
    let read = [File::new("a/src/a.rs", text), File::new("a/tests/it/a.rs", text)];
    assert_eq!(words(&read), [("a/src/a.rs", ""), ("a/src/a.rs", "name")]);
}

#[test]
fn sql_that_grows_is_found() {
    let text = "fn f() {\n    let a = \"SELECT x FROM t WHERE n = '\".to_owned() + name;\n    b.push_str(\" ORDER BY n\");\n    \
                let c = \"nothing\".to_owned();\n    sqlx::query(\"SELECT x FROM t\");\n}\n";
    assert_eq!(grown(&[File::new("a/src/a.rs", text)]), ["a/src/a.rs:2", "a/src/a.rs:3"]);
}

#[test]
fn a_statement_from_elsewhere_is_found() {
    let text = "use sqlx::QueryBuilder;\nfn f(told: &str) {\n    sqlx::query(told);\n    let kept = \"SELECT 1\";\n    \
                sqlx::query(kept);\n    sqlx::query_as::<_, (i64,)>(sql::HEAD);\n    sqlx::query_scalar::<_, i64>(&made());\n    \
                let mut query = QueryBuilder::new(\"SELECT \");\n    query.push(r#\"x\"#).push(asked);\n}\n";
    assert_eq!(
        handed(&[File::new("a/src/a.rs", text)]),
        [("a/src/a.rs", "asked"), ("a/src/a.rs", "made"), ("a/src/a.rs", "told")]
    );
}
