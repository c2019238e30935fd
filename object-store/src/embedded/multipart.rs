//! Uploads in parts on the embedded store. s3s-fs deletes parts while it copies them, so a crash in the middle would lose
//! them; here a part stays until its bytes are on disk elsewhere (see `assembly.rs`).
//!
//! `multipart/<upload id>/` holds `upload.json` (what it is for) and `part-<number>` files; an upload exists while its
//! `upload.json` does. Every acknowledged part has been flushed.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use futures::StreamExt;
use s3s::{
    S3Error, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
        ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Part,
        StreamingBlob, Timestamp, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use super::{
    assembly::{self, Assembly},
    files::Files,
    keys::random_hex,
};
use crate::multipart::{PART_BYTES_MIN, PARTS_MAX};

const ABOUT: &str = "upload.json";
const PART: &str = "part-";
/// Not acknowledged yet; removed when the store opens.
const UNFINISHED: &str = "new-";

/// What an upload is for.
#[derive(Serialize, Deserialize)]
struct About {
    bucket: String,
    key: String,
    content_type: String,
}

/// Makes the folder and clears what a crash left: parts that were not acknowledged, uploads without `upload.json`.
pub(super) fn open(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root)?;
    for upload in fs::read_dir(root)? {
        let upload = upload?.path();
        if !upload.join(ABOUT).is_file() {
            fs::remove_dir_all(&upload)?;
            continue;
        }
        for file in fs::read_dir(&upload)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}

impl Files {
    pub(super) async fn create_parts(
        &self,
        input: CreateMultipartUploadInput,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let id = random_hex::<16>();
        let CreateMultipartUploadInput { bucket, key, content_type, .. } = input;
        let content_type = content_type.unwrap_or_default();
        let about = About { bucket: bucket.clone(), key: key.clone(), content_type };
        let folder = self.multipart_root().join(&id);
        let created = self.blocking(move |files| {
            fs::create_dir(&folder)?;
            write(files, &folder, &folder.join(ABOUT), &serde_json::to_vec(&about)?)?;
            files.flush(files.multipart_root())
        });
        created.await.map_err(S3Error::internal_error)?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            upload_id: Some(id),
            ..Default::default()
        })
    }

    pub(super) async fn store_part(
        &self,
        input: UploadPartInput,
        mut body: StreamingBlob,
        bytes: u64,
    ) -> S3Result<UploadPartOutput> {
        let number = u32::try_from(input.part_number).ok().filter(|number| (1..=PARTS_MAX).contains(number));
        let number = number.ok_or_else(|| s3_error!(InvalidArgument))?;
        let folder = self.folder(&input.bucket, &input.key, &input.upload_id).await?;
        if assembly::has_begun(&folder) {
            return Err(s3_error!(OperationAborted, "its parts are being put together"));
        }
        let new = folder.join(format!("{UNFINISHED}{}", random_hex::<16>()));
        let mut file = tokio::fs::File::create_new(&new).await.map_err(S3Error::internal_error)?;
        let copied = async {
            while let Some(chunk) = body.next().await {
                file.write_all(&chunk.map_err(io::Error::other)?).await?;
            }
            file.flush().await
        };
        let copied = copied.await;
        drop(file);
        let part = part_path(&folder, number);
        let kept = self.blocking(move |files| {
            let kept = copied.and_then(|()| {
                files.flush(&new)?;
                {
                    // Sent twice, it may come after the first one was put together with the others.
                    let _still = files.assembling();
                    if assembly::has_begun(&folder) {
                        return Err(io::Error::other("its parts are being put together"));
                    }
                    fs::rename(&new, &part)?;
                }
                files.flush(&folder)?;
                tag(&part)
            });
            kept.inspect_err(|_| drop(fs::remove_file(&new)))
        });
        let tag = kept.await.inspect_err(|error| {
            tracing::info!(upload = input.upload_id, number, bytes, ?error, "a part was not stored");
        });
        Ok(UploadPartOutput { e_tag: Some(ETag::Strong(tag.map_err(S3Error::internal_error)?)), ..Default::default() })
    }

    pub(super) async fn parts(&self, input: ListPartsInput) -> S3Result<ListPartsOutput> {
        let ListPartsInput { bucket, key, upload_id, .. } = input;
        let folder = self.folder(&bucket, &key, &upload_id).await?;
        let parts = self.blocking(move |_| stored(&folder)).await.map_err(S3Error::internal_error)?;
        Ok(ListPartsOutput {
            bucket: Some(bucket),
            key: Some(key),
            upload_id: Some(upload_id),
            is_truncated: Some(false),
            parts: Some(parts),
            ..Default::default()
        })
    }

    /// Puts the parts together, then makes the object visible; only then the upload goes. One at a time: who comes
    /// meanwhile is told to come again.
    pub(super) async fn complete_parts(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let CompleteMultipartUploadInput { bucket, key, upload_id, multipart_upload, .. } = input;
        let folder = self.folder(&bucket, &key, &upload_id).await?;
        let Some(_turn) = self.turn(&upload_id) else { return Err(s3_error!(SlowDown)) };
        let wanted = multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let tag = format!("{upload_id}-{}", wanted.len());
        let begun = {
            let folder = folder.clone();
            self.blocking(move |files| {
                // From the look at the parts until they are written down none is replaced.
                let _still = files.assembling();
                let found = stored(&folder)?;
                Ok(match check_parts(&wanted, &found) {
                    Ok(()) => Ok(Assembly::begin(files, &folder, &found)?),
                    Err(refused) => Err(refused),
                })
            })
        };
        let assembly = begun.await.map_err(S3Error::internal_error)??;
        let (object, sides) = (self.object_path(&bucket, &key), self.side_paths(&bucket, &key));
        let (source, e_tag) = (folder.clone(), tag.clone());
        let written = self.blocking(move |files| {
            let about: About = read(&source)?;
            let attributes = serde_json::json!({ "content_type": about.content_type });
            let whole = assembly.finish(files, &source)?;
            let parent = object.parent().ok_or_else(|| io::Error::other("an object has a folder"))?;
            fs::create_dir_all(parent)?;
            write(files, &source, &sides[0], &serde_json::to_vec(&attributes)?)?;
            whole.map_or(Ok(()), |whole| fs::rename(whole, &object))?;
            write(files, &source, &sides[1], &serde_json::to_vec(&serde_json::json!({ "e_tag": e_tag }))?)
        });
        written.await.map_err(S3Error::internal_error)?;
        self.sync_object(&bucket, &key).await.map_err(S3Error::internal_error)?;
        self.remove_upload(folder).await?;
        Ok(CompleteMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            e_tag: Some(ETag::Strong(tag)),
            ..Default::default()
        })
    }

    pub(super) async fn abort_parts(&self, input: AbortMultipartUploadInput) -> S3Result<AbortMultipartUploadOutput> {
        let folder = self.folder(&input.bucket, &input.key, &input.upload_id).await?;
        self.remove_upload(folder).await?;
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(super) async fn open_uploads(&self, input: ListMultipartUploadsInput) -> S3Result<ListMultipartUploadsOutput> {
        let ListMultipartUploadsInput { bucket, prefix, .. } = input;
        let prefix = prefix.unwrap_or_default();
        let of = bucket.clone();
        let uploads = self.blocking(move |files| {
            let mut uploads = Vec::new();
            for upload in fs::read_dir(files.multipart_root())? {
                let folder = upload?.path();
                // Completed or aborted in this moment.
                let Ok(about) = read(&folder) else { continue };
                if about.bucket == of && about.key.starts_with(&prefix) {
                    uploads.push(MultipartUpload {
                        initiated: fs::metadata(folder.join(ABOUT))?.modified().ok().map(Timestamp::from),
                        key: Some(about.key),
                        upload_id: folder.file_name().map(|name| name.to_string_lossy().into_owned()),
                        ..Default::default()
                    });
                }
            }
            uploads.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(uploads)
        });
        let uploads = uploads.await.map_err(S3Error::internal_error)?;
        Ok(ListMultipartUploadsOutput {
            bucket: Some(bucket),
            is_truncated: Some(false),
            uploads: Some(uploads),
            ..Default::default()
        })
    }

    /// The folder of an upload that is there and is of this object: a foreign id is no id.
    async fn folder(&self, bucket: &str, key: &str, upload_id: &str) -> S3Result<PathBuf> {
        // It becomes a path.
        if upload_id.is_empty() || !upload_id.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(s3_error!(NoSuchUpload));
        }
        let folder = self.multipart_root().join(upload_id);
        let looked_up = folder.clone();
        match self.blocking(move |_| read(&looked_up)).await {
            Ok(about) if about.bucket == bucket && about.key == key => Ok(folder),
            _ => Err(s3_error!(NoSuchUpload)),
        }
    }

    /// `upload.json` first: from then on there is no such upload, whatever remains.
    async fn remove_upload(&self, folder: PathBuf) -> S3Result<()> {
        let removed = self.blocking(move |files| {
            fs::remove_file(folder.join(ABOUT))?;
            files.flush(&folder)?;
            // A part that arrives in this moment can be in the way of removing the folder; the next open clears it.
            let _cleared_later = fs::remove_dir_all(&folder);
            files.flush(files.multipart_root())
        });
        removed.await.map_err(S3Error::internal_error)
    }
}

