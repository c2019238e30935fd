//! What a request may ask for at most, checked before anything runs.

use std::collections::HashSet;

use async_graphql::{
    Name, Request, ServerError, Value,
    parser::types::{DocumentOperations, ExecutableDocument, OperationType, Selection, SelectionSet},
};

use crate::{introspecting, problem::Problem};

/// Levels of fields.
pub const DEPTH_MAX: usize = 10;
/// Fields, those in lists counted as often as the list may be long.
pub const COMPLEXITY_MAX: usize = 1_000;
/// Directives on one field.
pub const DIRECTIVES_MAX: usize = 5;
/// Aliases in one document.
pub const ALIASES_MAX: usize = 15;
/// Fields at the top of one operation, fragments spread.
pub const ROOT_FIELDS_MAX: usize = 20;
/// Lexical tokens in one document.
pub const TOKENS_MAX: usize = 2_000;
/// Selection sets within each other.
pub(crate) const NESTING_MAX: usize = 32;
/// Rows of one list.
pub const PAGE_MAX: i32 = 100;

/// What kind of request it is, as far as limits tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary,
    /// Every field at the top asks about the schema itself.
    Introspection,
}

/// Parses the document and refuses what asks for too much.
pub(crate) fn check(request: &mut Request) -> Result<Kind, ServerError> {
    at_most("tokens", tokens(&request.query, TOKENS_MAX + 1), TOKENS_MAX)?;
    if has_nul(&request.query) || request.variables.values().any(nul_within) {
        return Err(ServerError::new("a text holds no NUL (U+0000)", None));
    }
    let document = request.parsed_query()?;
    let aliases: usize = document
        .operations
        .iter()
        .map(|(_, operation)| &operation.node.selection_set.node)
        .chain(document.fragments.values().map(|fragment| &fragment.node.selection_set.node))
        .map(aliases)
        .sum();
    at_most("aliases", aliases, ALIASES_MAX)?;
    let mut introspection = true;
    for (_, operation) in document.operations.iter() {
        let mut roots = Vec::new();
        root_fields(document, &operation.node.selection_set.node, &mut HashSet::new(), &mut roots);
        at_most("fields at the top", roots.len(), ROOT_FIELDS_MAX)?;
        introspection &= roots.iter().all(|name| matches!(name.as_str(), "__schema" | "__type" | "__typename"));
    }
    if introspection && introspecting::results(document) > introspecting::RESULTS_MAX {
        return Err(ServerError::new("a question about the schema asks for too much at once", None));
    }
    Ok(if introspection { Kind::Introspection } else { Kind::Ordinary })
}

/// Whether a text in the document has a NUL, as itself or escaped: no database keeps one in a text.
fn has_nul(query: &str) -> bool {
    query.contains('\0') || query.contains("\\u0000")
}

fn nul_within(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::List(values) => values.iter().any(nul_within),
        Value::Object(fields) => fields.values().any(nul_within),
        _ => false,
    }
}

/// What kind of operation the request runs; `None` when it cannot be read or names none.
pub(crate) fn operation(request: &mut Request) -> Option<OperationType> {
    at_most("tokens", tokens(&request.query, TOKENS_MAX + 1), TOKENS_MAX).ok()?;
    let name = request.operation_name.clone();
    let operation = match (&request.parsed_query().ok()?.operations, name) {
        (DocumentOperations::Single(operation), None) => operation,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name.as_str())?,
        // One of several without a name: validation refuses it. A named one alone: async-graphql runs nothing.
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next()?,
        (DocumentOperations::Multiple(_), None) | (DocumentOperations::Single(_), Some(_)) => return None,
    };
    Some(operation.node.ty)
}

/// Rows of a list, as asked or by default.
pub(crate) fn page(asked: Option<i32>, default: i32) -> Result<usize, Problem> {
    match asked.unwrap_or(default) {
        rows @ 1..=PAGE_MAX => Ok(rows.unsigned_abs() as usize),
        _ => Err(Problem::Invalid(format!("a list has 1 to {PAGE_MAX} rows"))),
    }
}

/// What a list costs: its rows, each with what is in it.
pub(crate) fn cost(asked: Option<i32>, default: i32, each: usize) -> usize {
    asked.unwrap_or(default).clamp(1, PAGE_MAX).unsigned_abs() as usize * each
}

fn at_most(what: &str, found: usize, limit: usize) -> Result<(), ServerError> {
    if found <= limit { Ok(()) } else { Err(ServerError::new(format!("a request has at most {limit} {what}"), None)) }
}

fn aliases(set: &SelectionSet) -> usize {
    set.items
        .iter()
        .map(|item| match &item.node {
            Selection::Field(field) => {
                usize::from(field.node.alias.is_some()) + aliases(&field.node.selection_set.node)
            }
            Selection::InlineFragment(fragment) => aliases(&fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => 0,
        })
        .sum()
}

/// Each fragment counts once: a cycle ends, and validation refuses it later.
fn root_fields<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    spread: &mut HashSet<&'a Name>,
    found: &mut Vec<&'a Name>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => found.push(&field.node.name.node),
            Selection::InlineFragment(fragment) => {
                root_fields(document, &fragment.node.selection_set.node, spread, found);
            }
            Selection::FragmentSpread(fragment) => {
                let name = &fragment.node.fragment_name.node;
                if let Some(fragment) = document.fragments.get(name).filter(|_| spread.insert(name)) {
                    root_fields(document, &fragment.node.selection_set.node, spread, found);
                }
            }
        }
    }
}

/// Lexical tokens (GraphQL specification, section 2.1.6), counted up to `stop`.
fn tokens(query: &str, stop: usize) -> usize {
    let bytes = query.as_bytes();
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() && count < stop {
        match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xEF | 0xBB | 0xBF => at += 1,
            b'#' => at += bytes[at..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count(),
            byte => {
                at += match byte {
                    b'"' => string(&bytes[at..]),
                    _ if is_word(byte) => bytes[at..].iter().take_while(|byte| is_word(**byte)).count(),
                    b'.' => bytes[at..].iter().take(3).take_while(|byte| **byte == b'.').count(),
                    _ => 1,
                };
                count += 1;
            }
        }
    }
    count
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte == b'+'
}

/// The length of the string that starts here, to the end of the text if it has no end.
fn string(text: &[u8]) -> usize {
    let quote: &[u8] = if text.starts_with(b"\"\"\"") { b"\"\"\"" } else { b"\"" };
    if quote.len() == 1 && text.get(1) == Some(&b'"') {
        return 2;
    }
    let mut at = quote.len();
    while at < text.len() {
        if text[at] == b'\\' {
            at += 2;
        } else if text[at..].starts_with(quote) {
            return at + quote.len();
        } else {
            at += 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_as_the_specification_counts_them() {
        let check = |text: &str, count: usize| assert_eq!(tokens(text, 100), count, "{text}");
        check("", 0);
        check("{ me { id } }", 6);
        check("{me{id}} # a comment { x }", 6);
        check("query($a: Int = -12) { x(s: \"a { b \\\" c\") ...F }", 19);
        check("{ x(s: \"\"\"a \" { b\"\"\") }", 8);
        check("{ x(s: \"\") , y }", 9);
        check("\"never ends", 1);
    }

    #[test]
    fn counting_stops_early() {
        assert_eq!(tokens(&"{ ".repeat(1_000_000), 10), 10);
    }
}
