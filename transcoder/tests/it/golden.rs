//! Goldens: the plan of typical sources, and the manifests of a small ledger.

use lockstep_domain::{
    time::MediaTime,
    video::{RenditionPlan, Source},
    work::{Segment, WorkKind},
};
use lockstep_transcoder::{
    cmaf,
    manifest::{Ledger, LedgerError, dash, hls},
    plan,
};

fn source(width: u32, height: u32, rate: (u32, u32), duration_ms: i64) -> Source {
    Source {
        container: "mp4".to_owned(),
        video_codec: "h264".to_owned(),
        audio_codec: Some("aac".to_owned()),
        duration_us: MediaTime::from_millis(duration_ms),
        width,
        height,
        rotation_degrees: 0,
        frame_rate_num: rate.0,
        frame_rate_den: rate.1,
        audio_channels: 2,
        sounds: vec![],
        texts: vec![],
        chapters: vec![],
    }
}

fn rungs(width: u32, height: u32) -> String {
    let name =
        |rung: &RenditionPlan| format!("{} {}x{} {}", rung.name, rung.width, rung.height, rung.bitrate_bps / 1000);
    plan::ladder(width, height).iter().map(name).collect::<Vec<_>>().join(", ")
}

#[test]
fn ladders() {
    for (size, expected) in [
        ((1920, 1080), "1080p 1920x1080 4500, 720p 1280x720 2500, 480p 854x480 1200, 360p 640x360 600"),
        ((3840, 2160), "1080p 1920x1080 4500, 720p 1280x720 2500, 480p 854x480 1200, 360p 640x360 600"),
        ((1280, 720), "720p 1280x720 2500, 480p 854x480 1200, 360p 640x360 600"),
        ((1080, 1920), "1080p 1080x1920 4500, 720p 720x1280 2500, 480p 480x854 1200, 360p 360x640 600"),
        ((4096, 1716), "1080p 1920x804 4500, 720p 1280x536 2500, 480p 854x358 1200, 360p 640x268 600"),
        ((640, 272), "360p 640x272 600"),
        ((720, 405), "360p 640x360 600"),
        ((1024, 576), "480p 854x480 1200, 360p 640x360 600"),
        ((640, 480), "480p 640x480 1200, 360p 480x360 600"),
        ((176, 144), "360p 176x144 600"),
        ((1918, 1078), "1080p 1918x1078 4500, 720p 1280x720 2500, 480p 854x480 1200, 360p 640x360 600"),
        ((17, 33), "360p 16x32 600"),
    ] {
        assert_eq!(rungs(size.0, size.1), expected, "{size:?}");
    }
}

#[test]
fn no_rung_is_larger_than_the_source_and_all_are_even() {
    for width in (16..4200).step_by(37) {
        for height in (16..2400).step_by(53) {
            let ladder = plan::ladder(width, height);
            assert!(!ladder.is_empty());
            for rung in ladder {
                assert!(rung.width <= width && rung.height <= height, "{width}x{height}: {rung:?}");
                assert_eq!((rung.width % 2, rung.height % 2), (0, 0), "{width}x{height}: {rung:?}");
            }
        }
    }
}

