//! Chat on its way to the hub: what was said, and each later change as the whole new view of the message.

use std::collections::{HashMap, VecDeque};

use lockstep_domain::{
    Aggregate,
    ids::{ChannelId, MessageId},
    message::{Message, MessageEvent, MessageState},
};
use lockstep_event_store::RecordedEvent;
use lockstep_sync_hub::{
    Fact,
    protocol::{Answered, MessageView, Person, Reacted, ReactionView, RedactionView},
};

use super::{Follower, START_RETRY, read, rfc3339};

/// Messages whose state is kept, so that a burst of reactions does not read the same stream again and again.
const STATES_MAX: usize = 2_000;

/// The folded messages the follower saw last, with their versions; the oldest go first.
#[derive(Default)]
pub(super) struct Messages {
    states: HashMap<MessageId, (MessageState, u64)>,
    order: VecDeque<MessageId>,
}

impl Messages {
    fn keep(&mut self, id: MessageId, state: MessageState, version: u64) {
        if self.states.insert(id, (state, version)).is_none() {
            self.order.push_back(id);
        }
        while self.states.len() > STATES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.states.remove(&oldest);
        }
    }
}

impl Follower {
    pub(super) async fn message(&mut self, recorded: &RecordedEvent) -> Option<(ChannelId, Fact)> {
        let id: MessageId = recorded.stream.id().parse().ok()?;
        let event: MessageEvent = read(recorded)?;
        let state = self.folded(id, recorded, &event).await?;
        let (channel, _) = state.origin()?;
        if let MessageEvent::Posted { author, text, playback_us, reply_to, reply_author, mentions, .. } = event {
            let author = Person { id: author, name: self.name(author).await };
            let answered = match reply_author {
                Some(id) => Some(Person { id, name: self.name(id).await }),
                None => None,
            };
            let text = text.value().cloned().unwrap_or_default();
            let sent_at = rfc3339(recorded.recorded_at);
            let reply_to = reply_to.map(|id| Answered { id, author: answered });
            return Some((
                channel,
                Fact::Message { id, author, text, sent_at, playback: playback_us, reply_to, mentions },
            ));
        }
        let redacted = match &state.redacted {
            None => None,
            Some(gone) => {
                let by = Person { id: gone.by, name: self.name(gone.by).await };
                let reason = gone.reason.as_ref().and_then(|reason| reason.value().cloned());
                Some(RedactionView { by, reason })
            }
        };
        Some((channel, Fact::MessageChanged(view(id, &state, redacted, &event))))
    }

    /// The message as of this event: the state kept from the one before, or what the log says.
    async fn folded(&mut self, id: MessageId, recorded: &RecordedEvent, event: &MessageEvent) -> Option<MessageState> {
        let kept = self.messages.states.get(&id).filter(|(_, version)| version + 1 == recorded.version);
        let mut state = match kept {
            Some((state, _)) => state.clone(),
            None if recorded.version == 1 => MessageState::default(),
            None => self.before(recorded).await?,
        };
        Message::evolve(&mut state, event);
        self.messages.keep(id, state.clone(), recorded.version);
        Some(state)
    }

    /// The message before this event, from the log.
    async fn before(&self, recorded: &RecordedEvent) -> Option<MessageState> {
        let mut state = MessageState::default();
        let mut version = 0;
        while version + 1 < recorded.version {
            let wanted = usize::try_from(recorded.version - 1 - version).unwrap_or(usize::MAX).min(PAGE_EVENTS);
            let page = match self.services.store.read_stream(&recorded.stream, version, wanted).await {
                Ok(page) => page,
                Err(error) => {
                    // Nobody is told anything later before this: who follows the log must not miss a change.
                    tracing::warn!(%error, "a message cannot be read now, trying again");
                    tokio::time::sleep(START_RETRY).await;
                    continue;
                }
            };
            version = page.last()?.version;
            for event in &page {
                Message::evolve(&mut state, &read(event)?);
            }
        }
        Some(state)
    }
}

/// Events of one message read at once.
const PAGE_EVENTS: usize = 500;

fn view(id: MessageId, state: &MessageState, redacted: Option<RedactionView>, event: &MessageEvent) -> MessageView {
    let reacted = match event {
        MessageEvent::ReactionAdded { account, emoji } => Some((account, emoji, true)),
        MessageEvent::ReactionRemoved { account, emoji } => Some((account, emoji, false)),
        MessageEvent::Posted { .. }
        | MessageEvent::Edited { .. }
        | MessageEvent::Redacted { .. }
        | MessageEvent::Pinned { .. }
        | MessageEvent::Unpinned { .. } => None,
    };
    let reactions = state.reactions.iter();
    MessageView {
        id,
        text: state.text.value().cloned(),
        edited: state.edited,
        redacted,
        reactions: reactions.map(|(emoji, by)| ReactionView { emoji: emoji.clone(), count: by.len() }).collect(),
        pinned: state.pinned,
        reacted: reacted.map(|(account, emoji, on)| Reacted { account: *account, emoji: emoji.clone(), on }),
    }
}
