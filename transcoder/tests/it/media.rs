//! What a film has beside picture and first sound: further sounds, words, small pictures.

use std::{collections::BTreeSet, path::Path};

use lockstep_domain::{
    time::MediaTime,
    video::{SoundRole, SoundTrack, Source, TextKind, TextTrack},
    work::{Segment, WorkKind},
};
use lockstep_transcoder::{
    manifest::{Ledger, dash, hls},
    plan, storyboard,
};

use crate::{
    clips,
    encodes::{check_sound, ledger_segment},
    rig::{self, Memory},
};

const SUBRIP: &str = "1\n00:00:01,000 --> 00:00:02,500\nHello <i>there</i>\n\n2\n00:00:05,000 --> 00:00:06,000\nR&D\n";
const ASS: &str = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n\
    [Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
    Dialogue: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,{\\i1}Guten Tag{\\i0}\\Nzusammen\n";
const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=4000\ntitle=Start\n\
    [CHAPTER]\nTIMEBASE=1/1000\nSTART=4000\nEND=9000\ntitle=End\n";

/// Two sounds and two text tracks with languages, and chapters; in Matroska or MP4.
fn rich(folder: &Path, name: &str, options: &str) -> std::path::PathBuf {
    for (file, text) in [("words.srt", SUBRIP), ("words.ass", ASS), ("chapters.txt", CHAPTERS)] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    let at = |file: &str| folder.join(file).display().to_string();
    let arguments = format!(
        "-f lavfi -i testsrc2=size=320x240:rate=25 -f lavfi -i sine=frequency=440 -f lavfi -i sine=frequency=880 -i {} \
         -i {} -i {} -t 9 -map 0:v -map 1:a -map 2:a -map 3:s -map 4:s -map_metadata 5 -metadata:s:a:0 language=eng \
         -metadata:s:a:1 language=ger -metadata:s:s:0 language=eng -metadata:s:s:0 title=Plain -metadata:s:s:1 language=ger \
         -disposition:a:1 comment -c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p -c:a aac -ac 1 {options}",
        at("words.srt"),
        at("words.ass"),
        at("chapters.txt"),
    );
    clips::make(folder, name, &arguments)
}

fn text_of(kept: &rig::Kept, number: u32) -> String {
    String::from_utf8(kept.segments[&("text".to_owned(), number)].1.to_vec()).unwrap()
}

#[tokio::test]
async fn every_sound_and_text_track_comes_out_with_its_language() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Memory::file(&rich(folder.path(), "rich.mkv", "-c:s copy"));
    let probed = rig::probe(&clip).await;
    let sound = |stream, language: &str, role| SoundTrack { stream, language: Some(language.to_owned()), role };
    assert_eq!(probed.sounds, [sound(1, "en", SoundRole::Main), sound(2, "de", SoundRole::Commentary)]);
    let text = |stream, kind, language: &str| TextTrack { stream, kind, language: Some(language.to_owned()) };
    assert_eq!(probed.texts, [text(3, TextKind::Subrip, "en"), text(4, TextKind::Ass, "de")]);

    let kept = rig::encode_all(&clip, &probed).await;
    let plain =
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello <i>there</i>\n\n00:00:05.000 --> 00:00:06.000\nR&amp;D\n";
    assert_eq!(text_of(&kept, 1), plain);
    assert_eq!(text_of(&kept, 2), "WEBVTT\n\n00:00:02.000 --> 00:00:03.000\n<i>Guten Tag</i>\nzusammen\n");
    assert_eq!(kept.segments[&("text".to_owned(), 1)].0.label.as_deref(), Some("Plain"));
    check_sound(&kept, "audio", folder.path(), 9.0);
    check_sound(&kept, "audio2", folder.path(), 9.0);
    let joined = |name: &str| std::fs::read(kept.join(name, folder.path())).unwrap();
    assert_ne!(joined("audio"), joined("audio2"), "each sound is its own");

    let published: Vec<Segment> =
        kept.segments.values().map(|(head, bytes)| ledger_segment(head, bytes.len())).collect();
    let ledger = Ledger::new(&probed, &plan::plan(&probed).renditions, &published).expect("the film is whole");
    let (master, mpd) = (hls::master(&ledger), dash::mpd(&ledger));
    assert!(master.contains("URI=\"audio2/playlist.m3u8\",GROUP-ID=\"sound\",LANGUAGE=\"de\""), "{master}");
    assert!(mpd.contains("lang=\"en\"") && mpd.contains("lang=\"de\"") && mpd.contains("commentary"), "{mpd}");
}

