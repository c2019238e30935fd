//! What a question about the schema itself may have as an answer. Its types lead back to themselves, a type's fields have
//! types that have fields, so a short document can ask for more than there is memory: results are estimated before anything
//! runs, lists by the length they may have here, fragments as often as they are spread.

use std::collections::HashMap;

use async_graphql::{
    Name,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Results of one document. Tools ask in one question for something over a million, as estimated.
pub(crate) const RESULTS_MAX: u64 = 1_500_000;

/// Results of the document's dearest operation, at most [`u64::MAX`].
pub(crate) fn results(document: &ExecutableDocument) -> u64 {
    let mut known = HashMap::new();
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    operations.map(|set| of(document, set, &mut known)).max().unwrap_or(0)
}

fn of<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, known: &mut HashMap<&'a Name, u64>) -> u64 {
    set.items.iter().fold(0, |sum: u64, item| {
        sum.saturating_add(match &item.node {
            Selection::Field(field) => {
                let inside = of(document, &field.node.selection_set.node, known);
                rows(field.node.name.node.as_str()).saturating_mul(inside).saturating_add(1)
            }
            Selection::InlineFragment(fragment) => of(document, &fragment.node.selection_set.node, known),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                match (known.get(name), document.fragments.get(name)) {
                    (Some(results), _) => *results,
                    (None, Some(fragment)) => {
                        // Spread within itself it counts as nothing: validation refuses it.
                        known.insert(name, 0);
                        let results = of(document, &fragment.node.selection_set.node, known);
                        known.insert(name, results);
                        results
                    }
                    (None, None) => 0,
                }
            }
        })
    })
}

/// Rows that a field of the introspection types may have here.
fn rows(field: &str) -> u64 {
    match field {
        "types" => 400,
        "enumValues" | "possibleTypes" => 16,
        "fields" => 12,
        "inputFields" | "directives" => 8,
        "args" | "interfaces" => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn estimated(document: &str) -> u64 {
        results(&parse_query(document).unwrap())
    }

    #[test]
    fn lists_and_fragments_count_as_often_as_they_come() {
        assert_eq!(estimated("{ __schema { types { name } } }"), 402);
        assert_eq!(estimated("{ a: __typename b: __typename }"), 2);
        assert_eq!(estimated("{ __type(name: \"A\") { ...F ...F } } fragment F on __Type { fields { name } }"), 27);
        assert_eq!(estimated("query A { __typename } query B { __schema { types { name } } }"), 402);
        assert_eq!(estimated("{ ...F } fragment F on Query { __typename ...F }"), 1, "no end");
    }

    #[test]
    fn what_grows_with_every_level_ends_at_the_largest_number() {
        let (mut document, mut nested) = ("{ __schema { types { ...F0 } } }".to_owned(), 0);
        while nested < 40 {
            let next = nested + 1;
            let spread = format!("fields {{ type {{ ...F{next} }} }} ").repeat(3);
            document.push_str(&format!("fragment F{nested} on __Type {{ {spread} }} "));
            nested = next;
        }
        document.push_str(&format!("fragment F{nested} on __Type {{ name }}"));
        assert_eq!(estimated(&document), u64::MAX);
    }
}
