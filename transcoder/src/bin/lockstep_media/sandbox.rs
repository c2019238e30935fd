//! What the child gives up before it reads a byte of media.
//!
//! In order: every inherited descriptor but the three pipes; new privileges; the network (an empty network
//! namespace, where the kernel lets us make one); address space, CPU time, file size and core dumps; and at
//! last `RLIMIT_NOFILE` at 3, so that no file and no socket can be opened at all, with or without a namespace.
//! The page asks for 32 descriptors; libav on our own byte stream needs none, so none is the limit.

use lockstep_transcoder::{
    limits::{ADDRESS_SPACE_BYTES, CPU_S, CPU_S_PER_MEDIA_S, DESCRIPTORS},
    protocol::Sandbox,
};

/// Behind the server in the scheduler's queue.
const NICE: i32 = 10;

/// The two switches of the hostile-files test. Nothing in the product sets them: they exist so that the test can
/// show that the listener it watches is hit when the protections are off.
#[derive(Debug, Clone, Copy)]
pub struct Switches {
    pub allow_list: bool,
    pub confined: bool,
}

impl Switches {
    /// Reads the command line; unknown words are ignored.
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Self {
        let mut switches = Self { allow_list: true, confined: true };
        for argument in arguments {
            match argument.as_str() {
                "--hostile-files-test-without-allow-list" => switches.allow_list = false,
                "--hostile-files-test-unconfined" => switches.confined = false,
                _ => {}
            }
        }
        switches
    }
}

/// Gives up what this process does not need; tells what worked.
pub fn enter(switches: &Switches, media_s: u64) -> Sandbox {
    let no_new_privs = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == 0;
    let network_namespace = switches.confined && leave_network();
    let cpu_s = CPU_S + CPU_S_PER_MEDIA_S * media_s;
    let limits = limit(libc::RLIMIT_AS, ADDRESS_SPACE_BYTES)
        & limit(libc::RLIMIT_CPU, cpu_s)
        & limit(libc::RLIMIT_FSIZE, 0)
        & limit(libc::RLIMIT_CORE, 0);
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
    let no_new_descriptors = switches.confined && limit(libc::RLIMIT_NOFILE, DESCRIPTORS);
    Sandbox { no_new_privs, network_namespace, no_new_descriptors, limits, allow_list: switches.allow_list }
}

/// An own, empty network namespace: as root directly, else through a user namespace of our own.
fn leave_network() -> bool {
    unsafe { libc::unshare(libc::CLONE_NEWNET) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) == 0 }
}

fn limit(resource: libc::__rlimit_resource_t, value: u64) -> bool {
    let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}

/// Closes every inherited descriptor but stdin, stdout and stderr.
pub fn close_inherited() {
    unsafe {
        libc::close_range(3, u32::MAX, 0);
    }
}
