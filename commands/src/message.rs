//! Chat: one stream per message, its order is its position in the log.

use lockstep_domain::{
    ids::{ChannelId, MessageId, StreamId},
    message::{Message, MessageCommand, MessageError},
    playback::Playback,
    time::MediaTime,
};

use crate::{CommandError, Context, Outcome, Services, member};

/// A message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error(transparent)]
    Rule(#[from] MessageError),
}

/// Posts `text`. `id` is the client's: the same id twice is one message.
pub async fn post(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    id: MessageId,
    text: String,
    playback: Option<MediaTime>,
) -> Result<Outcome, CommandError<MessageRefusal>> {
    let author = context.account().ok_or(CommandError::Refused(MessageRefusal::SignedOut))?;
    let text = &text;
    services
        .dispatcher
        .execute_with::<Message, _, _>(StreamId::message(id), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, author).await?;
            // Which film was on is a note beside the message, not a rule: no guard.
            let playing = facts.load::<Playback>(&StreamId::playback(channel)).await?;
            let command = MessageCommand::Post {
                channel,
                standing: found.standing,
                text: text.clone(),
                video: playing.state.video,
                playback: playback.filter(|_| playing.state.video.is_some()),
                at: context.now,
            };
            Ok((command, found.guards))
        })
        .await
        .map_err(|error| error.map(MessageRefusal::Rule))
}
