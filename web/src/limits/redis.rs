//! Windows in Redis, drawn from by one script: it runs alone, so a hundred processes at once get no more than one would.

use std::time::Duration;

use lockstep_commands::window::{Draw, Exhausted, Level};
use lockstep_domain::time::Timestamp;
use redis::{
    Client, RedisError, RedisResult, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

/// A connection or an answer that takes longer counts as a fault; callers are answered without it.
const ANSWER_MAX: Duration = Duration::from_millis(300);
/// In front of every key, before the installation's name: one Redis may serve others too.
const PREFIX: &str = "lockstep:limit";

/// Whose clock windows run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowClock {
    /// Redis's own: the clocks of the processes need not agree.
    Server,
    /// The caller's, so that a test owns the time.
    Caller,
}

/// Windows in Redis. Connects when first used, and again by itself.
pub struct RedisWindows {
    connection: ConnectionManager,
    script: Script,
    clock: WindowClock,
    /// In front of every key.
    prefix: String,
}

impl RedisWindows {
    /// The windows of one installation: those with another name are counted apart.
    ///
    /// # Errors
    /// When the address is not one of Redis.
    pub fn new(url: &str, clock: WindowClock, installation: &str) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(ANSWER_MAX))
            .set_response_timeout(Some(ANSWER_MAX));
        let connection = Client::open(url)?.get_connection_manager_lazy(config)?;
        let prefix = format!("{PREFIX}:{installation}:");
        Ok(Self { connection, script: Script::new(include_str!("window.lua")), clock, prefix })
    }

    /// As [`lockstep_commands::window::Windows::draw`]; the outer error is a fault of Redis, after which nothing is known.
    pub async fn draw(&self, draws: &[Draw], now: Timestamp) -> RedisResult<Result<Vec<Level>, Exhausted>> {
        let mut call = self.script.prepare_invoke();
        match self.clock {
            WindowClock::Server => call.arg(""),
            WindowClock::Caller => call.arg(now.0),
        };
        for draw in draws {
            call.key(format!("{}{}", self.prefix, draw.key));
            call.arg(draw.cost).arg(draw.share.units_max).arg(draw.share.window_us());
        }
        let answer: Vec<i64> = call.invoke_async(&mut self.connection.clone()).await?;
        read(draws, &answer).ok_or_else(|| RedisError::from((redis::ErrorKind::UnexpectedReturnType, "a window")))
    }

    pub async fn forget(&self, key: &str) -> RedisResult<()> {
        redis::cmd("DEL").arg(format!("{}{key}", self.prefix)).query_async(&mut self.connection.clone()).await
    }

    /// Whether it answers.
    pub async fn ping(&self) -> RedisResult<()> {
        redis::cmd("PING").query_async(&mut self.connection.clone()).await
    }
}

/// What the script answered; `None` when that is not of its form.
fn read(draws: &[Draw], answer: &[i64]) -> Option<Result<Vec<Level>, Exhausted>> {
    let level = |draw: &Draw, remaining: i64, reset_us: i64| {
        let remaining = u32::try_from(remaining).ok()?;
        Some(Level { limit: draw.share.units_max, remaining, reset_at: Timestamp(reset_us) })
    };
    match answer {
        [1, _, levels @ ..] if levels.len() == draws.len() * 2 => {
            let levels = draws.iter().zip(levels.chunks_exact(2)).map(|(draw, of)| level(draw, of[0], of[1]));
            levels.collect::<Option<Vec<_>>>().map(Ok)
        }
        [0, _, place, remaining, reset_us, after_us] => {
            let draw = draws.get(usize::try_from(*place).ok()?.checked_sub(1)?)?;
            Some(Err(Exhausted { level: level(draw, *remaining, *reset_us)?, after_us: *after_us }))
        }
        _ => None,
    }
}
