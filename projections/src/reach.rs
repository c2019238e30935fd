//! Which of the database's errors mean that it is out of reach, and which that something is wrong.

use sqlx::Error;

/// Classes of SQLSTATE (PostgreSQL, appendix A) in which nothing is wrong with what was asked: connection exceptions, too
/// few resources, and an operator's intervention.
const CLASSES: [&str; 3] = ["08", "53", "57P"];

/// Whether asking again later may help: the database ended the connection, has no room, or was not heard at all.
pub fn is_out_of_reach(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => true,
        Error::Database(error) => error.code().is_some_and(|code| CLASSES.iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}
