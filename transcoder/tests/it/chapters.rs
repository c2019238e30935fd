//! The chapters of a source, as the probe finds them.

use lockstep_domain::video::Chapter;

use crate::{
    clips,
    rig::{self, Memory},
};

async fn check(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let words = folder.path().join("chapters.txt");
    std::fs::write(
        &words,
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2500\ntitle=Beginning\n\
         [CHAPTER]\nTIMEBASE=1/1000\nSTART=2500\nEND=6000\ntitle=Ende & <b>Schluß</b>\n",
    )
    .unwrap();
    let film = format!(
        "-f lavfi -i testsrc=size=320x240:rate=25:duration=6 -i {} -map 0:v -map_metadata 1 -map_chapters 1 \
         -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
        words.display()
    );
    let probed = rig::probe(&Memory::file(&clips::make(folder.path(), name, &film))).await;
    let told: Vec<_> = probed.chapters.iter().map(told).collect();
    assert_eq!(told, [(0, "Beginning"), (2_500_000, "Ende & <b>Schluß</b>")], "{name}");
    // The track that holds them in an MP4 is no captions.
    assert!(probed.texts.is_empty(), "{name}");
}

fn told(chapter: &Chapter) -> (i64, &str) {
    (chapter.start_us.as_micros(), chapter.title.value().map_or("", String::as_str))
}

#[tokio::test]
async fn chapters_are_found_with_their_titles() {
    check("parts.mkv").await;
    check("parts.mp4").await;
}
