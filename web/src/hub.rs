//! The hub's task: one per process, the only owner of the [`Hub`]. Moves inputs in and outputs out; decides nothing.

mod clock;
mod commands;
mod feed;
mod look_up;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::FutureExt;
use lockstep_commands::Services;
use lockstep_domain::account::PlatformRole;
use lockstep_sync_hub::{
    Hub, Input, Output, QUEUED_EVENTS_MAX, Refusal, SessionId,
    protocol::{Person, close},
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::clock::{ClockShift, HubClock};
use crate::{
    bus::{Bus, BusEvent},
    metrics::FanOut,
};

/// Inputs waiting for the hub; who sends waits.
const MAILBOX_MAX: usize = 4_096;
/// Inputs taken at once.
const INPUTS_PER_TURN: usize = 256;
/// Frames between the hub and one socket; the hub's own accounting stays below it.
const OUTGOING_FRAMES_MAX: usize = QUEUED_EVENTS_MAX + 64;
/// Commands and look-ups running at once.
const ERRANDS_MAX: usize = 128;
/// A command or look-up is given up after this; the same operation may be asked again. Below the five seconds after which a
/// viewer drops what it asked for: nothing takes effect that nobody waits for.
const ERRAND_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a drain waits for running commands.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What a hub may have besides the services.
#[derive(Clone, Default)]
pub struct HubOptions {
    /// The way to the hubs of other processes; without it this one is alone.
    pub bus: Option<Arc<dyn Bus>>,
    pub clock: ClockShift,
}

/// What a socket is told to do.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Frame(Bytes),
    /// Everything before it is written first, then this close frame, then nothing.
    Close {
        code: u16,
        reason: String,
    },
}

/// A socket's line from the hub.
pub(crate) struct Line {
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    /// Cancelled when the socket must end at once, whatever waits: it does not read.
    pub(crate) cut: CancellationToken,
}

enum Letter {
    Open {
        session: SessionId,
        person: Person,
        role: PlatformRole,
        outgoing: mpsc::Sender<Outgoing>,
        cut: CancellationToken,
    },
    Input(Input),
    Ask(Box<dyn FnOnce(&Hub) + Send>),
}

/// The way to the hub's task. Cheap to clone.
#[derive(Clone)]
pub struct HubHandle {
    mailbox: mpsc::Sender<Letter>,
    clock: HubClock,
    sessions: Arc<AtomicU64>,
}

impl HubHandle {
    /// Starts the hub's tasks; they end after `shutdown`, when running commands are done.
    pub fn start(services: Services, options: HubOptions, shutdown: CancellationToken, tracker: &TaskTracker) -> Self {
        let clock = HubClock::start(services.ids.uuid(), options.clock);
        let (mailbox, letters) = mpsc::channel(MAILBOX_MAX);
        let errands = Errands {
            services,
            clock,
            mailbox: mailbox.clone(),
            permits: Arc::new(Semaphore::new(ERRANDS_MAX)),
            running: 0,
            tracker: tracker.clone(),
        };
        // Hubs that hear each other number their sockets apart: a seat keeps its number wherever its viewer goes.
        let (_, node) = clock.epoch().as_u64_pair();
        let first = if options.bus.is_some() { (node << 32) + 1 } else { 1 };
        tracker.spawn(run(errands, letters, options.bus, shutdown));
        Self { mailbox, clock, sessions: Arc::new(AtomicU64::new(first)) }
    }

    /// The clock that probes are answered with.
    pub fn clock(&self) -> HubClock {
        self.clock
    }

    /// Announces a socket; `None` when the hub has ended.
    pub(crate) async fn open(&self, person: Person, role: PlatformRole) -> Option<(SessionId, Line)> {
        let session = SessionId(self.sessions.fetch_add(1, Ordering::Relaxed));
        let (sender, outgoing) = mpsc::channel(OUTGOING_FRAMES_MAX);
        let cut = CancellationToken::new();
        let letter = Letter::Open { session, person, role, outgoing: sender, cut: cut.clone() };
        self.mailbox.send(letter).await.ok()?;
        Some((session, Line { outgoing, cut }))
    }

    /// Asks the hub something between two inputs; `None` when it has ended.
    pub async fn ask<T: Send + 'static>(&self, question: impl FnOnce(&Hub) -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let question = Box::new(move |hub: &Hub| drop(answer.send(question(hub))));
        self.mailbox.send(Letter::Ask(question)).await.ok()?;
        answered.await.ok()
    }

    /// Hands the hub something a socket saw; false when the hub has ended.
    pub(crate) async fn tell(&self, input: Input) -> bool {
        self.mailbox.send(Letter::Input(input)).await.is_ok()
    }
}

/// Everything the hub asks for that takes time, each in a task of its own that answers in any case.
struct Errands {
    services: Services,
    clock: HubClock,
    mailbox: mpsc::Sender<Letter>,
    permits: Arc<Semaphore>,
    running: usize,
    tracker: TaskTracker,
}

