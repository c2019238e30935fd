//! How far a read model is, for administrators.

use async_graphql::SimpleObject;

use crate::scalar::Position;

/// A read model and its lag behind the log.
#[derive(SimpleObject)]
pub(crate) struct ProjectionStatus {
    /// The read model's name.
    pub name: String,
    /// How far in the log it is.
    pub position: Position,
    /// Events in the log that it does not show yet.
    pub lag_positions: i32,
    /// It does not get past its next event; the log of the server says why.
    pub faulted: bool,
}

impl From<lockstep_projections::ProjectionStatus> for ProjectionStatus {
    fn from(status: lockstep_projections::ProjectionStatus) -> Self {
        Self {
            name: status.name,
            position: Position(status.position),
            lag_positions: i32::try_from(status.lag_positions).unwrap_or(i32::MAX),
            faulted: status.faulted,
        }
    }
}
