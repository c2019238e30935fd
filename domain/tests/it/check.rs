//! The one way rules are checked here: examples by [`given`], and the properties every aggregate must have.

use std::{cell::RefCell, collections::BTreeSet, fmt::Debug};

use lockstep_domain::{Aggregate, aggregate::Event};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

/// Random histories tried per property.
const CASES: u32 = 512;
/// The longest history tried.
const COMMANDS_MAX: usize = 100;

/// A stream with this history.
pub struct Given<A: Aggregate>(A::State);

/// What was decided, and the state it was decided on.
pub struct When<A: Aggregate> {
    state: A::State,
    command: A::Command,
    decided: Result<Vec<A::Event>, A::Error>,
}

pub fn given<A: Aggregate>(history: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given(A::fold(&history.into_iter().collect::<Vec<_>>()))
}

impl<A: Aggregate> Given<A> {
    pub fn when(self, command: A::Command) -> When<A> {
        let decided = A::decide(&self.0, &command);
        When { state: self.0, command, decided }
    }
}

impl<A: Aggregate> When<A> {
    /// These events, and nothing more when the command comes again.
    #[track_caller]
    pub fn then(mut self, expected: impl IntoIterator<Item = A::Event>) {
        assert_eq!(self.decided, Ok(expected.into_iter().collect()));
        for event in self.decided.iter().flatten() {
            A::evolve(&mut self.state, event);
        }
        assert_eq!(A::decide(&self.state, &self.command), Ok(vec![]), "the same command again");
    }

    #[track_caller]
    pub fn refused(self, error: A::Error) {
        assert_eq!(self.decided, Err(error));
    }
}

/// The repeat property: after any history, a command that was accepted yields no events when it comes again.
///
/// Histories start from stored events in any order and go on with decided ones. Fails too when the commands never
/// led to one of the event types: then it would have shown nothing about it.
pub fn repeats<A: Aggregate>(
    types: &[&str],
    stored: impl Strategy<Value = A::Event>,
    commands: impl Strategy<Value = A::Command>,
) where
    A::Command: Debug,
{
    let seen = RefCell::new(BTreeSet::new());
    let histories = (
        prop_oneof![2 => Just(vec![]), 1 => proptest::collection::vec(stored, 1..8)],
        proptest::collection::vec(commands, 1..COMMANDS_MAX),
    );
    runner()
        .run(&histories, |(stored, commands)| {
            let mut state = A::fold(&stored);
            for command in commands {
                let Ok(events) = A::decide(&state, &command) else { continue };
                for event in &events {
                    seen.borrow_mut().insert(event.event_type());
                    A::evolve(&mut state, event);
                }
                prop_assert_eq!(A::decide(&state, &command), Ok(vec![]), "again: {:?}", command);
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(seen.into_inner(), types.iter().copied().collect(), "event types that were decided");
}

/// `evolve` and `decide` are total: any stored events in any order, then any command, and nothing panics.
pub fn total<A: Aggregate>(stored: impl Strategy<Value = A::Event>, commands: impl Strategy<Value = A::Command>)
where
    A::Command: Debug,
{
    runner()
        .run(&(proptest::collection::vec(stored, 0..COMMANDS_MAX), commands), |(stored, command)| {
            let _ = A::decide(&A::fold(&stored), &command);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() })
}
