//! Changing things: each field is one command. One noun per file.

mod account;
mod channel;
mod invite;
mod member;
mod message;
mod moderation;
mod playback;
mod queue;
mod report;
mod settings;
mod video;

use async_graphql::MergedObject;

#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    account::Accounts,
    video::Videos,
    channel::Channels,
    member::Members,
    settings::Settings,
    moderation::Moderation,
    invite::Invites,
    playback::Playback,
    queue::Queue,
    message::Messages,
    report::Reports,
);
