//! HLS (RFC 8216): one master playlist and one media playlist per rendition, through the types of `m3u8-rs`.

use m3u8_rs::{
    AlternativeMedia, AlternativeMediaType, Map, MasterPlaylist, MediaPlaylist, MediaPlaylistType, MediaSegment,
    Resolution, VariantStream,
};

use lockstep_domain::video::SoundRole;

use super::{Ledger, Track};
use crate::keys;

/// The lowest protocol version that has fMP4 maps and independent segments.
const VERSION: usize = 7;
const AUDIO_GROUP: &str = "sound";
/// A sound track that says what is to be seen.
const DESCRIBES: &str = "public.accessibility.describes-video";

/// `master.m3u8`: every picture size with the sound as a group.
pub fn master(ledger: &Ledger) -> String {
    let playlist = MasterPlaylist {
        version: Some(VERSION),
        independent_segments: true,
        alternatives: ledger.audio.iter().enumerate().map(|(place, track)| sound(ledger, place, track)).collect(),
        variants: ledger.video.iter().map(|track| variant(ledger, track)).collect(),
        ..Default::default()
    };
    text(|out| playlist.write_to(out))
}

/// A film with one sound track says no more of it than that; several have names, which must differ.
fn sound(ledger: &Ledger, place: usize, track: &Track) -> AlternativeMedia {
    let told = ledger.sounds.get(place);
    let language = told.and_then(|told| told.language.clone());
    let role = told.map_or(SoundRole::Main, |told| told.role);
    AlternativeMedia {
        media_type: AlternativeMediaType::Audio,
        uri: Some(format!("{}/playlist.m3u8", track.plan.name)),
        group_id: AUDIO_GROUP.to_owned(),
        name: ledger.sound_name(place),
        language,
        default: place == 0,
        // A commentary is nothing a player may choose by itself.
        autoselect: role != SoundRole::Commentary,
        characteristics: (role == SoundRole::Description).then(|| DESCRIBES.to_owned()),
        channels: Some("2".to_owned()),
        ..Default::default()
    }
}

/// A variant's rates are those of its picture and of the sound together (RFC 8216 4.3.4.2).
fn variant(ledger: &Ledger, track: &Track) -> VariantStream {
    let audio = ledger.audio.first();
    let highest = |rate: fn(&Track) -> u64| ledger.audio.iter().map(rate).max().unwrap_or(0);
    let codecs: Vec<&str> =
        [track.codecs.as_str()].into_iter().chain(audio.map(|audio| audio.codecs.as_str())).collect();
    let thousandths =
        (u64::from(ledger.rate.0) * 1000 + u64::from(ledger.rate.1) / 2) / u64::from(ledger.rate.1.max(1));
    VariantStream {
        uri: format!("{}/playlist.m3u8", track.plan.name),
        bandwidth: track.peak_bps() + highest(Track::peak_bps),
        average_bandwidth: Some(track.average_bps() + highest(Track::average_bps)),
        codecs: Some(codecs.join(",")),
        resolution: Some(Resolution { width: track.plan.width.into(), height: track.plan.height.into() }),
        frame_rate: Some(f64::from(u32::try_from(thousandths).unwrap_or(0)) / 1000.0),
        audio: audio.map(|_| AUDIO_GROUP.to_owned()),
        ..Default::default()
    }
}

/// `<rendition>/playlist.m3u8` of a finished film.
pub fn media(track: &Track) -> String {
    let mut segments: Vec<MediaSegment> = track
        .segments
        .iter()
        .map(|segment| MediaSegment {
            uri: keys::file_name(segment.number),
            duration: seconds(segment.duration_us.as_micros()),
            ..Default::default()
        })
        .collect();
    if let Some(first) = segments.first_mut() {
        first.map = Some(Map { uri: keys::file_name(0), ..Default::default() });
    }
    let playlist = MediaPlaylist {
        version: Some(VERSION),
        target_duration: track.target_duration_s(),
        media_sequence: 1,
        segments,
        end_list: true,
        playlist_type: Some(MediaPlaylistType::Vod),
        independent_segments: true,
        ..Default::default()
    };
    text(|out| playlist.write_to(out))
}

/// Seconds as the crate's `f32`: exact to a microsecond for the lengths a segment has.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "segments last seconds")]
fn seconds(us: i64) -> f32 {
    (us as f64 / 1_000_000.0) as f32
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("writing to memory cannot fail");
    String::from_utf8(out).expect("the playlist is made of text")
}
