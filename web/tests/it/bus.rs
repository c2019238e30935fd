//! The bus: one contract for hubs in one process and over Redis, and what only Redis can do to it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use lockstep::{
    bus::{Bus, BusEvent, BusKey, Exchange, FRAME_BYTES_MAX, HEARD_EVENTS_MAX, InProcessBus, RedisBus},
    vitals,
};
use lockstep_object_store::breaker::{Breaker, FAULTS_MAX, State};
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

use crate::redis::{Gone, Redis};

/// Nothing here takes this long; what does is stuck.
const PATIENCE: Duration = Duration::from_secs(20);
const MASTER: [u8; 32] = [0x5a; 32];
const NODES: usize = 3;

/// Something to run the contract on.
trait Rig {
    type Node: Bus + 'static;
    fn node(&self) -> Arc<Self::Node>;
    fn missed(node: &Self::Node) -> u64;
    /// What is between the nodes is gone.
    async fn go(&mut self);
    /// It is there again.
    async fn come(&mut self);
}

impl Rig for Exchange {
    type Node = InProcessBus;
    fn node(&self) -> Arc<InProcessBus> {
        Arc::new(Exchange::node(self))
    }
    fn missed(node: &InProcessBus) -> u64 {
        node.missed()
    }
    async fn go(&mut self) {
        self.cut();
    }
    async fn come(&mut self) {
        self.mend();
    }
}

/// A Redis that is killed and started again.
struct OverRedis {
    url: String,
    running: Option<Redis>,
    gone: Option<Gone>,
}

impl OverRedis {
    async fn start() -> Self {
        let redis = Redis::start().await;
        Self { url: redis.url(), running: Some(redis), gone: None }
    }

    fn redis(&self) -> &Redis {
        self.running.as_ref().expect("runs")
    }
}

/// A node of an installation on this Redis.
fn node(url: &str, database: &str) -> Arc<RedisBus> {
    let breaker = Breaker::new("the bus", vitals::elapsed());
    let (bus, run) = RedisBus::new(url, BusKey::new(&MASTER, database), Uuid::now_v7(), breaker).expect("an address");
    tokio::spawn(run);
    Arc::new(bus)
}

impl Rig for OverRedis {
    type Node = RedisBus;
    fn node(&self) -> Arc<RedisBus> {
        node(&self.url, "one/1")
    }
    fn missed(node: &RedisBus) -> u64 {
        node.missed()
    }
    async fn go(&mut self) {
        self.gone = Some(self.running.take().expect("runs").kill());
    }
    async fn come(&mut self) {
        self.running = Some(self.gone.take().expect("was killed").restart().await);
    }
}

async fn next(heard: &mut Receiver<BusEvent>) -> BusEvent {
    tokio::time::timeout(PATIENCE, heard.recv()).await.expect("something is heard in time").expect("the bus is there")
}

async fn next_frame(heard: &mut Receiver<BusEvent>) -> Bytes {
    match next(heard).await {
        BusEvent::Frame(frame) => frame,
        other => panic!("{other:?} instead of a frame"),
    }
}

