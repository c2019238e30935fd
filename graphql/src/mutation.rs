//! Changing things: each field is one command. One noun per file.

mod account;
mod channel;
mod member;
mod message;
mod playback;
mod queue;
mod report;
mod video;

use async_graphql::MergedObject;

#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    account::Accounts,
    video::Videos,
    channel::Channels,
    member::Members,
    playback::Playback,
    queue::Queue,
    message::Messages,
    report::Reports,
);
