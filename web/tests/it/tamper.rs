//! A row changed behind the program's back: `events verify` finds it in the log, a rebuild puts it right in a read
//! model.

use lockstep_migrations::cluster::url_of_running;
use sqlx::PgPool;

use crate::{
    api::Api,
    process::{Server, data_folder, run},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_rows_are_found() {
    let data = data_folder();
    let server = Server::start(data.path(), 0, &[]).await;
    let ada = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let channel = ada.create_channel("Cinema").await;
    let pool = PgPool::connect(&url_of_running(&data.path().join("postgres"), "lockstep")).await.expect("connects");
    ada.channel_name(channel).await;

    let sound = run(&["projections", "rebuild", "channels"], data.path(), &[]);
    assert!(sound.0 && sound.1.contains(": equal"), "{}", sound.1);
    change(&pool, "UPDATE rm_channels SET name = 'Casino'").await;
    assert_eq!(ada.channel_name(channel).await, "Casino");
    let changed = run(&["projections", "rebuild", "channels"], data.path(), &[]);
    assert!(changed.0 && changed.1.contains(": changed"), "{}", changed.1);
    assert_eq!(ada.channel_name(channel).await, "Cinema");

    let (whole, said) = run(&["events", "verify"], data.path(), &[]);
    assert!(whole && said.contains("the chain is whole"), "{said}");
    change(&pool, "ALTER TABLE events DISABLE TRIGGER USER").await;
    let forge = "UPDATE events SET payload = jsonb_set(payload, '{forged}', 'true') WHERE global_position = 2";
    change(&pool, forge).await;
    let (whole, said) = run(&["events", "verify"], data.path(), &[]);
    assert!(!whole && said.contains("EventChanged") && said.contains("Position(2)"), "{said}");
    server.stop();
}

async fn change(pool: &PgPool, sql: &'static str) {
    sqlx::query(sql).execute(pool).await.expect("changes");
}
