//! Small clips made with the `ffmpeg` command line, and what it says about our output.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Makes `name` in `folder` with these arguments between input and output options.
pub fn make(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = folder.join(name);
    let output = Command::new("nice")
        .args(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .output()
        .expect("ffmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

/// `testsrc2` with a sine, H.264 and AAC.
pub fn film(folder: &Path, name: &str, size: &str, rate: &str, seconds: u32) -> PathBuf {
    let arguments = format!(
        "-f lavfi -i testsrc2=size={size}:rate={rate} -f lavfi -i sine=frequency=440:sample_rate=44100 -t {seconds} \
         -c:v libx264 -preset ultrafast -g 37 -pix_fmt yuv420p -c:a aac -ac 1 -movflags +faststart"
    );
    make(folder, name, &arguments)
}

/// One packet, in decode order.
pub struct Packet {
    pub pts: i64,
    pub dts: i64,
    pub key: bool,
}

/// The packets of a file's first stream.
pub fn packets(path: &Path) -> Vec<Packet> {
    let text = ffprobe(path, &["-select_streams", "0", "-show_entries", "packet=pts,dts,flags", "-of", "csv=p=0"]);
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |at: usize| fields[at].parse().unwrap_or_else(|_| panic!("{line}"));
            Packet { pts: number(0), dts: number(1), key: fields[2].starts_with('K') }
        })
        .collect()
}

/// What `ffprobe` prints.
pub fn ffprobe(path: &Path, arguments: &[&str]) -> String {
    let output = Command::new("ffprobe").args(["-loglevel", "error"]).args(arguments).arg(path).output();
    let output = output.expect("ffprobe runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Decodes everything; panics on any complaint. Returns the MD5 of each decoded picture or sound frame.
pub fn decode(path: &Path) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "warning", "-xerror", "-i"])
        .arg(path)
        .args(["-map", "0", "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg runs");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next().map(|hash| hash.trim().to_owned())).collect()
}

/// Decodes a playlist; panics unless it decodes to its end. Returns the MD5 of each frame.
pub fn decode_lenient(path: &Path) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-allowed_extensions", "ALL", "-xerror", "-i"])
        .arg(path)
        .args(["-map", "0", "-vsync", "passthrough", "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg runs");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{}: {complaints}", path.display());
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next().map(|hash| hash.trim().to_owned())).collect()
}
