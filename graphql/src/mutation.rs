//! Changing things: each field is one command. One noun per file.

mod account;
mod administration;
mod captions;
mod channel;
mod identity;
mod invite;
mod library;
mod member;
mod message;
mod moderation;
mod notification;
mod playback;
mod poster;
mod queue;
mod report;
mod session;
mod settings;
mod token;
mod undo;
mod upload;
mod video;
mod webhook;

use async_graphql::MergedObject;

/// Changing. A refusal is an answer of the payload, an error is a fault of ours or of the request.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    account::Accounts,
    administration::Administration,
    video::Videos,
    library::Library,
    upload::Uploads,
    captions::Captions,
    poster::Poster,
    channel::Channels,
    member::Members,
    settings::Settings,
    moderation::Moderation,
    invite::Invites,
    playback::Playback,
    queue::Queue,
    message::Messages,
    notification::Notifications,
    undo::Undo,
    report::Reports,
    session::Sessions,
    identity::Identities,
    token::Tokens,
    webhook::Webhooks,
);
