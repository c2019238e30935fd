//! Waking readers early: at once within the process, by a notification from another process, by a look at the
//! head every [`POLL`]. Only the look is the truth; the other two only make it earlier.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection, PgPool, postgres::PgListener};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    connect::{Connector, answered},
    measure, sql,
};

/// How often the head is looked at.
const POLL: Duration = Duration::from_millis(100);
/// At most one notification in this time: readers elsewhere take all there is when they wake.
const NOTIFY_GAP: Duration = Duration::from_millis(5);
/// A waiting reader looks for itself after this long, whatever the tasks here do.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// The pause after a lost connection.
const RECONNECT: Duration = Duration::from_millis(500);
const CHANNEL: &str = "lockstep_log";

/// The highest position this process knows to be readable.
#[derive(Clone)]
pub struct Seen(pub Arc<watch::Sender<i64>>);

impl Seen {
    /// Whether it was not known before.
    pub fn advance(&self, position: i64) -> bool {
        self.0.send_if_modified(|seen| {
            let later = position > *seen;
            if later {
                *seen = position;
            }
            later
        })
    }
}

pub async fn wait_past(mut head: watch::Receiver<i64>, position: i64) {
    // Late or not at all are both fine: the caller reads and comes back.
    let _ = timeout(WAIT_MAX, head.wait_for(|head| *head > position)).await;
}

/// Tells other processes, after the commit and on a connection of its own: a notification inside an append's
/// transaction would take PostgreSQL's global notification lock at every commit.
pub async fn notify(connector: Connector, mut own: watch::Receiver<i64>) {
    let mut connection: Option<PgConnection> = None;
    while own.changed().await.is_ok() {
        let position = own.borrow_and_update().to_string();
        let mut current = match connection.take() {
            Some(connection) => connection,
            None => match connect_to_notify(&connector).await {
                Ok(connection) => connection,
                Err(_) => {
                    sleep(RECONNECT).await; // the others poll meanwhile
                    continue;
                }
            },
        };
        let query = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(position);
        let told = answered(query.execute(&mut current)).await;
        if told.is_ok() {
            connection = Some(current);
        }
        sleep(NOTIFY_GAP).await;
    }
    if let Some(connection) = connection {
        let _ = answered(connection.close()).await;
    }
}

async fn connect_to_notify(connector: &Connector) -> Result<PgConnection, sqlx::Error> {
    let mut connection = connector.dedicated().await?;
    // A notification's transaction has nothing to make durable; appends never use this connection.
    sqlx::query("SET synchronous_commit = off").execute(&mut connection).await?;
    Ok(connection)
}

/// Hears what other processes tell.
pub async fn listen(connector: Connector, seen: Seen) {
    loop {
        if let Ok(mut listener) = connector.listener().await
            && listener.listen(CHANNEL).await.is_ok()
        {
            hear(&mut listener, &seen).await;
        }
        sleep(RECONNECT).await;
    }
}

async fn hear(listener: &mut PgListener, seen: &Seen) {
    while let Ok(notification) = listener.recv().await {
        if let Ok(position) = notification.payload().parse()
            && seen.advance(position)
        {
            measure::heard("told");
        }
    }
}

/// The truth, every [`POLL`].
pub async fn poll(pool: PgPool, seen: Seen) {
    loop {
        // An error is met, and told, by those who read.
        if let Ok(head) = answered(sqlx::query_scalar(sql::HEAD).fetch_one(&pool)).await
            && seen.advance(head)
        {
            measure::heard("looked");
        }
        sleep(POLL).await;
    }
}
