//! The operation ids a room has seen: a repeat gets the first answer and has no second effect.

use std::collections::{BTreeMap, VecDeque};

use lockstep_domain::ids::{AccountId, CommandId};

use crate::{hub::io::Done, session::SessionId};

/// Finished operations remembered per room; older repeats are answered by the store.
const OPS_REMEMBERED_MAX: usize = 1_024;
/// Sessions that may wait for one operation's answer.
const WAITERS_MAX: usize = 4;

#[derive(Debug)]
enum Op {
    Running(Vec<SessionId>),
    Done(Done),
}

/// What is known about an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    New,
    Running,
    Done(Done),
}

/// Keyed by account and operation: nobody can take or meet another's id.
#[derive(Debug, Default)]
pub(crate) struct Window {
    ops: BTreeMap<(AccountId, CommandId), Op>,
    finished: VecDeque<(AccountId, CommandId)>,
}

impl Window {
    /// Notes the operation as running, or says what is known of it.
    pub(crate) fn admit(&mut self, account: AccountId, op: CommandId, session: SessionId) -> Seen {
        match self.ops.get_mut(&(account, op)) {
            Some(Op::Done(done)) => Seen::Done(done.clone()),
            Some(Op::Running(waiters)) => {
                if !waiters.contains(&session) && waiters.len() < WAITERS_MAX {
                    waiters.push(session);
                }
                Seen::Running
            }
            None => {
                self.ops.insert((account, op), Op::Running(vec![session]));
                Seen::New
            }
        }
    }
    /// Notes the answer and returns who waits for it. A refusal is forgotten: the same operation decides again.
    pub(crate) fn finish(&mut self, account: AccountId, op: CommandId, done: Option<&Done>) -> Vec<SessionId> {
        let key = (account, op);
        let held = self.ops.remove(&key);
        if let Some(done) = done {
            self.ops.insert(key, Op::Done(done.clone()));
            self.finished.push_back(key);
        }
        if self.finished.len() > OPS_REMEMBERED_MAX
            && let Some(oldest) = self.finished.pop_front()
        {
            self.ops.remove(&oldest);
        }
        match held {
            Some(Op::Running(waiters)) => waiters,
            _ => vec![],
        }
    }
}
