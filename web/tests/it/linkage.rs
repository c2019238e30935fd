//! `lockstep` starts without FFmpeg: only `lockstep-media` links it.

use std::{path::Path, process::Command};

use crate::process::PROGRAM;

fn libraries(program: &Path) -> String {
    let output = Command::new("readelf").args(["-d"]).arg(program).output().expect("readelf runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn lockstep_links_no_libav() {
    let own = libraries(Path::new(PROGRAM));
    let media = libraries(&Path::new(PROGRAM).with_file_name("lockstep-media"));
    assert!(media.contains("libavcodec"), "the check sees libav where it is");
    for library in ["libavcodec", "libavformat", "libavutil", "libavfilter", "libswscale", "libswresample"] {
        assert!(!own.contains(library), "lockstep links {library}");
    }
}
