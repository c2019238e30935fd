//! What an API token may ask of the schema: the fields at the top that its scopes name, and nothing else. A field that is not
//! listed here is for people who are signed in.

use std::collections::HashSet;

use async_graphql::{
    ErrorExtensionValues, Name, Request, ServerError,
    parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet},
};
use lockstep_commands::Principal;
use lockstep_domain::token::Scope;

/// Fields that any token may ask for: who it is, and where the log ends.
const ALWAYS: [&str; 4] = ["me", "position", "__typename", "__schema"];

const QUERIES: [(Scope, &[&str]); 3] = [
    (Scope::VideosRead, &["video", "videos", "library", "libraryStatistics"]),
    (Scope::Upload, &["unfinishedUploads", "uploadParts", "uploadQuota"]),
    (Scope::NotificationsRead, &["notifications", "unreadCount"]),
];

const MUTATIONS: [(Scope, &[&str]); 2] = [
    (
        Scope::VideosWrite,
        &[
            "editFilm",
            "trashFilm",
            "restoreFilm",
            "purgeFilm",
            "retryFilm",
            "editFilms",
            "trashFilms",
            "restoreFilms",
            "purgeFilms",
            "uploadCaptions",
            "removeCaptions",
        ],
    ),
    (Scope::Upload, &["requestUpload", "confirmUpload", "signUploadParts", "abortUpload"]),
];

/// Refuses what is outside of the token's scopes; a session may ask anything.
pub(crate) fn check(request: &mut Request, principal: Option<&Principal>) -> Result<(), ServerError> {
    let Some(principal) = principal.filter(|principal| principal.scopes.is_some()) else { return Ok(()) };
    let document = request.parsed_query()?;
    for (_, operation) in document.operations.iter() {
        let mut found = Vec::new();
        fields(document, &operation.node.selection_set.node, &mut HashSet::new(), &mut found);
        if let Some(field) = found.into_iter().find(|field| !permitted(principal, operation.node.ty, field)) {
            return Err(refused(field));
        }
    }
    Ok(())
}

fn permitted(principal: &Principal, operation: OperationType, field: &str) -> bool {
    let listed: &[(Scope, &[&str])] = match operation {
        OperationType::Query if ALWAYS.contains(&field) => return true,
        OperationType::Mutation if field == "__typename" => return true,
        OperationType::Query => &QUERIES,
        OperationType::Mutation => &MUTATIONS,
        OperationType::Subscription => &[],
    };
    listed.iter().any(|(scope, names)| principal.within(*scope) && names.contains(&field))
}

fn refused(field: &str) -> ServerError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", "scope");
    let mut error = ServerError::new(format!("this token may not be used for {field}"), None);
    error.extensions = Some(extensions);
    error
}

/// The names at the top of an operation, fragments spread; each fragment once, so a cycle ends.
fn fields<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    spread: &mut HashSet<&'a Name>,
    found: &mut Vec<&'a str>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => found.push(field.node.name.node.as_str()),
            Selection::InlineFragment(fragment) => {
                fields(document, &fragment.node.selection_set.node, spread, found);
            }
            Selection::FragmentSpread(fragment) => {
                let name = &fragment.node.fragment_name.node;
                if let Some(fragment) = document.fragments.get(name).filter(|_| spread.insert(name)) {
                    fields(document, &fragment.node.selection_set.node, spread, found);
                }
            }
        }
    }
}
