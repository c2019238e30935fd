//! CMAF boxes (ISO/IEC 14496-12, 23000-19), written here so that every byte is ours: init segments and media
//! segments of one track.
//!
//! A segment's decode time starts exactly at its first picture's time, so two independently encoded chunks join.
//! Pictures that are shown in another order than decoded need a composition offset; offsets are positive and the
//! init segment's edit list takes their constant part back, so the first picture is shown at zero (players apply
//! it, and so does libavformat, which does not read signed offsets as CMAF means them).

/// One sample of a track, in decode order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Presentation time, track ticks.
    pub pts: i64,
    /// Coded bytes as the file format wants them: length-prefixed NAL units, or one raw AAC frame.
    pub bytes: Vec<u8>,
    /// A decoder can start here.
    pub key: bool,
}

/// What a video init segment says.
#[derive(Debug, Clone, Copy)]
pub struct VideoTrack<'a> {
    pub timescale: u32,
    pub width: u32,
    pub height: u32,
    /// The constant part of all composition offsets, ticks.
    pub delay: u32,
    /// Without start code.
    pub sps: &'a [u8],
    pub pps: &'a [u8],
}

/// What an audio init segment says: AAC-LC, stereo.
#[derive(Debug, Clone, Copy)]
pub struct AudioTrack<'a> {
    /// The sample rate, which is the timescale too.
    pub rate: u32,
    pub bitrate_bps: u32,
    /// `AudioSpecificConfig` (ISO/IEC 14496-3).
    pub config: &'a [u8],
}

/// The NAL units of an Annex B byte stream, without start codes.
pub fn nal_units(stream: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == [0, 0, 1] {
            starts.push(at);
            at += 3;
        } else {
            at += 1;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let trimmed = |unit: &'_ [u8]| unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &stream[start + 3..end])
        .map(|unit| &unit[..trimmed(unit)])
        .filter(|unit| !unit.is_empty())
        .collect()
}

/// The type of an H.264 NAL unit: 5 is an IDR slice, 7 an SPS, 8 a PPS.
pub fn nal_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |byte| byte & 0x1f)
}

