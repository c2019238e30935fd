//! What the program is linked against: `lockstep` starts on a machine without FFmpeg.

use std::process::Command;

/// The parts of FFmpeg that only the child program may be linked against.
const LIBAV: [&str; 6] = ["libavcodec", "libavformat", "libavfilter", "libavutil", "libswscale", "libswresample"];

fn libav(linked: &str) -> Vec<&str> {
    linked.lines().map(str::trim).filter(|line| LIBAV.iter().any(|library| line.starts_with(library))).collect()
}

#[test]
fn the_program_is_not_linked_against_libav() {
    let output =
        Command::new("ldd").arg(env!("CARGO_BIN_EXE_lockstep")).output().expect("ldd comes with the C library");
    let linked = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(linked.contains("libc.so"), "ldd lists libraries: {linked}");
    assert_eq!(libav(&linked), Vec::<&str>::new());
}

#[test]
fn a_link_to_libav_is_found() {
    let linked = "\tlinux-vdso.so.1 (0x1)\n\tlibavcodec.so.59 => /lib/libavcodec.so.59 (0x2)\n\tlibc.so.6 => /lib/libc.so.6 (0x3)\n";
    assert_eq!(libav(linked), ["libavcodec.so.59 => /lib/libavcodec.so.59 (0x2)"]);
}
