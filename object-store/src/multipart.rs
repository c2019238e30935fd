//! Uploads in parts: made by the server, sent by a browser part by part, put together by the server. Which parts have
//! arrived is only ever read from the store.

use std::time::Duration;

use aws_sdk_s3::{
    presigning::PresigningConfig,
    types::{CompletedMultipartUpload, CompletedPart, Part},
};

use crate::{
    Bucket, ObjectError, Presigned,
    bucket::{PUT_TIME_MAX, REQUEST_TIME_MAX, found},
    check_key,
    presign::check_life,
};

/// Parts of one upload (the protocol's own limit).
pub const PARTS_MAX: u32 = 10_000;
/// Smallest part but the last (the protocol's own limit).
pub const PART_BYTES_MIN: u64 = 5 << 20;
/// Largest part (the protocol's own limit).
pub const PART_BYTES_MAX: u64 = 5 << 30;
/// Characters of an upload id we take from a store.
const UPLOAD_ID_CHARS_MAX: usize = 1_024;
/// Open uploads [`Bucket::list_multiparts`] returns.
const OPEN_UPLOADS_MAX: usize = 10_000;

/// A part that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// From 1.
    pub number: u32,
    pub bytes: u64,
    pub etag: String,
}

/// An upload in parts that is neither complete nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUpload {
    pub key: String,
    pub upload_id: String,
    /// Seconds since 1970, by the store's clock.
    pub started_at_s: i64,
}

impl Bucket {
    /// Begins an upload in parts and gives its id.
    pub async fn create_multipart(&self, key: &str, content_type: &str) -> Result<String, ObjectError> {
        check_key(key)?;
        let call = self.client().create_multipart_upload().bucket(self.name()).key(key).content_type(content_type);
        let created = self.within(REQUEST_TIME_MAX, call.send()).await?;
        let id = created.upload_id.filter(|id| (1..=UPLOAD_ID_CHARS_MAX).contains(&id.len()));
        id.ok_or_else(|| ObjectError::Refused("no upload id".into()))
    }

    /// Signs a PUT of exactly `bytes` bytes as part `number`: another length, part or upload is refused by the store.
    ///
    /// # Errors
    /// [`ObjectError::Invalid`] for a number outside 1..=[`PARTS_MAX`], no bytes, or more than [`PART_BYTES_MAX`].
    pub async fn presign_part(
        &self,
        key: &str,
        upload_id: &str,
        number: u32,
        bytes: u64,
        expires: Duration,
    ) -> Result<Presigned, ObjectError> {
        check_key(key)?;
        check_life(expires)?;
        if !(1..=PARTS_MAX).contains(&number) || !(1..=PART_BYTES_MAX).contains(&bytes) {
            return Err(ObjectError::Invalid(format!(
                "a part has a number to {PARTS_MAX} and 1 to {PART_BYTES_MAX} bytes"
            )));
        }
        let config = PresigningConfig::builder().expires_in(expires).build();
        let config = config.map_err(|error| ObjectError::Invalid(error.to_string()))?;
        let part = self.presigner().upload_part().bucket(self.name()).key(key).upload_id(upload_id);
        let part = part.part_number(number as i32).content_length(bytes as i64);
        let signed = part.presigned(config).await.map_err(|error| ObjectError::from_sdk(error, self.name()))?;
        Ok(Presigned::of(&signed, expires))
    }

    /// Whether there is such an upload (still).
    pub async fn has_multipart(&self, key: &str, upload_id: &str) -> Result<bool, ObjectError> {
        check_key(key)?;
        let call = self.client().list_parts().bucket(self.name()).key(key).upload_id(upload_id).max_parts(1).send();
        Ok(found(self.within(REQUEST_TIME_MAX, call).await)?.is_some())
    }

    /// The parts that have arrived, by number; `None` when there is no such upload (any more).
    pub async fn list_parts(&self, key: &str, upload_id: &str) -> Result<Option<Vec<StoredPart>>, ObjectError> {
        check_key(key)?;
        let mut parts: Vec<StoredPart> = Vec::new();
        let mut marker = None;
        loop {
            let call = self.client().list_parts().bucket(self.name()).key(key).upload_id(upload_id);
            let call = call.set_part_number_marker(marker).send();
            let Some(page) = found(self.within(REQUEST_TIME_MAX, call).await)? else { return Ok(None) };
            parts.extend(page.parts().iter().filter_map(stored));
            marker = page.next_part_number_marker.filter(|_| page.is_truncated == Some(true));
            if marker.is_none() || parts.len() >= PARTS_MAX as usize {
                break;
            }
        }
        parts.sort_by_key(|part| part.number);
        Ok(Some(parts))
    }

    /// Makes one object of `parts`, durable when this returns. Once done it is done: again, or after the answer was
    /// lost, is no error.
    ///
    /// # Errors
    /// [`ObjectError::Missing`] when there is neither such an upload nor the object.
    pub async fn complete_multipart(
        &self,
        key: &str,
        upload_id: &str,
        parts: &[StoredPart],
    ) -> Result<(), ObjectError> {
        check_key(key)?;
        let completed = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(part.number as i32)
                .set_e_tag(Some(part.etag.clone()).filter(|tag| !tag.is_empty()))
                .build()
        });
        let completed = CompletedMultipartUpload::builder().set_parts(Some(completed.collect())).build();
        let call = self.client().complete_multipart_upload().bucket(self.name()).key(key).upload_id(upload_id);
        match self.within(PUT_TIME_MAX, call.multipart_upload(completed).send()).await {
            Ok(_) => Ok(()),
            Err(ObjectError::Missing) => self.head(key).await?.map(drop).ok_or(ObjectError::Missing),
            Err(error) => Err(error),
        }
    }

    /// Gives an upload up and frees its parts; one that is not there is no error.
    pub async fn abort_multipart(&self, key: &str, upload_id: &str) -> Result<(), ObjectError> {
        check_key(key)?;
        let call = self.client().abort_multipart_upload().bucket(self.name()).key(key).upload_id(upload_id).send();
        found(self.within(REQUEST_TIME_MAX, call).await).map(drop)
    }

    /// Uploads in parts that are still open, of keys that start with `prefix`; at most 10 000. None from a store that does
    /// not know the call: what it keeps of them only its own rules remove.
    pub async fn list_multiparts(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError> {
        let mut open: Vec<OpenUpload> = Vec::new();
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let call = self.client().list_multipart_uploads().bucket(self.name()).prefix(prefix);
            let call = call.set_key_marker(key_marker).set_upload_id_marker(id_marker).send();
            let page = match self.within(REQUEST_TIME_MAX, call).await {
                Err(ObjectError::Unsupported(_)) => break,
                page => page?,
            };
            open.extend(page.uploads().iter().filter_map(|upload| {
                Some(OpenUpload {
                    key: upload.key()?.to_owned(),
                    upload_id: upload.upload_id()?.to_owned(),
                    started_at_s: upload.initiated().map_or(0, aws_sdk_s3::primitives::DateTime::secs),
                })
            }));
            if page.is_truncated != Some(true) || open.len() >= OPEN_UPLOADS_MAX {
                break;
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
        open.truncate(OPEN_UPLOADS_MAX);
        Ok(open)
    }
}

fn stored(part: &Part) -> Option<StoredPart> {
    Some(StoredPart {
        number: u32::try_from(part.part_number()?).ok()?,
        bytes: u64::try_from(part.size()?).ok()?,
        etag: part.e_tag().unwrap_or_default().to_owned(),
    })
}
