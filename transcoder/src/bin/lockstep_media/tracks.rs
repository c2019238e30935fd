//! The tracks of a source beside its picture: sounds and words, with their languages; and its chapters.

use ff::{codec::Id, format::context::Input, format::stream::Disposition, media::Type};
use ffmpeg_next as ff;
use lockstep_domain::{
    Personal, captions,
    time::MediaTime,
    video::{self, CAPTIONS_MAX, Chapter, SoundRole, SoundTrack, TextKind, TextTrack},
};
use lockstep_transcoder::protocol::scale;

use crate::open;

/// Sound tracks of one film at most; further ones are left out.
const SOUNDS_MAX: usize = 8;

/// The sound tracks that can be decoded, the best first; none unless there are several.
pub fn sounds(input: &Input) -> Vec<SoundTrack> {
    let Some(best) = open::audio_stream(input) else { return vec![] };
    let others = input.streams().filter(|stream| stream.parameters().medium() == Type::Audio);
    let others = others.map(|stream| stream.index()).filter(|index| *index != best);
    let decodable = others.filter(|index| open::decoder(input, *index, true).is_ok());
    let found: Vec<SoundTrack> =
        std::iter::once(best).chain(decodable).take(SOUNDS_MAX).filter_map(|index| sound(input, index)).collect();
    if found.len() > 1 { found } else { vec![] }
}

fn sound(input: &Input, index: usize) -> Option<SoundTrack> {
    let stream = input.stream(index)?;
    let marked = |mark| stream.disposition().contains(mark);
    let role = if marked(Disposition::COMMENT) {
        SoundRole::Commentary
    } else if marked(Disposition::VISUAL_IMPAIRED) {
        SoundRole::Description
    } else {
        SoundRole::Main
    };
    Some(SoundTrack { stream: u32::try_from(index).ok()?, language: language(&stream), role })
}

/// The text tracks of kinds that are words; pictures of words are left out.
pub fn texts(input: &Input) -> Vec<TextTrack> {
    let words = input.streams().filter_map(|stream| {
        let kind = match stream.parameters().id() {
            Id::SUBRIP | Id::SRT | Id::TEXT => TextKind::Subrip,
            Id::ASS | Id::SSA => TextKind::Ass,
            Id::MOV_TEXT => TextKind::MovText,
            Id::WEBVTT => TextKind::Webvtt,
            _ => return None,
        };
        let is_text = stream.parameters().medium() == Type::Subtitle;
        let stream_index = u32::try_from(stream.index()).ok().filter(|_| is_text)?;
        Some(TextTrack { stream: stream_index, kind, language: language(&stream) })
    });
    words.take(CAPTIONS_MAX).collect()
}

fn language(stream: &ff::format::stream::Stream<'_>) -> Option<String> {
    captions::language(stream.metadata().get("language")?)
}

/// The chapters as the container names them, on the film's time axis, which starts at `start_us` of the source's. Whose
/// words the titles are is not known here.
pub fn chapters(input: &Input, start_us: i64, duration: MediaTime) -> Vec<Chapter> {
    let found = input.chapters().map(|chapter| {
        let base = chapter.time_base();
        let at_us = scale(chapter.start(), 1_000_000 * i64::from(base.numerator()), i64::from(base.denominator()));
        let title = chapter.metadata().get("title").unwrap_or_default().to_owned();
        (MediaTime::from_micros(at_us.saturating_sub(start_us)), title)
    });
    let known = video::chapters(found.collect(), duration).into_iter();
    known.map(|(start_us, title)| Chapter { start_us, title: Personal::new("", title) }).collect()
}