/// All parts from 1 to the last, as they were listed, and none but the last too small.
fn check_parts(wanted: &[CompletedPart], found: &[Part]) -> S3Result<()> {
    if wanted.is_empty() || wanted.len() != found.len() {
        return Err(s3_error!(InvalidPart));
    }
    let last = wanted.len() - 1;
    for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
        let number = i32::try_from(index + 1).ok();
        if wanted.part_number != number || found.part_number != number || wanted.e_tag != found.e_tag {
            return Err(s3_error!(InvalidPart));
        }
        let bytes = found.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        if bytes < PART_BYTES_MIN && index < last {
            return Err(s3_error!(EntityTooSmall));
        }
    }
    Ok(())
}

pub(super) fn part_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{PART}{number}"))
}

/// Changes with every writing of the part.
fn tag(part: &Path) -> io::Result<String> {
    let about = fs::metadata(part)?;
    let written = about.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok(format!("{:x}-{:x}", about.len(), written.as_nanos()))
}

/// The acknowledged parts, by number.
fn stored(folder: &Path) -> io::Result<Vec<Part>> {
    if let Some(parts) = assembly::recorded(folder)? {
        return Ok(parts);
    }
    let mut parts = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = file.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PART)).and_then(|number| number.parse().ok());
        let Some(number) = number else { continue };
        let about = file.metadata()?;
        parts.push(Part {
            part_number: Some(number),
            size: i64::try_from(about.len()).ok(),
            e_tag: Some(ETag::Strong(tag(&file.path())?)),
            last_modified: about.modified().ok().map(Timestamp::from),
            ..Default::default()
        });
    }
    parts.sort_by_key(|part| part.part_number);
    Ok(parts)
}

fn read(folder: &Path) -> io::Result<About> {
    Ok(serde_json::from_reader(BufReader::new(File::open(folder.join(ABOUT))?))?)
}

/// Writes a small file whole or not at all; `beside` is a folder of the same disk.
pub(super) fn write(files: &Files, beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside.join(format!("{UNFINISHED}{}", random_hex::<16>()));
    fs::write(&new, bytes)?;
    files.flush(&new)?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| files.flush(folder))
}
