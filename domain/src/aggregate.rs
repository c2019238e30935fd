//! What every aggregate is: pure `decide` and `evolve` over a state. The generic adapters
//! (dispatcher, cqrs-es) live in the commands crate.

use serde::{Serialize, de::DeserializeOwned};

/// A pure event-sourced aggregate.
///
/// `decide` is total and has no effects; the same command again yields no events.
/// `evolve` is total and silent, without a wildcard arm.
pub trait Aggregate: Send + Sync + 'static {
    /// The stream type: the text before the first `-` of a stream name. Has no `-` in it.
    const KIND: &'static str;
    /// The folded state; `Default` is the state of an empty stream.
    type State: Clone + Default + Send + Sync + 'static;
    type Command: Clone + Send + Sync + 'static;
    type Event: Event;
    type Error: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// What happens when this command meets this state.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
    /// The state after this event.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// The state after all these events, in order.
    fn fold<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self::State {
        let mut state = Self::State::default();
        for event in events {
            Self::evolve(&mut state, event);
        }
        state
    }
}

/// A stored event. Serialised externally tagged (`{"Played": {..}}`), names kept for ever.
pub trait Event: Serialize + DeserializeOwned + Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The variant's name, past tense, for ever.
    fn event_type(&self) -> &'static str;
    /// The payload's version, `"1"` until a payload gains a meaning.
    fn event_version(&self) -> &'static str {
        "1"
    }
}

/// Names every variant of an event enum once: `event_names!(PlayedEvent { Played, Paused })`.
#[macro_export]
macro_rules! event_names {
    ($event:ident { $($variant:ident),+ $(,)? }) => {
        impl $crate::aggregate::Event for $event {
            fn event_type(&self) -> &'static str {
                match self { $($event::$variant { .. } => stringify!($variant),)+ }
            }
        }
        impl $event {
            /// Every event type of this aggregate, in declaration order.
            pub const TYPES: &'static [&'static str] = &[$(stringify!($variant)),+];
        }
    };
}
