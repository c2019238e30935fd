//! The schema keeps its own conventions: everything is described, inputs are inputs, pages are pages.

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition},
};

use crate::app::App;

/// The built-in scalars describe themselves.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

fn named(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => named(inner),
    }
}

fn field(found: &mut Vec<String>, owner: &str, field: &FieldDefinition) {
    let (name, answer) = (field.name.node.as_str(), &field.ty.node);
    if field.description.is_none() {
        found.push(format!("{owner}.{name} is not described"));
    }
    let arguments: Vec<&str> = field.arguments.iter().map(|argument| argument.node.name.node.as_str()).collect();
    if owner == "Mutation" {
        let input = field.arguments.first().map(|argument| &argument.node.ty.node);
        let takes = input.is_some_and(|input| !input.nullable && named(input).ends_with("Input"));
        if !(arguments.is_empty() || arguments == ["input"] && takes) {
            found.push(format!("{owner}.{name} takes {arguments:?}, not one input"));
        }
        if !answer.nullable {
            found.push(format!("{owner}.{name} cannot be null, so its fault would take the whole answer with it"));
        }
    }
    if named(answer).ends_with("Page") && !["first", "last", "count"].iter().any(|rows| arguments.contains(rows)) {
        found.push(format!("{owner}.{name} is a page of any size"));
    }
}

/// Every breach of a convention in this document.
fn breaches(document: &ServiceDocument) -> Vec<String> {
    let mut found = Vec::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let (name, definition) = (definition.node.name.node.as_str(), &definition.node);
        if definition.description.is_none() && !BUILT_IN.contains(&name) {
            found.push(format!("{name} is not described"));
        }
        match &definition.kind {
            TypeKind::Object(object) => {
                object.fields.iter().for_each(|one| field(&mut found, name, &one.node));
                let has = |wanted: &str| object.fields.iter().any(|field| field.node.name.node == wanted);
                if name.ends_with("Page") && !(has("nodes") && has("hasMore")) {
                    found.push(format!("{name} has no nodes or does not say whether there are more"));
                }
            }
            TypeKind::InputObject(input) => {
                for one in input.fields.iter().filter(|one| one.node.description.is_none()) {
                    found.push(format!("{name}.{} is not described", one.node.name.node));
                }
                if !name.ends_with("Input") && !name.ends_with("Filter") {
                    found.push(format!("{name} is an input and not called one"));
                }
            }
            TypeKind::Enum(words) => {
                for one in words.values.iter().filter(|one| one.node.description.is_none()) {
                    found.push(format!("{name}.{} is not described", one.node.value.node));
                }
            }
            TypeKind::Scalar | TypeKind::Interface(_) | TypeKind::Union(_) => {}
        }
    }
    found
}

#[tokio::test]
async fn the_schema_keeps_its_conventions() {
    let sdl = App::new().await.schema.sdl();
    assert_eq!(breaches(&parse_schema(sdl).unwrap()), Vec::<String>::new());
}

#[test]
fn every_breach_is_found() {
    let sdl = r#"
        type Query { bare: Int, "Described." pages: CatPage }
        "Described."
        type Mutation { "Described." pet(cat: Int): Int, "Described." feed(input: CatInput!): Int! }
        "Described."
        type CatPage { "Described." nodes: Int }
        "Described."
        input Cat { name: String }
        "Described."
        input CatInput { "Described." name: String }
        "Described."
        enum Mood { HAPPY }
    "#;
    assert_eq!(
        breaches(&parse_schema(sdl).unwrap()),
        [
            "Query is not described",
            "Query.bare is not described",
            "Query.pages is a page of any size",
            "Mutation.pet takes [\"cat\"], not one input",
            "Mutation.feed cannot be null, so its fault would take the whole answer with it",
            "CatPage has no nodes or does not say whether there are more",
            "Cat.name is not described",
            "Cat is an input and not called one",
            "Mood.HAPPY is not described",
        ]
    );
}
