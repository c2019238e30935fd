//! Changing things: each field is one command. One noun per file.

mod account;
mod channel;
mod member;
mod message;
mod notification;
mod playback;
mod undo;
mod video;

use async_graphql::MergedObject;

#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    account::Accounts,
    video::Videos,
    channel::Channels,
    member::Members,
    playback::Playback,
    message::Messages,
    notification::Notifications,
    undo::Undo,
);
