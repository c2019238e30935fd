//! Chat: one stream per message, its order is its position in the log. Said, edited, taken back, reacted to, pinned.

use lockstep_domain::{
    Aggregate,
    ids::{AccountId, ChannelId, MessageId, StreamId},
    member::{Member, MemberState},
    message::{Message, MessageCommand, MessageError, MessageState, Pace, Post, ReplyTo},
    playback::Playback,
    standing::{Denied, Standing},
    time::MediaTime,
};
use lockstep_event_store::Guard;

use crate::{
    CommandError, Context, Outcome, Services,
    dispatcher::Facts,
    member,
    pace::{self, Turn},
    pins,
};

/// A message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error(transparent)]
    Rule(#[from] MessageError),
}

type Answer = Result<Outcome, CommandError<MessageRefusal>>;
type Prepared = Result<(MessageCommand, Vec<Guard>), CommandError<MessageError>>;

/// What somebody wants to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewMessage {
    /// The client's: the same id twice is one message.
    pub id: MessageId,
    pub text: String,
    pub playback: Option<MediaTime>,
    pub reply_to: Option<MessageId>,
    pub mentions: Vec<AccountId>,
}

/// Says something in a channel.
pub async fn post(services: &Services, context: &Context, channel: ChannelId, new: NewMessage) -> Answer {
    let author = context.account().ok_or(CommandError::Refused(MessageRefusal::SignedOut))?;
    if new.mentions.len() > lockstep_domain::message::MENTIONS_MAX {
        return Err(CommandError::Refused(MessageError::Mentions.into()));
    }
    let new = &new;
    services
        .dispatcher
        .execute_with::<Message, _, _>(StreamId::message(new.id), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, author).await?;
            // Which film was on, whether the answered message still stands and who is in are notes beside the
            // message, not rights: no guard.
            let playing = facts.load::<Playback>(&StreamId::playback(channel)).await?;
            let turn = Turn::say(&found.standing);
            let mut post = Post {
                channel,
                standing: found.standing,
                text: new.text.clone(),
                video: playing.state.video,
                playback: new.playback.filter(|_| playing.state.video.is_some()),
                reply_to: answered(&facts, channel, new.reply_to).await?,
                mentions: mentioned(&facts, channel, &new.mentions).await?,
                pace: Pace::Free,
                at: context.now,
            };
            // What is refused anyway takes no turn.
            Message::decide(&MessageState::default(), &MessageCommand::Post(post.clone()))
                .map_err(CommandError::Refused)?;
            post.pace = pace::take(services, channel, author, new.id.0, turn).await?;
            Ok((MessageCommand::Post(post), found.guards))
        })
        .await
        .map_err(refusal)
}

/// The message an answer is to, if it is of this channel and was not taken back.
async fn answered(
    facts: &Facts,
    channel: ChannelId,
    message: Option<MessageId>,
) -> Result<Option<ReplyTo>, CommandError<MessageError>> {
    let Some(message) = message else { return Ok(None) };
    let held = facts.load::<Message>(&StreamId::message(message)).await?.state;
    let stands = held.origin().filter(|(of, _)| *of == channel && held.redacted.is_none());
    Ok(Some(ReplyTo { message, author: stands.map(|(_, author)| author) }))
}

async fn mentioned(
    facts: &Facts,
    channel: ChannelId,
    accounts: &[AccountId],
) -> Result<Vec<(AccountId, bool)>, CommandError<MessageError>> {
    let mut mentions = Vec::with_capacity(accounts.len());
    for account in accounts {
        let held = facts.load::<Member>(&StreamId::member(channel, *account)).await?.state;
        mentions.push((*account, held.present && !held.banned));
    }
    Ok(mentions)
}

/// Says it otherwise; the author only.
pub async fn edit(services: &Services, context: &Context, message: MessageId, text: String) -> Answer {
    let text = &text;
    act(services, context, message, |facts, on| async move {
        let state = facts.load::<Message>(&StreamId::message(message)).await?.state;
        let command =
            |pace| MessageCommand::Edit { standing: on.standing.clone(), text: text.clone(), pace, at: context.now };
        let pace = turn(services, context, &on, &state, &command(Pace::Free), Turn::Edit).await?;
        Ok((command(pace), on.guards))
    })
    .await
}

/// Takes a message back: one's own, or of somebody one stands above.
pub async fn redact(services: &Services, context: &Context, message: MessageId, reason: Option<String>) -> Answer {
    let reason = &reason;
    let done = act(services, context, message, |facts, on| async move {
        let (author, guard) = author_standing(&facts, &on).await?;
        let mut guards = on.guards;
        guards.extend(guard);
        Ok((MessageCommand::Redact { standing: on.standing, author, reason: reason.clone(), at: context.now }, guards))
    })
    .await?;
    if let Some((channel, _)) = origin(services, message).await? {
        pins::give_up(services, channel, message).await;
    }
    Ok(done)
}

