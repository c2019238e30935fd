//! What a process has cost, from `/proc`.

/// Clock ticks per second of `/proc/<pid>/stat`: 100 on every Linux that matters (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Meter {
    pid: u32,
    rss_empty_kb: u64,
    rss_full_kb: u64,
    ticks: f64,
}

pub struct Cost {
    pub cpu_us: f64,
    pub rss_empty_kb: u64,
    pub rss_full_kb: u64,
    pub rss_end_kb: u64,
}

impl Meter {
    /// Before anybody came.
    pub fn of(pid: u32) -> Self {
        let rss = rss_kb(pid);
        Self { pid, rss_empty_kb: rss, rss_full_kb: rss, ticks: ticks(pid) }
    }
    /// Everybody is here, nobody has spoken.
    pub fn full(&mut self) {
        (self.rss_full_kb, self.ticks) = (rss_kb(self.pid), ticks(self.pid));
    }
    /// The processor since everybody was here.
    pub fn read(&self) -> Cost {
        Cost {
            cpu_us: (ticks(self.pid) - self.ticks) / TICKS_PER_SECOND * 1e6,
            rss_empty_kb: self.rss_empty_kb,
            rss_full_kb: self.rss_full_kb,
            rss_end_kb: rss_kb(self.pid),
        }
    }
}

fn rss_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident size");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

/// User and system time of all its threads: fields 14 and 15 after `pid (name)`.
fn ticks(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields = stat.rsplit_once(") ").expect("a name in brackets").1;
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number")).sum()
}
