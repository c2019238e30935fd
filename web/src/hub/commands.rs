//! The hub's commands, run by the command layer; refusals become codes.

use lockstep_commands::{
    Actor, CommandError, Context, Outcome, Services, channel, member,
    message::{self, NewMessage},
    playback, queue,
    refusal::Coded,
    visit,
};
use lockstep_domain::{
    ids::{AccountId, ChannelId, CommandId, Position},
    permission::Permission,
    time::Timestamp,
};
use lockstep_sync_hub::{Command, Done, Refusal, RunCommand};

/// Runs one command to its receipt.
pub(super) async fn execute(services: &Services, run: RunCommand) -> Result<Done, Refusal> {
    let command_id = run.op.unwrap_or_else(|| CommandId(services.ids.uuid()));
    let context = Context {
        actor: run.account.map_or(Actor::System, Actor::Account),
        command_id,
        correlation_id: command_id.to_string(),
        causation_id: None,
        now: services.clock.now(),
    };
    let channel = run.channel;
    match run.command {
        Command::Play { position, hold } => done(playback::play(services, &context, channel, position, hold).await),
        Command::Pause { position } => done(playback::pause(services, &context, channel, position).await),
        Command::Seek { position } => done(playback::seek(services, &context, channel, position).await),
        Command::Load { video } => done(playback::load_video(services, &context, channel, video).await),
        Command::ChangeRate { rate_ppm, position } => {
            done(playback::change_rate(services, &context, channel, rate_ppm, position).await)
        }
        Command::Release { cause } => done(playback::release(services, &context, channel, cause).await),
        Command::CountVotes { present } => done(queue::count_votes(services, &context, channel, present).await),
        Command::End { video } => done(playback::end(services, &context, channel, video).await),
        Command::Chat { id, text, playback, reply_to, mentions } => {
            let new = NewMessage { id, text, playback, reply_to, mentions };
            done(message::post(services, &context, channel, new).await)
        }
        Command::MayReact => may_react(services, channel, run.account, context.now).await,
        Command::Arrive { visit } => match run.account {
            Some(account) => done(visit::arrive(services, &context, visit, channel, account).await),
            None => Err(Refusal::new("signed_out", "somebody arrives, not the hub")),
        },
        Command::InheritRemote { from, to } => {
            done(channel::inherit_remote(services, &context, channel, from, to).await)
        }
        Command::Depart { visit } => done(visit::depart(services, &context, visit, channel).await),
    }
}

/// Whether this account may throw an emoji over the film now.
async fn may_react(
    services: &Services,
    channel: ChannelId,
    account: Option<AccountId>,
    now: Timestamp,
) -> Result<Done, Refusal> {
    let account = account.ok_or_else(|| Refusal::new("signed_out", "somebody reacts, not the hub"))?;
    let (standing, _) = member::standing_of(services, channel, account).await.map_err(|error| {
        tracing::warn!(%error, "a standing could not be read");
        Refusal::unavailable("this cannot be answered now")
    })?;
    let may = standing.may(Permission::React, now);
    may.map_err(|denied| Refusal::new(denied.code(), denied.to_string()))?;
    Ok(Done { position: Position::START, changed: false })
}

fn done<E: Coded>(answer: Result<Outcome, CommandError<E>>) -> Result<Done, Refusal> {
    match answer {
        Ok(outcome) => Ok(Done { position: outcome.position, changed: outcome.changed }),
        Err(CommandError::Refused(refusal)) => Err(Refusal {
            retry_after_ms: refusal.retry_after_ms(),
            ..Refusal::new(refusal.code(), refusal.to_string())
        }),
        Err(CommandError::Invalid(reason)) => Err(Refusal::new("invalid", reason)),
        Err(CommandError::Contended) => Err(Refusal {
            code: "contended".to_owned(),
            message: "too many people changed this at once, try again".to_owned(),
            retryable: true,
            retry_after_ms: None,
        }),
        Err(CommandError::Unavailable(reason)) => {
            tracing::warn!(reason, "a command of the hub had no answer from the log");
            Err(Refusal::unavailable("this cannot be done now, try again"))
        }
    }
}
