//! Following what happens, one noun per file. Low rates only: the live clock of a channel is the socket's.

mod channel;
mod door;
mod notification;
mod video;

use async_graphql::MergedSubscription;

/// Following what happens, over a WebSocket or server-sent events.
#[derive(MergedSubscription, Default)]
pub(crate) struct Subscription(video::Videos, channel::Channels, door::Doors, notification::Notifications);
