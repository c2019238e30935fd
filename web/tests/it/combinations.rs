//! Roles: each alone and in every combination that there is, as eight installations that are whole. Every process is ready,
//! does its work, says of the rest that it is not its own, and ends cleanly.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::{StreamExt, stream};
use lockstep_migrations::testing::TestDatabase;
use serde_json::Value;

use crate::{
    api::Api,
    outage::Viewer,
    process::{PROGRAM, Server, data_folder, events, film, run, stable_port},
    store::s3,
};

/// The fifteen combinations of four roles, each once, as installations that lack nothing.
const WHOLES: [&[&str]; 8] = [
    &["api,hub", "transcoder,projector"],
    &["api,transcoder", "hub,projector"],
    &["api,projector", "hub,transcoder"],
    &["api,hub,transcoder", "projector"],
    &["api,hub,projector", "transcoder"],
    &["api,transcoder,projector", "hub"],
    &["api", "hub,transcoder,projector"],
    &["api,hub,transcoder,projector"],
];
/// Installations at once: two cores have other things to do as well.
const AT_ONCE: usize = 3;
/// Nothing here takes this long; what does is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process without a listener; it ends with the test, however that ends.
struct Silent(Child);

impl Drop for Silent {
    fn drop(&mut self) {
        // Nothing to be done about one that has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

enum Process {
    Listening(Server),
    Silent(Silent),
}

impl Process {
    fn pid(&self) -> u32 {
        match self {
            Self::Listening(server) => server.pid(),
            Self::Silent(silent) => silent.0.id(),
        }
    }

    fn stop(self) {
        match self {
            Self::Listening(server) => server.stop(),
            Self::Silent(mut silent) => {
                let _ = Command::new("kill").args(["-TERM", &silent.0.id().to_string()]).status();
                assert!(silent.0.wait().expect("reaps").success(), "it ends cleanly");
            }
        }
    }
}

struct Part {
    roles: &'static str,
    process: Process,
    /// Of its listener for operators.
    internal: u16,
}

impl Part {
    async fn start(roles: &'static str, data: &std::path::Path, env: &[(&str, &str)]) -> Self {
        let ports = [stable_port(), stable_port()];
        let (public, internal) = (ports[0].to_string(), format!("127.0.0.1:{}", ports[1]));
        let mut env = env.to_vec();
        env.extend([("LOCKSTEP_INTERNAL", internal.as_str()), ("PORT", public.as_str())]);
        let process = match has(roles, "api") || has(roles, "hub") {
            true => Process::Listening(Server::start_role(data, roles, &env).await),
            false => {
                let mut command = Command::new(PROGRAM);
                command.args(["serve", "--role", roles]).env("LOCKSTEP_DATA", data).env("LOG_LEVEL", "warn");
                command.envs(env.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
                Process::Silent(Silent(command.spawn().expect("starts")))
            }
        };
        let part = Self { roles, process, internal: ports[1] };
        part.gets_ready().await;
        if let Process::Silent(_) = part.process {
            let refused = TcpListener::bind(("127.0.0.1", ports[0]));
            assert!(refused.is_ok(), "{roles} opens no public port");
        }
        part
    }

    async fn gets_ready(&self) {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        let asking = async {
            loop {
                pause.tick().await;
                let answer = reqwest::get(format!("http://127.0.0.1:{}/readyz", self.internal)).await;
                if answer.is_ok_and(|answer| answer.status() == 200) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{} is not ready", self.roles));
    }

    /// What belongs to another role is said to.
    async fn refuses_the_rest(&self) {
        let Process::Listening(server) = &self.process else { return };
        let rest: &[&str] = match (has(self.roles, "api"), has(self.roles, "hub")) {
            (true, true) => &[],
            (true, false) => &["/sync"],
            (false, _) => &["/", "/graphql", "/api/videos", "/v/token/master.m3u8", "/c/a-channel"],
        };
        for path in rest {
            let answer = reqwest::get(format!("{}{path}", server.url)).await.expect("answers");
            assert_eq!(answer.status(), 421, "{} at {path}", self.roles);
            let body: Value = answer.json().await.expect("JSON");
            assert_eq!(body["code"], "wrong_role");
            let said = body["message"].as_str().expect("a message");
            assert!(said.ends_with(&format!("it runs as {}", self.roles)), "{said}");
        }
    }
}

fn has(roles: &str, role: &str) -> bool {
    roles.split(',').any(|name| name == role)
}

/// An installation of these processes does everything.
async fn check(roles: &'static [&'static str]) {
    let database = TestDatabase::create().await;
    let (data, objects) = (data_folder(), data_folder());
    let (url, endpoint, key) = (database.url(), s3(objects.path()).await, "5a".repeat(32));
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("LOCKSTEP_MASTER_KEY", key.as_str()),
        ("LOCKSTEP_DATABASE_CONNECTIONS", "4"),
        ("S3_ENDPOINT", endpoint.as_str()),
        ("S3_ACCESS_KEY_ID", "access"),
        ("S3_SECRET_ACCESS_KEY", "secret"),
    ];
    let parts: Vec<Part> =
        futures::future::join_all(roles.iter().map(|roles| Part::start(roles, data.path(), &env))).await;
    let server = |role: &str| {
        let part = parts.iter().find(|part| has(part.roles, role)).expect("it is whole");
        let Process::Listening(server) = &part.process else { panic!("{role} listens") };
        server
    };
    for part in &parts {
        part.refuses_the_rest().await;
    }
    let (api, hub) = (server("api"), server("hub"));
    let links = parts.iter().filter(|part| matches!(&part.process, Process::Listening(s) if s.setup_link.is_some()));
    assert_eq!(links.count(), 1, "only who has the API can set it up");
    let ada = Api::set_up(&api.url, api.setup_link.as_deref().expect("a link")).await;
    // The API writes, the projector's read model follows, and the hub lets her in.
    let channel = ada.create_channel("Movie night").await;
    assert_eq!(ada.channel_name(channel).await, "Movie night");
    let mut viewer = Viewer::join(hub, &ada, channel).await;
    assert_eq!(viewer.say("hello").await["t"], "ack");
    let video = ada.upload(&film(data.path(), 2, "160x120")).await;
    let settled = ada.settled(video).await;
    assert_eq!(settled["status"], "READY", "{roles:?}: {settled}");
    let worker = parts.iter().find(|part| has(part.roles, "transcoder")).expect("it is whole").process.pid();
    let log = events(data.path(), &env);
    let mut workers: Vec<_> = log.iter().filter_map(|event| event["metadata"]["actor"].as_str()).collect();
    workers.retain(|actor| actor.starts_with("worker:"));
    let own = format!(".{worker}.");
    assert!(!workers.is_empty() && workers.iter().all(|actor| actor.contains(&own)), "{own} worked: {workers:?}");
    parts.into_iter().for_each(|part| part.process.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_combination_of_roles_does_its_work_and_refuses_the_rest() {
    let mut combinations: Vec<&str> = WHOLES.iter().flat_map(|whole| whole.iter().copied()).collect();
    combinations.sort_unstable();
    combinations.dedup();
    // Four alone, six pairs, four threes, and all four.
    assert_eq!(combinations.len(), 15, "all there are");
    let wholes: Vec<_> = WHOLES.into_iter().map(check).collect();
    stream::iter(wholes).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

#[test]
fn roles_that_make_no_sense_are_refused_with_the_reason() {
    let data = data_folder();
    for (roles, said) in [
        ("all,api", "all stands alone"),
        ("api,api", "api is there twice"),
        ("worker", "\"worker\" is no role: these are all, api, hub, transcoder and projector"),
        ("", "is no role"),
        ("api", "--role api needs DATABASE_URL and S3_ENDPOINT"),
        ("transcoder,projector", "--role transcoder,projector needs DATABASE_URL and S3_ENDPOINT"),
    ] {
        let (started, text) = run(&["serve", "--role", roles], data.path(), &[]);
        assert!(!started && text.contains(said), "{roles:?}: {text}");
    }
}