#[tokio::test]
async fn words_in_an_mp4_come_out_too() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Memory::file(&rich(folder.path(), "rich.mp4", "-c:s mov_text"));
    let probed = rig::probe(&clip).await;
    assert_eq!(probed.texts.iter().map(|text| text.kind).collect::<Vec<_>>(), [TextKind::MovText; 2]);
    let mut kept = rig::Kept::default();
    let task = lockstep_transcoder::protocol::Task::Captions(plan::captions_task(&probed));
    rig::run(&rig::program(), &clip, task, &mut kept).await.unwrap();
    assert!(text_of(&kept, 1).contains("00:00:01.000 --> 00:00:02.500\nHello"), "{}", text_of(&kept, 1));
    assert!(text_of(&kept, 2).contains("Guten Tag\nzusammen"), "{}", text_of(&kept, 2));
}

#[tokio::test]
async fn the_small_pictures_show_the_film_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    // Black for three seconds, then white: a tile's grey says when it was taken.
    let film = "-f lavfi -i color=black:size=320x240:rate=25:duration=3 -f lavfi -i color=white:size=320x240:rate=25:duration=7 \
        -filter_complex [0][1]concat=n=2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let clip = Memory::file(&clips::make(folder.path(), "two.mp4", film));
    let probed = rig::probe(&clip).await;
    let kept = rig::encode_all(&clip, &probed).await;
    let sheets: Vec<u32> = kept.of("tiles").map(|(head, _)| head.number).collect();
    assert_eq!(sheets, [1, 3]);
    let mut greys = Vec::new();
    for (number, columns) in [(1, 4), (3, 1)] {
        let path = folder.path().join(format!("{number}.jpg"));
        std::fs::write(&path, &kept.segments[&("tiles".to_owned(), number)].1).unwrap();
        let size = clips::ffprobe(&path, &["-show_entries", "stream=width,height", "-of", "csv=p=0"]);
        assert_eq!(size.trim(), format!("{},90", columns * 160));
        let raw = folder.path().join("raw.gray");
        clips::make(folder.path(), "raw.gray", &format!("-i {} -f rawvideo -pix_fmt gray", path.display()));
        let pixels = std::fs::read(raw).unwrap();
        greys.extend((0..columns).map(|column| pixels[45 * columns * 160 + column * 160 + 80]));
        assert!(pixels[45 * columns * 160 + 4] < 20, "beside a 4:3 picture its tile is black");
    }
    assert!(greys[..2].iter().all(|grey| *grey < 20) && greys[2..].iter().all(|grey| *grey > 235), "{greys:?}");

    let board = storyboard::board(&probed, &plan::plan(&probed).items, &sheets.into_iter().collect()).unwrap();
    assert_eq!(board.tiles, 5);
    assert!(board.text.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\ntiles/00001.jpg#xywh=0,0,160,90\n"));
    assert!(
        board.text.ends_with("\n00:00:08.000 --> 00:00:10.000\ntiles/00003.jpg#xywh=0,0,160,90\n"),
        "{}",
        board.text
    );
}

fn source(duration_ms: i64) -> Source {
    Source {
        container: "mp4".to_owned(),
        video_codec: "h264".to_owned(),
        audio_codec: Some("aac".to_owned()),
        duration_us: MediaTime::from_millis(duration_ms),
        width: 1920,
        height: 1080,
        rotation_degrees: 0,
        frame_rate_num: 30_000,
        frame_rate_den: 1001,
        audio_channels: 2,
        sounds: vec![],
        texts: vec![],
        chapters: vec![],
    }
}

#[test]
fn small_pictures_cover_films_of_every_length_once() {
    for (duration_ms, interval_s) in
        [(900, 2), (60_000, 2), (600_000, 2), (601_000, 5), (3_600_000, 5), (43_200_000, 10)]
    {
        let source = source(duration_ms);
        let grid = plan::grid(&source);
        let mut ticks = Vec::new();
        let mut firsts = BTreeSet::new();
        for item in plan::plan(&source).items {
            let WorkKind::Chunk { first_segment, last_segment } = item.kind else { continue };
            let of_chunk = storyboard::ticks(&source, &grid, first_segment, last_segment);
            assert!(of_chunk.len() <= 100);
            let (columns, rows) = storyboard::sheet(u32::try_from(of_chunk.len()).unwrap());
            assert!(columns <= 10 && rows <= 10);
            firsts.insert(first_segment);
            ticks.extend(of_chunk);
        }
        let expected: Vec<i64> =
            (0..).map(|n| grid.clock.ticks(n * interval_s * 1_000_000)).take_while(|tick| *tick < grid.end()).collect();
        assert_eq!(ticks, expected, "{duration_ms}");
        let board = storyboard::board(&source, &plan::plan(&source).items, &firsts).unwrap();
        assert_eq!(board.tiles as usize, expected.len());
    }
}

