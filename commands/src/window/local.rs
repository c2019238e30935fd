//! Windows in this process's memory, bounded by keys and by draws: whoever was quiet for longest is forgotten first.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lockstep_domain::time::Timestamp;

use super::{Draw, Exhausted, Level, Share, Windows};

/// Keys remembered; beyond it the one untouched for longest is forgotten.
pub const KEYS_MAX: usize = 50_000;
/// Draws remembered over all keys, 16 bytes each.
pub const DRAWS_MAX: usize = 2_000_000;
/// Keys looked at, for each new draw, whether all they hold has left its window.
const SWEEP_KEYS: usize = 2;

/// Windows in this process's memory. Cheap to clone.
#[derive(Clone, Default)]
pub struct InProcess(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    logs: HashMap<Arc<str>, Log>,
    /// Keys by when they were last touched.
    order: BTreeMap<u64, Arc<str>>,
    touches: u64,
    draws: usize,
}

/// The draws of one key, oldest first.
struct Log {
    draws: VecDeque<(i64, u32)>,
    used: u32,
    window_us: i64,
    touched: u64,
}

#[async_trait::async_trait]
impl Windows for InProcess {
    async fn draw(&self, draws: &[Draw], now: Timestamp) -> Result<Vec<Level>, Exhausted> {
        self.held().draw(draws, now.0)
    }

    async fn forget(&self, key: &str) {
        self.held().remove(key);
    }
}

impl InProcess {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn draw(&mut self, draws: &[Draw], now_us: i64) -> Result<Vec<Level>, Exhausted> {
        let mut worst: Option<Exhausted> = None;
        for draw in draws {
            self.expire(&draw.key, draw.share, now_us);
            let refused = self
                .logs
                .get(draw.key.as_str())
                .map_or_else(|| Log::of(draw.share).refusal(draw, now_us), |log| log.refusal(draw, now_us));
            worst = [worst, refused].into_iter().flatten().max_by_key(|refused| refused.after_us);
        }
        if let Some(worst) = worst {
            return Err(worst);
        }
        let levels = draws.iter().map(|draw| self.take(draw, now_us)).collect();
        self.sweep(now_us);
        Ok(levels)
    }

    fn take(&mut self, draw: &Draw, now_us: i64) -> Level {
        let log = match self.logs.get_mut(draw.key.as_str()) {
            Some(log) => log,
            None if draw.cost == 0 => return Log::of(draw.share).level(draw.share, now_us),
            None => {
                let key: Arc<str> = draw.key.as_str().into();
                self.logs.entry(key).or_insert_with(|| Log::of(draw.share))
            }
        };
        if draw.cost > 0 {
            // A clock that went back a little does not put the log out of order.
            let at_us = log.draws.back().map_or(now_us, |(last_us, _)| now_us.max(*last_us));
            log.draws.push_back((at_us, draw.cost));
            log.used = log.used.saturating_add(draw.cost);
            self.draws += 1;
        }
        let level = log.level(draw.share, now_us);
        self.touches += 1;
        let earlier = std::mem::replace(&mut log.touched, self.touches);
        let key = self.order.remove(&earlier).unwrap_or_else(|| draw.key.as_str().into());
        self.order.insert(self.touches, key);
        level
    }

    /// Drops what has left the window. A clock that went back by more than a window starts the log afresh.
    fn expire(&mut self, key: &str, share: Share, now_us: i64) {
        let Some(log) = self.logs.get_mut(key) else { return };
        log.window_us = share.window_us();
        let before = log.draws.len();
        if log.draws.back().is_some_and(|(last_us, _)| last_us - now_us > log.window_us) {
            log.draws.clear();
            log.used = 0;
        }
        while let Some((at_us, cost)) = log.draws.front().copied().filter(|(at, _)| now_us - at >= log.window_us) {
            debug_assert!(at_us <= now_us);
            log.draws.pop_front();
            log.used = log.used.saturating_sub(cost);
        }
        self.draws -= before - log.draws.len();
    }

    /// Forgets keys that hold nothing any more, a few at a time, and those quiet for longest beyond the bounds.
    fn sweep(&mut self, now_us: i64) {
        let quiet = self.order.values().take(SWEEP_KEYS).filter(|key| {
            let newest = self.logs.get(*key).and_then(|log| Some((log.draws.back()?.0, log.window_us)));
            newest.is_none_or(|(at_us, window_us)| now_us - at_us >= window_us)
        });
        for key in quiet.cloned().collect::<Vec<_>>() {
            self.remove(&key);
        }
        while self.logs.len() > KEYS_MAX || self.draws > DRAWS_MAX {
            let Some((_, key)) = self.order.first_key_value() else { return };
            let key = Arc::clone(key);
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(log) = self.logs.remove(key) {
            self.order.remove(&log.touched);
            self.draws -= log.draws.len();
        }
    }
}

impl Log {
    fn of(share: Share) -> Self {
        Self { draws: VecDeque::new(), used: 0, window_us: share.window_us(), touched: 0 }
    }

    fn level(&self, share: Share, now_us: i64) -> Level {
        let reset_us = self.draws.back().map_or(now_us, |(last_us, _)| last_us + share.window_us());
        Level {
            limit: share.units_max,
            remaining: share.units_max.saturating_sub(self.used),
            reset_at: Timestamp(reset_us),
        }
    }

    /// Why the draw does not fit, if so.
    fn refusal(&self, draw: &Draw, now_us: i64) -> Option<Exhausted> {
        let over = self.used.saturating_add(draw.cost).saturating_sub(draw.share.units_max);
        if over == 0 || draw.cost == 0 {
            return None;
        }
        let mut freed = 0_u32;
        let enough = self.draws.iter().find(|(_, cost)| {
            freed = freed.saturating_add(*cost);
            freed >= over
        });
        // What is more than the whole share never fits; the window's length is the honest pause between tries.
        let free_us = enough.map_or(now_us, |(at_us, _)| *at_us) + draw.share.window_us();
        Some(Exhausted { level: self.level(draw.share, now_us), after_us: (free_us - now_us).max(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Share = Share { units_max: 3, window_s: 60 };

    fn draw(key: &str, cost: u32) -> Draw {
        Draw { key: key.to_owned(), cost, share: SHARE }
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let windows = InProcess::default();
        for number in 0..KEYS_MAX + 10 {
            windows.draw(&[draw(&number.to_string(), 1)], Timestamp(0)).await.unwrap();
        }
        let held = windows.held();
        assert_eq!((held.logs.len(), held.order.len(), held.draws), (KEYS_MAX, KEYS_MAX, KEYS_MAX));
        assert!(!held.logs.contains_key("9") && held.logs.contains_key("10"), "the quietest went first");
    }

    #[tokio::test]
    async fn nothing_is_kept_for_who_is_gone() {
        let windows = InProcess::default();
        for number in 0..100 {
            windows.draw(&[draw(&number.to_string(), 1)], Timestamp(0)).await.unwrap();
        }
        for second in 60..160 {
            windows.draw(&[draw("here", 1)], Timestamp(second * 30_000_000)).await.unwrap();
        }
        let held = windows.held();
        assert_eq!((held.logs.len(), held.order.len()), (1, 1));
        assert_eq!(held.draws, held.logs.values().map(|log| log.draws.len()).sum::<usize>());
    }

    #[tokio::test]
    async fn looking_costs_no_memory() {
        let windows = InProcess::default();
        for number in 0..100 {
            windows.draw(&[draw(&number.to_string(), 0)], Timestamp(0)).await.unwrap();
        }
        assert!(windows.held().logs.is_empty());
    }
}
