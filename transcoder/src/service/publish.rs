//! Publishing: bytes, then their hash, then the durable object, then the event. Never the other way round.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use lockstep_commands::{CommandError, transcode, transcode::Claim};
use lockstep_domain::{time::MediaTime, work::Segment};
use lockstep_object_store::{Bucket, Caching, ObjectError};
use sha2::{Digest, Sha256};

use super::shared::{Shared, insist};
use crate::{
    child::{ByteSource, Refused, Sink, Unreadable},
    keys,
    protocol::{AUDIO, Progress, SegmentHead, TEXT, THUMBNAIL, TILES},
};

/// How often a call to the object store is repeated.
const STORE_TRIES_MAX: u32 = 5;
/// Pause before the second try; it doubles.
const STORE_PAUSE: Duration = Duration::from_millis(200);

/// What an object is, and how long copies of it may be kept.
#[derive(Clone, Copy)]
pub struct Kind {
    pub content_type: &'static str,
    pub caching: Caching,
}

impl Kind {
    /// Written once under its key.
    pub const fn lasting(content_type: &'static str) -> Self {
        Self { content_type, caching: Caching::ForEver }
    }
}

/// Stores an object, with a few tries.
pub async fn put(bucket: &Bucket, key: &str, bytes: Bytes, kind: Kind) -> Result<(), ObjectError> {
    let mut pause = STORE_PAUSE;
    for _ in 1..STORE_TRIES_MAX {
        match bucket.publish(key, bytes.clone(), kind.content_type, kind.caching).await {
            Err(ObjectError::Unavailable(_)) => {}
            ended => return ended,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    bucket.publish(key, bytes, kind.content_type, kind.caching).await
}

/// The uploaded file in the interim bucket.
pub struct Upload<'a> {
    pub bucket: &'a Bucket,
    pub key: &'a str,
}

#[async_trait]
impl ByteSource for Upload<'_> {
    async fn read(&self, start: u64, bytes: u32) -> Result<Bytes, Unreadable> {
        let mut pause = STORE_PAUSE;
        for attempt in 1..=STORE_TRIES_MAX {
            match self.bucket.get_range(self.key, start, u64::from(bytes)).await {
                Ok(Some(bytes)) => return Ok(bytes),
                Ok(None) => return Err(Unreadable("the object is gone".to_owned())),
                Err(error) if attempt == STORE_TRIES_MAX => return Err(Unreadable(error.to_string())),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        Err(Unreadable("not read".to_owned()))
    }
}

/// Takes one child's segments to the media bucket and into the log.
pub struct Publisher<'a> {
    pub shared: &'a Shared,
    pub claim: &'a Claim,
    pub correlation: &'a str,
    /// What this item published, in this and in earlier attempts.
    pub segments: Vec<Segment>,
    /// What the file calls its text tracks, by number.
    pub labels: BTreeMap<u32, String>,
}

#[async_trait]
impl Sink for Publisher<'_> {
    async fn segment(&mut self, head: SegmentHead, bytes: Bytes) -> Result<(), Refused> {
        if let Some(label) = &head.label {
            self.labels.insert(head.number, label.clone());
        }
        let segment = Segment {
            sha256: hex::encode(Sha256::digest(&bytes)),
            bytes: bytes.len() as u64,
            pts_us: MediaTime::from_micros(head.pts_us),
            duration_us: MediaTime::from_micros(head.duration_us),
            rendition: head.rendition,
            number: head.number,
            codecs: head.codecs,
        };
        // An earlier attempt stored and noted the same bytes.
        if self.segments.contains(&segment) {
            return Ok(());
        }
        let (key, content_type) = place(self.claim, &segment);
        let media = &self.shared.services.objects.media;
        put(media, &key, bytes, Kind::lasting(content_type)).await.map_err(|error| Refused(error.to_string()))?;
        let context = self.shared.context(self.correlation);
        let publish = || transcode::publish_segment(&self.shared.services, &context, self.claim, segment.clone());
        insist(publish).await.map_err(|error: CommandError<_>| Refused(error.to_string()))?;
        self.segments.push(segment);
        Ok(())
    }

    async fn progress(&mut self, progress: Progress) {
        self.shared.live().insert((self.claim.video, self.claim.item), progress.done_us);
    }
}

/// The id of the captions that were the source's text track of this number.
pub fn captions_id(number: u32) -> String {
    format!("s{number}")
}

/// Key and content type of a segment.
fn place(claim: &Claim, segment: &Segment) -> (String, &'static str) {
    match segment.rendition.as_str() {
        THUMBNAIL => (keys::thumbnail(claim.video), "image/jpeg"),
        TEXT => (keys::captions(claim.video, &captions_id(segment.number)), "text/vtt; charset=utf-8"),
        TILES => (keys::sheet(claim.video, segment.number), "image/jpeg"),
        sound if sound.starts_with(AUDIO) => (keys::segment(claim.video, sound, segment.number), "audio/mp4"),
        rendition => (keys::segment(claim.video, rendition, segment.number), "video/mp4"),
    }
}
