//! Changing things: each field is one command. One noun per file.

mod account;
mod administration;
mod channel;
mod member;
mod message;
mod playback;
mod session;
mod video;

use async_graphql::MergedObject;

#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    account::Accounts,
    administration::Administration,
    video::Videos,
    channel::Channels,
    member::Members,
    playback::Playback,
    message::Messages,
    session::Sessions,
);
