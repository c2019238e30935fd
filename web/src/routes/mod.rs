//! Everything on the public port, put together in one place.

pub mod delivery;
pub mod graphql;
mod headers;
pub mod health;
pub mod objects;
pub mod ui;

use std::sync::Arc;

use axum::Router;
use lockstep_commands::{Services, setup::SetupLink};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    auth::{Authenticator, SessionCookie},
    backend::Objects,
    cli::Role,
    config::Config,
    data_folder::DataFolder,
    serve::Running,
    transcoding,
};

/// What the routes are made of.
pub(crate) struct Parts<'a> {
    pub config: &'a Config,
    pub role: Role,
    pub public_url: &'a str,
    pub services: &'a Services,
    pub objects: &'a Objects,
    pub running: &'a Running,
    pub setup: &'a Arc<SetupLink>,
}