#[test]
fn a_film_whose_sheets_are_missing_has_no_storyboard() {
    let source = source(20_000);
    let items = plan::plan(&source).items;
    assert_eq!(storyboard::board(&source, &items, &BTreeSet::new()), None);
    assert_eq!(storyboard::board(&source, &items, &BTreeSet::from([1])).unwrap().tiles, 4);
}

#[test]
fn several_sounds_and_words_are_planned() {
    let sound =
        |stream, language: Option<&str>, role| SoundTrack { stream, language: language.map(str::to_owned), role };
    let several = Source {
        sounds: vec![
            sound(1, Some("en"), SoundRole::Main),
            sound(2, Some("de"), SoundRole::Main),
            sound(4, None, SoundRole::Description),
        ],
        texts: vec![TextTrack { stream: 3, kind: TextKind::Subrip, language: None }],
        frame_rate_num: 25,
        frame_rate_den: 1,
        ..source(8_000)
    };
    let plan = plan::plan(&several);
    let names: Vec<&str> = plan.renditions.iter().map(|plan| plan.name.as_str()).collect();
    assert_eq!(names, ["1080p", "720p", "480p", "360p", "audio", "audio2", "audio3"]);
    let kinds: Vec<&WorkKind> = plan.items.iter().map(|item| &item.kind).take(5).collect();
    let (second, third) = (WorkKind::Sound { track: 2 }, WorkKind::Sound { track: 3 });
    assert_eq!(kinds, [&WorkKind::Thumbnail, &WorkKind::Audio, &second, &third, &WorkKind::Captions]);
    assert_eq!(plan::audio_task(&several, 3).stream, Some(4));
    assert_eq!(plan::audio_task(&source(9_500), 1).stream, None);

    let mut published = Vec::new();
    for (name, scale) in
        [("1080p", 9), ("720p", 5), ("480p", 3), ("360p", 2), ("audio", 1), ("audio2", 1), ("audio3", 2)]
    {
        for (number, start_ms, end_ms) in [(0, 0, 0), (1, 0, 4_000), (2, 4_000, 8_000)] {
            let bytes = if number == 0 { 800 } else { scale * 100_000 };
            published.push(Segment {
                rendition: name.to_owned(),
                number,
                pts_us: MediaTime::from_millis(start_ms),
                duration_us: MediaTime::from_millis(end_ms - start_ms),
                bytes,
                sha256: String::new(),
                codecs: (number == 0).then(|| "x".to_owned()),
            });
        }
    }
    let ledger = Ledger::new(&several, &plan.renditions, &published).unwrap();
    let media: String =
        hls::master(&ledger).lines().filter(|line| line.starts_with("#EXT-X-MEDIA")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(media, @r##"
    #EXT-X-MEDIA:TYPE=AUDIO,URI="audio/playlist.m3u8",GROUP-ID="sound",LANGUAGE="en",NAME="Sound 1 (en)",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2"
    #EXT-X-MEDIA:TYPE=AUDIO,URI="audio2/playlist.m3u8",GROUP-ID="sound",LANGUAGE="de",NAME="Sound 2 (de)",AUTOSELECT=YES,CHANNELS="2"
    #EXT-X-MEDIA:TYPE=AUDIO,URI="audio3/playlist.m3u8",GROUP-ID="sound",NAME="Sound 3 (description)",AUTOSELECT=YES,CHARACTERISTICS="public.accessibility.describes-video",CHANNELS="2"
    "##);
    let mpd = dash::mpd(&ledger).replace("><", ">\n<");
    let sets: String = mpd
        .lines()
        .filter(|line| line.starts_with("<AdaptationSet") || line.starts_with("<Role"))
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(sets, @r##"
    <AdaptationSet id="1" contentType="video" sar="1:1" segmentAlignment="true" mimeType="video/mp4" maxWidth="1920" maxHeight="1080" frameRate="25" startWithSAP="1">
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
    <AdaptationSet id="2" selectionPriority="2" contentType="audio" lang="en" segmentAlignment="true" mimeType="audio/mp4" startWithSAP="1">
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
    <AdaptationSet id="3" contentType="audio" lang="de" segmentAlignment="true" mimeType="audio/mp4" startWithSAP="1">
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="dub"/>
    <AdaptationSet id="4" contentType="audio" segmentAlignment="true" mimeType="audio/mp4" startWithSAP="1">
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="description"/>
    "##);
}