/// An Annex B picture as length-prefixed slices; parameter sets, delimiters and messages are left out.
pub fn length_prefixed(stream: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(stream.len() + 16);
    for unit in nal_units(stream).into_iter().filter(|unit| (1..=5).contains(&nal_type(unit))) {
        bytes.extend(u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(unit);
    }
    bytes
}

/// RFC 6381 name of an H.264 stream, from its SPS.
pub fn avc_codec(sps: &[u8]) -> String {
    match sps {
        [_, profile, constraints, level, ..] => format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
        _ => "avc1".to_owned(),
    }
}

/// RFC 6381 name of AAC-LC.
pub const AAC_CODEC: &str = "mp4a.40.2";

/// The init segment of a video track: limited-range BT.709, square samples.
pub fn init_video(track: &VideoTrack<'_>) -> Vec<u8> {
    let size = |value: u32| u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes();
    let mut entry = vec![0, 0, 0, 0, 0, 0, 0, 1];
    entry.extend([0; 16]);
    entry.extend(size(track.width));
    entry.extend(size(track.height));
    entry.extend([0, 0x48, 0, 0, 0, 0x48, 0, 0, 0, 0, 0, 0, 0, 1]);
    entry.extend([0; 32]);
    entry.extend([0, 0x18, 0xff, 0xff]);
    entry.extend(boxed(b"avcC", &avc_configuration(track.sps, track.pps)));
    entry.extend(boxed(b"colr", b"nclx\0\x01\0\x01\0\x01\0"));
    entry.extend(boxed(b"pasp", &[0, 0, 0, 1, 0, 0, 0, 1]));
    let media_header = full(b"vmhd", 0, 1, &[0; 8]);
    let shape = Shape { size: (track.width, track.height), timescale: track.timescale, delay: track.delay };
    init(&shape, b"vide", &media_header, &boxed(b"avc1", &entry))
}

/// The init segment of a stereo AAC track.
pub fn init_audio(track: &AudioTrack<'_>) -> Vec<u8> {
    let mut entry = vec![0, 0, 0, 0, 0, 0, 0, 1];
    entry.extend([0; 8]);
    entry.extend([0, 2, 0, 16, 0, 0, 0, 0]);
    entry.extend((track.rate << 16).to_be_bytes());
    entry.extend(full(b"esds", 0, 0, &elementary_stream(track)));
    let media_header = full(b"smhd", 0, 0, &[0; 4]);
    let shape = Shape { size: (0, 0), timescale: track.rate, delay: 0 };
    init(&shape, b"soun", &media_header, &boxed(b"mp4a", &entry))
}

/// `avcC` (ISO/IEC 14496-15): four-byte lengths, 8-bit 4:2:0.
fn avc_configuration(sps: &[u8], pps: &[u8]) -> Vec<u8> {
    let byte = |at: usize| sps.get(at).copied().unwrap_or(0);
    let length = |unit: &[u8]| u16::try_from(unit.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut body = vec![1, byte(1), byte(2), byte(3), 0xff, 0xe1];
    body.extend(length(sps));
    body.extend_from_slice(sps);
    body.push(1);
    body.extend(length(pps));
    body.extend_from_slice(pps);
    if matches!(byte(1), 100 | 110 | 122 | 144) {
        body.extend([0xfd, 0xf8, 0xf8, 0]);
    }
    body
}

/// An ES descriptor (ISO/IEC 14496-1) around the `AudioSpecificConfig`.
fn elementary_stream(track: &AudioTrack<'_>) -> Vec<u8> {
    let mut decoder = vec![0x40, 0x15, 0, 0, 0];
    decoder.extend(track.bitrate_bps.to_be_bytes());
    decoder.extend(track.bitrate_bps.to_be_bytes());
    decoder.extend(descriptor(5, track.config));
    let mut stream = vec![0, 1, 0];
    stream.extend(descriptor(4, &decoder));
    stream.extend(descriptor(6, &[2]));
    descriptor(3, &stream)
}

fn descriptor(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag, 0x80, 0x80, 0x80, u8::try_from(body.len()).unwrap_or(0x7f) & 0x7f];
    bytes.extend_from_slice(body);
    bytes
}

/// What the headers of an init segment say besides the sample entry.
struct Shape {
    size: (u32, u32),
    timescale: u32,
    delay: u32,
}

/// An edit list that starts the track at media time `delay`; none for no delay.
fn edit_list(delay: u32) -> Vec<u8> {
    let entry = [&[0, 0, 0, 1, 0, 0, 0, 0][..], &delay.to_be_bytes(), &[0, 1, 0, 0]].concat();
    if delay == 0 { Vec::new() } else { boxed(b"edts", &full(b"elst", 0, 0, &entry)) }
}

fn init(shape: &Shape, handler: &[u8; 4], media_header: &[u8], entry: &[u8]) -> Vec<u8> {
    let sound = handler == b"soun";
    let mut bytes = boxed(b"ftyp", b"cmfc\0\0\0\0iso6cmfcmp41");
    let mut tkhd = [0; 80];
    tkhd[11] = 1;
    tkhd[32] = u8::from(sound);
    tkhd[36..72].copy_from_slice(&MATRIX);
    let tkhd = [&tkhd[..72], &(shape.size.0 << 16).to_be_bytes(), &(shape.size.1 << 16).to_be_bytes()].concat();
    let mut hdlr = vec![0; 4];
    hdlr.extend(handler);
    hdlr.extend([0; 13]);
    let empty = full(b"stts", 0, 0, &[0; 4]);
    let tables = [
        full(b"stsd", 0, 0, &[&[0, 0, 0, 1], entry].concat()),
        empty,
        full(b"stsc", 0, 0, &[0; 4]),
        full(b"stsz", 0, 0, &[0; 8]),
        full(b"stco", 0, 0, &[0; 4]),
    ]
    .concat();
    let dref = full(b"dref", 0, 0, &[&[0, 0, 0, 1][..], &full(b"url ", 0, 1, &[])].concat());
    let minf = [media_header, &boxed(b"dinf", &dref), &boxed(b"stbl", &tables)].concat();
    let mdhd = [&[0; 8][..], &shape.timescale.to_be_bytes(), &[0; 4], &[0x55, 0xc4, 0, 0]].concat();
    let mdia = [full(b"mdhd", 0, 0, &mdhd), full(b"hdlr", 0, 0, &hdlr), boxed(b"minf", &minf)].concat();
    let trak = [full(b"tkhd", 0, 7, &tkhd), edit_list(shape.delay), boxed(b"mdia", &mdia)].concat();
    let trex = full(b"trex", 0, 0, &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let moov = [full(b"mvhd", 0, 0, &movie_header()), boxed(b"trak", &trak), boxed(b"mvex", &trex)].concat();
    bytes.extend(boxed(b"moov", &moov));
    bytes
}

/// The unity matrix of movie and track headers.
const MATRIX: [u8; 36] = {
    let mut matrix = [0; 36];
    matrix[1] = 1;
    matrix[17] = 1;
    matrix[32] = 0x40;
    matrix
};

fn movie_header() -> Vec<u8> {
    let mut body = vec![0; 8];
    body.extend(1000_u32.to_be_bytes());
    body.extend([0; 4]);
    body.extend([0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    body.extend(MATRIX);
    body.extend([0; 24]);
    body.extend(2_u32.to_be_bytes());
    body
}

/// One media segment (`styp moof mdat`) that covers its first sample's time up to `end`.
///
/// Samples come in decode order, the first one is the earliest in presentation order too. `delay` is the init
/// segment's; no sample may be decoded later than that after its presentation, or it is decoded earlier instead.
pub fn media_segment(number: u32, samples: &[Sample], end: i64, delay: u32) -> Vec<u8> {
    let mut bytes = boxed(b"styp", b"cmfs\0\0\0\0cmfsmsdhiso6");
    let entries = entries(samples, end, delay);
    let start = entries.first().map_or(0, |entry| entry.decode);
    // The offset to the data is only known once the moof's length is; its length does not depend on it.
    let length = movie_fragment(number, start, &entries, 0).len();
    let offset = i32::try_from(length + 8).unwrap_or(i32::MAX);
    bytes.extend(movie_fragment(number, start, &entries, offset));
    let payload = samples.iter().map(|sample| sample.bytes.as_slice()).collect::<Vec<_>>().concat();
    bytes.extend(boxed(b"mdat", &payload));
    bytes
}

/// One row of a track run.
struct Entry {
    decode: i64,
    duration: i64,
    offset: i64,
    bytes: usize,
    key: bool,
}

/// Decode times: the sorted presentation times, but never more than `delay` after what is still to be shown.
fn entries(samples: &[Sample], end: i64, delay: u32) -> Vec<Entry> {
    let delay = i64::from(delay);
    let mut decode: Vec<i64> = samples.iter().map(|sample| sample.pts).collect();
    decode.sort_unstable();
    let mut earliest = i64::MAX;
    for (decode, sample) in decode.iter_mut().zip(samples).rev() {
        earliest = earliest.min(sample.pts + delay);
        *decode = earliest.min(*decode);
    }
    let nexts: Vec<i64> = decode.iter().skip(1).copied().chain([end]).collect();
    let rows = samples.iter().zip(decode).zip(nexts);
    rows.map(|((sample, decode), next)| Entry {
        decode,
        duration: (next - decode).max(0),
        offset: sample.pts + delay - decode,
        bytes: sample.bytes.len(),
        key: sample.key,
    })
    .collect()
}

fn movie_fragment(number: u32, start: i64, entries: &[Entry], offset: i32) -> Vec<u8> {
    let wide = |value: i64| u32::try_from(value).unwrap_or(0).to_be_bytes();
    let mut trun = u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    trun.extend(offset.to_be_bytes());
    for entry in entries {
        trun.extend(wide(entry.duration));
        trun.extend(u32::try_from(entry.bytes).unwrap_or(u32::MAX).to_be_bytes());
        trun.extend(if entry.key { 0x0200_0000_u32 } else { 0x0101_0000 }.to_be_bytes());
        trun.extend(wide(entry.offset));
    }
    let traf = [
        full(b"tfhd", 0, 0x02_0000, &[0, 0, 0, 1]),
        full(b"tfdt", 1, 0, &start.to_be_bytes()),
        full(b"trun", 0, 0x0000_0f01, &trun),
    ]
    .concat();
    boxed(b"moof", &[full(b"mfhd", 0, 0, &number.to_be_bytes()), boxed(b"traf", &traf)].concat())
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len() + 8).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend_from_slice(body);
    bytes
}

fn full(kind: &[u8; 4], version: u8, flags: u32, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = flags.to_be_bytes();
    boxed(kind, &[&[version, a, b, c], body].concat())
}