/// Publishes it as soon as it is taken.
async fn say(bus: &dyn Bus, frame: Bytes) {
    let taken = async {
        let mut pause = tokio::time::interval(Duration::from_millis(1));
        while !bus.publish(frame.clone()) {
            pause.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.expect("it is taken in time");
}

/// The contract.
async fn check(mut rig: impl Rig) {
    everybody_else_hears_in_order(&rig).await;
    large_frames(&rig).await;
    slow_listeners(&rig).await;
    away_and_back(&mut rig).await;
    // All of it holds afterwards, too.
    everybody_else_hears_in_order(&rig).await;
}

async fn everybody_else_hears_in_order<R: Rig>(rig: &R) {
    const FRAMES: u32 = 150;
    let nodes: Vec<_> = (0..NODES).map(|_| rig.node()).collect();
    let mut heard: Vec<_> = nodes.iter().map(|node| node.subscribe()).collect();
    for heard in &mut heard {
        assert_eq!(next(heard).await, BusEvent::Up, "first of all");
    }
    for number in 0..FRAMES {
        for (from, node) in nodes.iter().enumerate() {
            say(&**node, Bytes::from(format!("{from} {number}"))).await;
        }
    }
    for (own, heard) in heard.iter_mut().enumerate() {
        let mut last = BTreeMap::<usize, u32>::new();
        for _ in 0..FRAMES * (NODES as u32 - 1) {
            let frame = next_frame(heard).await;
            let text = std::str::from_utf8(&frame).expect("text");
            let (from, number) = text.split_once(' ').expect("two words");
            let (from, number): (usize, u32) = (from.parse().expect("a number"), number.parse().expect("a number"));
            assert_ne!(from, own, "nobody hears himself");
            let expected = last.get(&from).map_or(0, |last| last + 1);
            assert_eq!(number, expected, "node {own} hears what {from} says in order");
            last.insert(from, number);
        }
        assert_eq!(last.len(), NODES - 1, "all others");
    }
    // Each ends with its node: nobody said anything else, not even to himself.
    drop(nodes);
    for heard in &mut heard {
        while let Some(event) = tokio::time::timeout(PATIENCE, heard.recv()).await.expect("it ends") {
            assert_eq!(event, BusEvent::Down, "nothing more");
        }
    }
}

async fn large_frames<R: Rig>(rig: &R) {
    let (one, two) = (rig.node(), rig.node());
    let (mut first, mut second) = (one.subscribe(), two.subscribe());
    assert_eq!((next(&mut first).await, next(&mut second).await), (BusEvent::Up, BusEvent::Up));
    let whole: Bytes = (0..FRAME_BYTES_MAX).map(|index| (index % 251) as u8).collect();
    assert!(!one.publish([&whole[..], b"x"].concat().into()), "one byte more than there may be");
    for frame in [whole, Bytes::new()] {
        assert!(one.publish(frame.clone()));
        assert_eq!(next_frame(&mut second).await, frame);
    }
}

/// Who does not read misses the oldest and keeps the newest; others miss nothing.
async fn slow_listeners<R: Rig>(rig: &R) {
    const FRAMES: u64 = HEARD_EVENTS_MAX as u64 * 2 + 30;
    let (one, two) = (rig.node(), rig.node());
    let (mut slow, mut prompt, mut ready) = (two.subscribe(), two.subscribe(), one.subscribe());
    assert_eq!((next(&mut prompt).await, next(&mut ready).await), (BusEvent::Up, BusEvent::Up));
    for number in 0..FRAMES {
        say(&*one, Bytes::copy_from_slice(&number.to_be_bytes())).await;
        assert_eq!(next_frame(&mut prompt).await, number.to_be_bytes().as_slice());
    }
    let (mut read, mut last) = (0, None);
    assert_eq!(next(&mut slow).await, BusEvent::Up);
    while last != Some(FRAMES - 1) {
        let number = u64::from_be_bytes(next_frame(&mut slow).await.as_ref().try_into().expect("a number"));
        assert!(last.is_none_or(|last| last < number), "in order");
        (read, last) = (read + 1, Some(number));
    }
    assert!(read >= HEARD_EVENTS_MAX as u64, "the newest are kept: {read}");
    assert_eq!(R::missed(&two), FRAMES - read, "and what was missed is counted");
    assert!(R::missed(&two) > 0 && R::missed(&one) == 0);
}

async fn away_and_back<R: Rig>(rig: &mut R) {
    let (one, two) = (rig.node(), rig.node());
    let (mut first, mut second) = (one.subscribe(), two.subscribe());
    assert_eq!((next(&mut first).await, next(&mut second).await), (BusEvent::Up, BusEvent::Up));
    say(&*one, Bytes::from_static(b"before")).await;
    assert_eq!(next_frame(&mut second).await, "before");
    rig.go().await;
    assert_eq!((next(&mut first).await, next(&mut second).await), (BusEvent::Down, BusEvent::Down));
    assert!(!one.publish(Bytes::from_static(b"meanwhile")), "nobody would hear it");
    let mut late = two.subscribe();
    rig.come().await;
    for heard in [&mut first, &mut second, &mut late] {
        assert_eq!(next(heard).await, BusEvent::Up, "by itself");
    }
    say(&*one, Bytes::from_static(b"after")).await;
    assert_eq!(next_frame(&mut second).await, "after", "what was said meanwhile is not said late");
    assert_eq!(next_frame(&mut late).await, "after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hubs_in_one_process_keep_the_contract() {
    check(Exchange::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hubs_over_redis_keep_the_contract() {
    check(OverRedis::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installations_on_one_redis_do_not_hear_each_other() {
    let rig = OverRedis::start().await;
    let (here, there, other) = (node(&rig.url, "one/1"), node(&rig.url, "one/1"), node(&rig.url, "two/2"));
    let (mut heard, mut others) = (there.subscribe(), other.subscribe());
    assert_eq!((next(&mut heard).await, next(&mut others).await), (BusEvent::Up, BusEvent::Up));
    say(&*other, Bytes::from_static(b"of another")).await;
    say(&*here, Bytes::from_static(b"of our own")).await;
    say(&*there, Bytes::from_static(b"nobody but one's own")).await;
    assert_eq!(next_frame(&mut heard).await, "of our own");
    // The other one hears its own peers, and only them.
    let peer = node(&rig.url, "two/2");
    say(&*peer, Bytes::from_static(b"of a peer")).await;
    assert_eq!(next_frame(&mut others).await, "of a peer");
}

/// Somebody has the Redis, but not the installation's key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_has_the_redis_reads_nothing_and_says_nothing() {
    let rig = OverRedis::start().await;
    let (one, two) = (rig.node(), rig.node());
    let (mut heard, mut ready) = (two.subscribe(), one.subscribe());
    assert_eq!((next(&mut heard).await, next(&mut ready).await), (BusEvent::Up, BusEvent::Up));
    let client = redis::Client::open(rig.url.as_str()).expect("an address");
    let topic = BusKey::new(&MASTER, "one/1").topic();
    let mut spy = client.get_async_pubsub().await.expect("connects");
    spy.subscribe(&topic).await.expect("subscribes");
    say(&*one, Bytes::from_static(b"Ada is here")).await;
    let seen = spy.on_message().next().await.expect("a message").get_payload_bytes().to_vec();
    assert!(!seen.windows(3).any(|part| part == b"Ada"), "{seen:?}");
    assert_eq!(next_frame(&mut heard).await, "Ada is here");
    let mut forger = client.get_multiplexed_async_connection().await.expect("connects");
    let mut changed = seen.clone();
    *changed.last_mut().expect("not empty") ^= 1;
    // The same words under another node's name.
    let renamed = [Uuid::now_v7().as_bytes(), &seen[16..]].concat();
    for forged in [changed, renamed, b"{}".to_vec(), Vec::new()] {
        let hearers: i64 =
            redis::cmd("PUBLISH").arg(&topic).arg(forged).query_async(&mut forger).await.expect("published");
        assert_eq!(hearers, 3, "it reached the nodes");
    }
    say(&*one, Bytes::from_static(b"and Bea")).await;
    assert_eq!(next_frame(&mut heard).await, "and Bea", "nothing in between");
}

/// A Redis that hangs is as good as none: nobody waits for it, and it is noticed before nodes would miss each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_given_up_and_found_again() {
    let rig = OverRedis::start().await;
    let bus = rig.node();
    let mut heard = bus.subscribe();
    assert_eq!(next(&mut heard).await, BusEvent::Up);
    rig.redis().signal("STOP");
    let down = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await;
    assert_eq!(down.expect("within the time after which nodes miss each other"), Some(BusEvent::Down));
    rig.redis().signal("CONT");
    assert_eq!(next(&mut heard).await, BusEvent::Up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_breaker_says_how_the_bus_stands() {
    let mut rig = OverRedis::start().await;
    let bus = rig.node();
    let mut heard = bus.subscribe();
    assert_eq!((next(&mut heard).await, bus.breaker().state()), (BusEvent::Up, State::Closed));
    rig.go().await;
    let mut pause = tokio::time::interval(Duration::from_millis(10));
    let opens = async {
        while bus.breaker().state() != State::Open {
            pause.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, opens).await.expect("it opens");
    assert_eq!(bus.breaker().counts().faults, u64::from(FAULTS_MAX));
    rig.come().await;
    assert_eq!((next(&mut heard).await, next(&mut heard).await), (BusEvent::Down, BusEvent::Up));
    assert_eq!(bus.breaker().state(), State::Closed, "it does not wait for the breaker's minute");
}