#[test]
fn items_cover_the_film_once_in_at_most_eight_seconds() {
    for rate in [(25, 1), (30_000, 1001), (24_000, 1001), (60, 1), (120, 1), (15, 1), (1, 1), (12_345, 1000)] {
        for duration_ms in [40, 900, 3_999, 4_000, 4_500, 8_000, 9_100, 12_900, 60_000, 3_500_000] {
            let source = source(640, 360, rate, duration_ms);
            let plan = plan::plan(&source);
            let numbers: Vec<u32> = plan.items.iter().map(|item| item.number).collect();
            assert_eq!(numbers, (1..=u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
            assert_eq!(plan.items[0].kind, WorkKind::Thumbnail);
            assert_eq!(plan.items[1].kind, WorkKind::Audio);
            let (mut end, mut next) = (MediaTime::ZERO, 1);
            for item in &plan.items[2..] {
                let WorkKind::Chunk { first_segment, last_segment } = item.kind else { panic!("{item:?}") };
                assert_eq!((item.start_us, first_segment), (end, next));
                let length = item.end_us.as_micros() - item.start_us.as_micros();
                assert!(length > 0 && length <= plan::ITEM_US_MAX, "{rate:?} {duration_ms}: {item:?}");
                (end, next) = (item.end_us, last_segment + 1);
            }
            let frame_us = 1_000_000 * i64::from(rate.1) / i64::from(rate.0);
            assert!(
                (end.as_micros() - duration_ms * 1000).abs() <= frame_us.max(17_000),
                "{rate:?} {duration_ms} {end:?}"
            );
        }
    }
}

#[test]
fn a_plan_fits_in_one_event() {
    for duration_ms in [3_600_000, 7_200_000, 12 * 3_600_000] {
        let plan = plan::plan(&source(1920, 1080, (30_000, 1001), duration_ms));
        let json = serde_json::to_string(&(&plan.renditions, &plan.items)).unwrap();
        assert!(json.len() < 60_000, "{}", json.len());
        assert!(plan.items.len() <= plan::ITEMS_MAX + 3);
    }
}

#[test]
fn segments_are_whole_frames_of_at_most_four_seconds() {
    let grid = plan::grid(&source(640, 360, (30_000, 1001), 20_000));
    let clock = grid.clock;
    assert_eq!((clock.timescale, clock.frame_ticks, clock.rate_num, clock.rate_den), (60_000, 2002, 30_000, 1001));
    let frames: Vec<i64> =
        grid.spans.iter().map(|span| (span.end - span.start) / i64::from(clock.frame_ticks)).collect();
    assert_eq!(frames, [118, 118, 118, 118, 127]);
    let halved = plan::clock(120, 1);
    assert_eq!((halved.rate_num, halved.rate_den, halved.timescale / halved.frame_ticks), (60, 1, 60));
    let task = plan::chunk_task(&source(640, 360, (25, 1), 10_000), 3, 3);
    assert_eq!(task.keyframes, [8 * 102_400]);
    assert_eq!(plan::chunk_task(&source(640, 360, (25, 1), 10_000), 1, 2).keyframes, [0, 204_800, 409_600, 614_400]);
}

fn segment(rendition: &str, number: u32, start_ms: i64, end_ms: i64, bytes: u64, codecs: Option<&str>) -> Segment {
    Segment {
        rendition: rendition.to_owned(),
        number,
        pts_us: MediaTime::from_millis(start_ms),
        duration_us: MediaTime::from_millis(end_ms - start_ms),
        bytes,
        sha256: format!("{rendition}-{number}"),
        codecs: codecs.map(str::to_owned),
    }
}

fn published() -> Vec<Segment> {
    let mut segments = Vec::new();
    for (name, codecs, scale) in [("480p", "avc1.64001e", 4), ("360p", "avc1.64001e", 2), ("audio", "mp4a.40.2", 1)] {
        segments.push(segment(name, 0, 0, 0, 800, Some(codecs)));
        for (number, start_ms, end_ms, bytes) in
            [(1, 0, 4000, 150_000), (2, 4000, 8000, 130_000), (3, 8000, 9500, 30_000)]
        {
            segments.push(segment(name, number, start_ms, end_ms, bytes * scale, None));
        }
    }
    segments
}

fn film() -> Source {
    source(854, 480, (25, 1), 9_500)
}

fn ledger() -> Ledger {
    let mut shuffled = published();
    shuffled.reverse();
    Ledger::new(&film(), &plan::plan(&film()).renditions, &shuffled).unwrap()
}

#[test]
fn hls_master() {
    insta::assert_snapshot!(hls::master(&ledger()), @r##"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-INDEPENDENT-SEGMENTS
    #EXT-X-MEDIA:TYPE=AUDIO,URI="audio/playlist.m3u8",GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2"
    #EXT-X-STREAM-INF:BANDWIDTH=1500000,AVERAGE-BANDWIDTH=1305264,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=854x480,FRAME-RATE=25,AUDIO="sound"
    480p/playlist.m3u8
    #EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=783159,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25,AUDIO="sound"
    360p/playlist.m3u8
    "##);
}

#[test]
fn hls_media() {
    insta::assert_snapshot!(hls::media(&ledger().video[0]), @r##"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-INDEPENDENT-SEGMENTS
    #EXT-X-TARGETDURATION:4
    #EXT-X-MEDIA-SEQUENCE:1
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-MAP:URI="init.mp4"
    #EXTINF:4,
    00001.m4s
    #EXTINF:4,
    00002.m4s
    #EXTINF:1.5,
    00003.m4s
    #EXT-X-ENDLIST
    "##);
}

#[test]
fn dash_manifest() {
    insta::assert_snapshot!(dash::mpd(&ledger()).replace("><", ">\n<"), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="static" mediaPresentationDuration="PT9.5S" minBufferTime="PT4S" maxSegmentDuration="PT4S" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cenc="urn:mpeg:cenc:2013" xmlns:mspr="urn:microsoft:playready" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dvb="urn:dvb:dash-extensions:2014-1">
    <Period id="1" start="PT0S" duration="PT9.5S">
    <AdaptationSet id="1" contentType="video" sar="1:1" segmentAlignment="true" mimeType="video/mp4" maxWidth="854" maxHeight="480" frameRate="25" startWithSAP="1">
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
    <SegmentTemplate media="$RepresentationID$/$Number%05d$.m4s" initialization="$RepresentationID$/init.mp4" startNumber="1" timescale="1000000">
    <SegmentTimeline>
    <S t="0" d="4000000" r="1"/>
    <S d="1500000"/>
    </SegmentTimeline>
    </SegmentTemplate>
    <Representation id="480p" bandwidth="1200000" width="854" height="480" sar="1:1" frameRate="25" codecs="avc1.64001e" scanType="progressive"/>
    <Representation id="360p" bandwidth="600000" width="640" height="360" sar="1:1" frameRate="25" codecs="avc1.64001e" scanType="progressive"/>
    </AdaptationSet>
    <AdaptationSet id="2" contentType="audio" segmentAlignment="true" mimeType="audio/mp4" startWithSAP="1">
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
    <SegmentTemplate media="$RepresentationID$/$Number%05d$.m4s" initialization="$RepresentationID$/init.mp4" startNumber="1" timescale="1000000">
    <SegmentTimeline>
    <S t="0" d="4000000" r="1"/>
    <S d="1500000"/>
    </SegmentTimeline>
    </SegmentTemplate>
    <Representation id="audio" bandwidth="300000" audioSamplingRate="48000" codecs="mp4a.40.2">
    <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
    </Representation>
    </AdaptationSet>
    </Period>
    </MPD>
    "##);
}

#[test]
fn the_peak_is_of_runs_near_the_target_and_never_under_the_average() {
    let ledger = ledger();
    // 150 kB in 4 s; the short last segment alone does not count, with the one before it it does.
    assert_eq!(ledger.audio[0].peak_bps(), 300_000);
    assert_eq!(ledger.audio[0].average_bps(), 261_053);
    assert_eq!(ledger.video[0].facts().bandwidth_bps, 1_200_000);
    assert_eq!(ledger.video[0].facts().bytes, 800 + 4 * 310_000);
}

#[test]
fn a_film_with_a_hole_is_not_described() {
    let renditions = plan::plan(&film()).renditions;
    let check = |segments: &[Segment]| Ledger::new(&film(), &renditions, segments).unwrap_err();
    let without = |rendition: &str, number: u32| -> Vec<Segment> {
        published().into_iter().filter(|held| (held.rendition.as_str(), held.number) != (rendition, number)).collect()
    };
    let rendition = || "360p".to_owned();
    assert_eq!(check(&without("360p", 0)), LedgerError::NoInit { rendition: rendition() });
    assert_eq!(check(&without("360p", 2)), LedgerError::Missing { rendition: rendition(), number: 2 });
    let mut late = without("360p", 2);
    late.push(segment("360p", 2, 4001, 8000, 1, None));
    assert_eq!(check(&late), LedgerError::Gap { rendition: rendition(), number: 2 });
    let mut other = published();
    other.push(Segment { sha256: "other".to_owned(), ..segment("360p", 0, 0, 0, 800, Some("avc1.64001e")) });
    assert_eq!(check(&other), LedgerError::InitsDiffer { rendition: rendition() });
}

#[test]
fn nal_units_are_split_at_start_codes() {
    let stream = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 4, 5];
    let units = cmaf::nal_units(&stream);
    assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 4, 5]]);
    assert_eq!(cmaf::length_prefixed(&stream), [0, 0, 0, 3, 0x65, 4, 5]);
    assert_eq!(cmaf::avc_codec(&[0x67, 0x64, 0, 0x1f]), "avc1.64001f");
}