/// Where the author stands; guarded, unless that is the actor, whose stream is guarded already.
async fn author_standing(
    facts: &Facts,
    on: &Target,
) -> Result<(MemberState, Option<Guard>), CommandError<MessageError>> {
    if on.author == on.standing.account {
        return Ok((on.standing.member.clone(), None));
    }
    let stream = StreamId::member(on.channel, on.author);
    let held = facts.load::<Member>(&stream).await?;
    Ok((held.state, Some(Guard { stream, version: held.version })))
}

/// Puts one emoji under a message, or takes it away again.
pub async fn react(services: &Services, context: &Context, message: MessageId, emoji: String, on: bool) -> Answer {
    let emoji = &emoji;
    act(services, context, message, |facts, target| async move {
        let state = facts.load::<Message>(&StreamId::message(message)).await?.state;
        let command = |pace| MessageCommand::React {
            standing: target.standing.clone(),
            emoji: emoji.clone(),
            on,
            pace,
            at: context.now,
        };
        let pace = turn(services, context, &target, &state, &command(Pace::Free), Turn::React).await?;
        Ok((command(pace), target.guards))
    })
    .await
}

/// Keeps a message in view.
pub async fn pin(services: &Services, context: &Context, message: MessageId) -> Answer {
    let pinned = act(services, context, message, |facts, on| async move {
        let state = facts.load::<Message>(&StreamId::message(message)).await?.state;
        let command = |room| MessageCommand::Pin { standing: on.standing.clone(), room, at: context.now };
        let needs_place = Message::decide(&state, &command(true)).is_ok_and(|events| !events.is_empty());
        let room = !needs_place || pins::take(services, on.channel, message).await?;
        Ok((command(room), on.guards))
    })
    .await;
    if matches!(pinned, Err(CommandError::Refused(_) | CommandError::Contended))
        && let Some((channel, _)) = origin(services, message).await?
        && !services.dispatcher.load::<Message>(&StreamId::message(message)).await?.state.pinned
    {
        pins::give_up(services, channel, message).await;
    }
    pinned
}

/// Lets a pinned message go.
pub async fn unpin(services: &Services, context: &Context, message: MessageId) -> Answer {
    let done = act(services, context, message, |_, on| async move {
        Ok((MessageCommand::Unpin { standing: on.standing, at: context.now }, on.guards))
    })
    .await?;
    if let Some((channel, _)) = origin(services, message).await? {
        pins::give_up(services, channel, message).await;
    }
    Ok(done)
}

/// A message, and where whoever acts on it stands in its channel.
struct Target {
    channel: ChannelId,
    author: AccountId,
    standing: Standing,
    guards: Vec<Guard>,
}

/// Where a message was said and by whom; that never changes.
pub(crate) async fn origin<E>(
    services: &Services,
    message: MessageId,
) -> Result<Option<(ChannelId, AccountId)>, CommandError<E>> {
    Ok(services.dispatcher.load::<Message>(&StreamId::message(message)).await?.state.origin())
}

/// The turn that a command needs which would change something.
async fn turn(
    services: &Services,
    context: &Context,
    on: &Target,
    state: &MessageState,
    command: &MessageCommand,
    turn: Turn,
) -> Result<Pace, CommandError<MessageError>> {
    match Message::decide(state, command) {
        Ok(events) if !events.is_empty() => {
            pace::take(services, on.channel, on.standing.account, context.command_id.0, turn).await
        }
        _ => Ok(Pace::Free),
    }
}

async fn act<Wanted: Future<Output = Prepared>>(
    services: &Services,
    context: &Context,
    message: MessageId,
    wanted: impl Fn(Facts, Target) -> Wanted,
) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(MessageRefusal::SignedOut))?;
    let found = origin(services, message).await?;
    let (channel, author) = found.ok_or(CommandError::Refused(MessageError::Unknown.into()))?;
    let wanted = &wanted;
    services
        .dispatcher
        .execute_with::<Message, _, _>(StreamId::message(message), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            let on = Target { channel, author, standing: found.standing, guards: found.guards };
            wanted(facts, on).await
        })
        .await
        .map_err(|error| refusal(error.map(unknown_outside)))
}

/// Who may not know of the channel learns of no message in it either.
fn unknown_outside(refused: MessageError) -> MessageError {
    if refused == MessageError::Denied(Denied::NoChannel) { MessageError::Unknown } else { refused }
}

fn refusal(error: CommandError<MessageError>) -> CommandError<MessageRefusal> {
    error.map(MessageRefusal::Rule)
}
