//! The places for a channel's pinned messages. A place is taken before the event, as a channel's address is; whether a
//! message is pinned its own stream says, so a place left behind by a crash is found and given up.

use std::time::Duration;

use lockstep_domain::{
    ids::{ChannelId, MessageId, StreamId},
    message::{Message, PINS_MAX},
};
use uuid::Uuid;

use crate::{CommandError, Services};

/// A place younger than this may belong to a command under way.
const UNDER_WAY_MAX: Duration = Duration::from_secs(60);

/// Whether the message has a place now.
pub(crate) async fn take<E>(
    services: &Services,
    channel: ChannelId,
    message: MessageId,
) -> Result<bool, CommandError<E>> {
    Ok(ask(services, channel, message).await? || {
        give_up_stale(services, channel).await?;
        ask(services, channel, message).await?
    })
}

async fn ask<E>(services: &Services, channel: ChannelId, message: MessageId) -> Result<bool, CommandError<E>> {
    sqlx::query_scalar("SELECT chat_pin_take($1, $2, $3)")
        .bind(channel.0)
        .bind(message.0)
        .bind(i32::try_from(PINS_MAX).unwrap_or(i32::MAX))
        .fetch_one(&services.pool)
        .await
        .map_err(unavailable)
}

/// Gives up the places whose messages are not pinned.
async fn give_up_stale<E>(services: &Services, channel: ChannelId) -> Result<(), CommandError<E>> {
    let old: Vec<Uuid> = sqlx::query_scalar(
        "SELECT message_id FROM chat_pins
         WHERE channel_id = $1 AND taken_at < clock_timestamp() - make_interval(secs => $2)",
    )
    .bind(channel.0)
    .bind(UNDER_WAY_MAX.as_secs_f64())
    .fetch_all(&services.pool)
    .await
    .map_err(unavailable)?;
    for message in old.into_iter().map(MessageId) {
        if !services.dispatcher.load::<Message>(&StreamId::message(message)).await?.state.pinned {
            give_up(services, channel, message).await;
        }
    }
    Ok(())
}

/// Gives up a message's place. One that stays behind is found later.
pub(crate) async fn give_up(services: &Services, channel: ChannelId, message: MessageId) {
    let done = sqlx::query("DELETE FROM chat_pins WHERE channel_id = $1 AND message_id = $2")
        .bind(channel.0)
        .bind(message.0)
        .execute(&services.pool)
        .await;
    if let Err(error) = done {
        tracing::warn!(%error, %message, "the place of a pin could not be given up now");
    }
}

fn unavailable<E>(error: sqlx::Error) -> CommandError<E> {
    CommandError::Unavailable(error.to_string())
}
