//! The GraphQL schema: mutations become commands, queries read models, subscriptions the tail of the log.
//!
//! A resolver parses ids, asks one command or one query, and maps the answer. Refusals are payload variants; faults
//! are masked and logged once, with the request's id. No SQL, no rule and no fan-out live here.

mod answer;
mod batch;
mod context;
mod cost;
mod introspecting;
mod limits;
mod loader;
mod mutation;
mod object;
mod permission;
mod persisted;
mod problem;
mod query;
mod scalar;
mod schema;
mod scope;
mod subscription;
mod trusted;

pub use context::{
    CookieConfig, DeliveryToken, DeliveryTokens, Door, RequestContext, SchemaDeps, SignInProvider, WebhookSecrets,
};
pub use cost::{Bill, Charged, RATE_LIMITED};
pub use limits::{ALIASES_MAX, COMPLEXITY_MAX, DEPTH_MAX, DIRECTIVES_MAX, PAGE_MAX, ROOT_FIELDS_MAX, TOKENS_MAX};
pub use problem::RETRY_AFTER_S;
pub use schema::{AppSchema, Introspection, is_request_error, is_unavailable, schema};
pub use trusted::{Anonymous, DOCUMENT_NOT_TRUSTED, TrustedDocuments};