impl Errands {
    fn spawn<T, F>(
        &mut self,
        work: impl FnOnce(Services, HubClock) -> F,
        answer: impl FnOnce(Result<T, Refusal>) -> Input + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        self.running += 1;
        let (mailbox, permits) = (self.mailbox.clone(), Arc::clone(&self.permits));
        let work = work(self.services.clone(), self.clock);
        self.tracker.spawn(async move {
            // The wait for a permit counts too: nobody waits any longer for what begins after it.
            let permitted = async move {
                // A closed semaphore does not occur; without a permit the work is done all the same.
                let _permit = permits.acquire_owned().await.ok();
                std::panic::AssertUnwindSafe(work).catch_unwind().await
            };
            let result = match tokio::time::timeout(ERRAND_TIMEOUT, permitted).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => {
                    tracing::error!("an errand of the hub panicked");
                    Err(Refusal::unavailable("this cannot be done now"))
                }
                Err(_) => Err(Refusal::unavailable("the log took too long")),
            };
            let _ = mailbox.send(Letter::Input(answer(result))).await;
        });
    }

    fn run(&mut self, output: Output) {
        match output {
            Output::Run(run) => {
                let ticket = run.ticket;
                self.spawn(
                    |services, _| async move { commands::execute(&services, run).await },
                    move |result| Input::CommandDone { ticket, result },
                );
            }
            Output::LoadChannel { channel } => self.spawn(
                move |services, clock| async move { look_up::playback(&services, clock, channel).await },
                move |result| Input::ChannelLoaded { channel, result },
            ),
            Output::CheckMember { session, channel, account } => self.spawn(
                move |services, _| async move { look_up::standing(&services, channel, account).await },
                move |result| Input::Membership { session, result },
            ),
            Output::Send { .. } | Output::Close { .. } | Output::Publish { .. } => {}
        }
    }

    /// Counts an answer that came back.
    fn note(&mut self, input: &Input) {
        if let Input::CommandDone { .. } | Input::ChannelLoaded { .. } | Input::Membership { .. } = input {
            self.running -= 1;
        }
    }
}

struct Task {
    hub: Hub,
    errands: Errands,
    sockets: HashMap<SessionId, (mpsc::Sender<Outgoing>, CancellationToken)>,
    fan_out: FanOut,
    bus: Option<Arc<dyn Bus>>,
}

async fn run(
    errands: Errands,
    mut letters: mpsc::Receiver<Letter>,
    bus: Option<Arc<dyn Bus>>,
    shutdown: CancellationToken,
) {
    let clock = errands.clock;
    let Some((start, mut batches)) = feed::start(&errands.services, &shutdown, &errands.tracker).await else { return };
    let hub = Hub::new(clock.epoch(), start);
    let mut heard = bus.as_ref().map(|bus| bus.subscribe());
    let mut task = Task { hub, errands, sockets: HashMap::new(), fan_out: FanOut::default(), bus };
    let mut inbox = Vec::with_capacity(INPUTS_PER_TURN);
    let mut draining: Option<tokio::time::Instant> = None;
    loop {
        let due = task.hub.poll_timeout().map(|due| clock.instant(due));
        tokio::select! {
            count = letters.recv_many(&mut inbox, INPUTS_PER_TURN) => {
                if count == 0 { return }
                inbox.drain(..).for_each(|letter| task.letter(letter));
            }
            Some(input) = batches.recv() => task.input(input),
            event = hear(&mut heard) => task.heard(event),
            () = sleep_until(due) => task.input(Input::Tick),
            () = shutdown.cancelled(), if draining.is_none() => {
                draining = Some(clock.instant(clock.now()) + DRAIN_TIMEOUT);
                task.input(Input::Drain);
            }
            () = sleep_until(draining), if draining.is_some() => return,
        }
        if draining.is_some() && task.errands.running == 0 {
            return;
        }
    }
}

/// What the bus tells next; nothing for ever without one.
async fn hear(heard: &mut Option<mpsc::Receiver<BusEvent>>) -> BusEvent {
    match heard {
        Some(events) => match events.recv().await {
            Some(event) => event,
            None => {
                *heard = None;
                BusEvent::Down
            }
        },
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Task {
    fn letter(&mut self, letter: Letter) {
        match letter {
            Letter::Input(input) => self.input(input),
            Letter::Ask(question) => question(&self.hub),
            Letter::Open { session, person, role, outgoing, cut } => {
                self.sockets.insert(session, (outgoing, cut));
                self.input(Input::Connected { session, account: person, role });
            }
        }
    }

    fn heard(&mut self, event: BusEvent) {
        match event {
            BusEvent::Up => self.input(Input::BusUp),
            BusEvent::Down => self.input(Input::BusDown),
            BusEvent::Frame(bytes) => match lockstep_sync_hub::bus::parse(&bytes) {
                Ok(frame) => self.input(Input::Bus { frame }),
                // A newer version may say more than this one knows.
                Err(error) => tracing::debug!(%error, "another hub was not understood"),
            },
        }
    }

    fn input(&mut self, input: Input) {
        self.errands.note(&input);
        if let Input::Disconnected { session } = &input {
            self.sockets.remove(session);
        }
        self.hub.handle(self.errands.clock.now(), input);
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { session, bytes } => self.send(session, Outgoing::Frame(bytes)),
                Output::Close { session, code, reason } => {
                    self.send(session, Outgoing::Close { code, reason });
                    if let Some((_, cut)) = self.sockets.remove(&session)
                        && code == close::SLOW_CONSUMER
                    {
                        self.fan_out.slow_consumer();
                        cut.cancel();
                    }
                }
                Output::Publish { frame } => {
                    // What cannot be handed on is lost: it is said again.
                    let _ = self.bus.as_ref().map(|bus| bus.publish(frame));
                }
                errand => self.errands.run(errand),
            }
        }
    }

    fn send(&mut self, session: SessionId, outgoing: Outgoing) {
        let Some((sender, cut)) = self.sockets.get(&session) else { return };
        if let Outgoing::Frame(bytes) = &outgoing {
            self.fan_out.frame(bytes.len());
        }
        if let Err(mpsc::error::TrySendError::Full(_)) = sender.try_send(outgoing) {
            // Below the hub's own bound this cannot fill up; a socket that breaks the rule is cut.
            tracing::error!(%session, "a socket's line is full");
            cut.cancel();
        }
    }
}
