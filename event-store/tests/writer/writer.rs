//! A second process for the tests: appends from many tasks at once and prints one line per acknowledged command:
//! `position stream version`. Arguments: connection string, name, tasks, appends per task, streams.

use std::{env, sync::Arc};

use lockstep_domain::{
    ids::{CommandId, StreamId},
    time::Timestamp,
};
use lockstep_event_store::{Append, AppendError, EventStore, Expected, MasterKey, Metadata, NewEvent, PostgresStore};
use rand::Rng;
use uuid::Builder;

#[tokio::main]
async fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [url, name, tasks, appends, streams] = args.as_slice() else { panic!("five arguments") };
    let (tasks, appends, streams): (u64, u64, u64) =
        (tasks.parse().unwrap(), appends.parse().unwrap(), streams.parse().unwrap());
    let store = PostgresStore::connect(url, MasterKey::from_bytes([7; 32]), name.clone()).await.unwrap();
    let running: Vec<_> =
        (0..tasks).map(|task| tokio::spawn(write(store.clone(), format!("{name}{task}"), appends, streams))).collect();
    for task in running {
        task.await.unwrap();
    }
    store.close().await;
}

async fn write(store: Arc<PostgresStore>, actor: String, appends: u64, streams: u64) {
    let mut guess = 0;
    for n in 0..appends {
        // Low numbers are hot: the square of a uniform number, like a few busy rooms among many quiet ones.
        let uniform: f64 = rand::rng().random();
        let stream = StreamId::new("shared", (uniform * uniform * streams as f64) as u64);
        let mut append = Append {
            stream: stream.clone(),
            expected: if n % 3 == 0 { Expected::Any } else { Expected::Version(guess) },
            guards: Vec::new(),
            command_id: CommandId(Builder::from_random_bytes(rand::rng().random()).into_uuid()),
            metadata: Metadata { actor: actor.clone(), ..Metadata::default() },
            occurred_at: Timestamp::from_micros(0),
            events: (0..=n % 2).map(|_| event()).collect(),
        };
        loop {
            match store.append(append.clone()).await {
                Ok(receipt) => {
                    println!("{} {stream} {}", receipt.position, receipt.version);
                    guess = receipt.version;
                    break;
                }
                Err(AppendError::Conflict { actual, .. }) => append.expected = Expected::Version(actual),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn event() -> NewEvent {
    let payload = serde_json::json!({ "Written": {} });
    NewEvent { event_type: "Written".to_owned(), event_version: "1".to_owned(), payload }
}
