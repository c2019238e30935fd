//! The few system calls std has no words for. The only unsafe code of this crate.
#![allow(unsafe_code)]

use std::{ffi::CStr, io, os::unix::process::CommandExt, path::Path, process::Command};

/// Who the server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

/// Whether we are root: PostgreSQL refuses to run so.
pub fn is_root() -> bool {
    // SAFETY: geteuid has no arguments, touches no memory of ours and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// The account of this name, if the system has it.
pub fn user_named(name: &CStr) -> Option<User> {
    let mut buffer = vec![0; 16 * 1024];
    let mut result = std::ptr::null_mut();
    // SAFETY: passwd is plain data for which all zeroes is a valid value.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    // SAFETY: every pointer is to a live local; the buffer's true length is passed; the reentrant variant writes
    // only into them. Its strings are not read, only the two numbers, so nothing outlives the buffer.
    let code =
        unsafe { libc::getpwnam_r(name.as_ptr(), &raw mut entry, buffer.as_mut_ptr(), buffer.len(), &raw mut result) };
    (code == 0 && !result.is_null()).then_some(User { uid: entry.pw_uid, gid: entry.pw_gid })
}

/// Gives a path to that user.
pub fn give(path: &Path, user: User) -> io::Result<()> {
    std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid))
}

/// Whether that process exists.
pub fn is_alive(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: kill with signal 0 only asks; it touches no memory.
    pid > 0 && unsafe { libc::kill(pid, 0) } == 0
}

/// Sends a signal; a process that is gone already is no error.
pub fn signal(pid: u32, signal: libc::c_int) {
    if let Ok(pid) = libc::pid_t::try_from(pid)
        && pid > 0
    {
        // SAFETY: kill touches no memory; the caller knows that the pid is still the server's.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Runs the command as that user, with an empty environment, in `/`, out of reach of the terminal's Ctrl-C.
pub fn run_as(command: &mut Command, user: Option<User>) {
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin").current_dir("/").process_group(0);
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
}

/// Makes the kernel send SIGINT (fast shutdown) to the child when the thread that spawns it ends.
pub fn end_with_parent(command: &mut Command) {
    let parent = std::process::id();
    // SAFETY: between fork and exec only async-signal-safe functions may run: prctl, getppid and _exit are, and the
    // closure allocates nothing. std sets uid and gid before it, which would have cleared the setting.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT) != 0 {
                return Err(io::Error::last_os_error());
            }
            if u32::try_from(libc::getppid()) != Ok(parent) {
                libc::_exit(1); // the parent died before the setting took hold
            }
            Ok(())
        });
    }
}

/// Waits until the child has ended, and leaves it unreaped: its pid stays its own until `Child::wait`.
pub fn await_exit(pid: u32) {
    // SAFETY: siginfo_t is plain data for which all zeroes is valid; the pointer is to a live local.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        while libc::waitid(libc::P_PID, pid, &raw mut info, libc::WEXITED | libc::WNOWAIT) != 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }
}

/// Calls the function when the process exits in the ordinary way.
pub fn at_exit(function: extern "C" fn()) {
    // SAFETY: the function is 'static and takes nothing; atexit only stores the pointer.
    unsafe { libc::atexit(function) };
}

/// Whether that user may enter the folder, by the folder's own owner and mode (without ACLs).
pub fn may_enter(folder: &Path, user: User) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(folder)?;
    let bit = if meta.uid() == user.uid {
        0o100
    } else if meta.gid() == user.gid {
        0o010
    } else {
        0o001
    };
    Ok(meta.mode() & bit != 0)
}
