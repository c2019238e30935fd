//! What the stand-in answers: s3s-fs for whole objects, and uploads in parts as S3 has them, which s3s-fs has not: unknown
//! uploads are unknown, open ones are listed, and parts stay until the object is there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use futures::StreamExt;
use s3s::{
    S3, S3Error, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
        DeleteObjectOutput, ETag, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
        HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
        ListObjectsV2Output, ListPartsInput, ListPartsOutput, MultipartUpload, Part, PutObjectInput, PutObjectOutput,
        StreamingBlob, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use s3s_fs::FileSystem;
use uuid::Uuid;

/// What an upload is for: bucket, key and type, one a line.
const ABOUT: &str = "about";

pub struct Service {
    fs: FileSystem,
    uploads: PathBuf,
}

type Answer<T> = S3Result<S3Response<T>>;

impl Service {
    pub fn open(folder: &Path) -> Self {
        let uploads = folder.join(".uploads");
        fs::create_dir_all(&uploads).expect("a folder");
        Self { fs: FileSystem::new(folder).expect("a folder"), uploads }
    }

    fn about(&self, upload_id: &str) -> S3Result<Vec<String>> {
        let text = fs::read_to_string(self.uploads.join(upload_id).join(ABOUT));
        text.map(|text| text.lines().map(str::to_owned).collect()).map_err(|_| s3_error!(NoSuchUpload))
    }

    /// The numbers of the parts, in order.
    fn parts(&self, upload_id: &str) -> io::Result<Vec<i32>> {
        let names = fs::read_dir(self.uploads.join(upload_id))?;
        let mut numbers: Vec<i32> =
            names.filter_map(|file| file.ok()?.file_name().to_str()?.strip_prefix("part-")?.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn part(&self, upload_id: &str, number: i32) -> PathBuf {
        self.uploads.join(upload_id).join(format!("part-{number}"))
    }
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        self.fs.put_object(request).await
    }
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.fs.get_object(request).await
    }
    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.fs.head_object(request).await
    }
    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        self.fs.delete_object(request).await
    }
    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        self.fs.list_objects_v2(request).await
    }
    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.fs.head_bucket(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let CreateMultipartUploadInput { bucket, key, content_type, .. } = request.input;
        let id = Uuid::now_v7().to_string();
        let folder = self.uploads.join(&id);
        fs::create_dir(&folder).map_err(S3Error::internal_error)?;
        let about = format!("{bucket}\n{key}\n{}", content_type.unwrap_or_default());
        fs::write(folder.join(ABOUT), about).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(CreateMultipartUploadOutput { upload_id: Some(id), ..Default::default() }))
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        let UploadPartInput { body, part_number, upload_id, .. } = request.input;
        self.about(&upload_id)?;
        let new = self.uploads.join(&upload_id).join(format!("new-{}", Uuid::now_v7()));
        let mut file = tokio::fs::File::create(&new).await.map_err(S3Error::internal_error)?;
        let mut body = body.ok_or_else(|| s3_error!(IncompleteBody))?;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| S3Error::internal_error(io::Error::other(error)))?;
            tokio::io::AsyncWriteExt::write_all(&mut file, &chunk).await.map_err(S3Error::internal_error)?;
        }
        tokio::io::AsyncWriteExt::flush(&mut file).await.map_err(S3Error::internal_error)?;
        tokio::fs::rename(new, self.part(&upload_id, part_number)).await.map_err(S3Error::internal_error)?;
        let e_tag = Some(ETag::Strong(format!("{part_number}")));
        Ok(S3Response::new(UploadPartOutput { e_tag, ..Default::default() }))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        let upload_id = request.input.upload_id;
        self.about(&upload_id)?;
        let part = |number: i32| Part {
            part_number: Some(number),
            size: fs::metadata(self.part(&upload_id, number)).ok().and_then(|about| i64::try_from(about.len()).ok()),
            e_tag: Some(ETag::Strong(format!("{number}"))),
            ..Default::default()
        };
        let parts = self.parts(&upload_id).map_err(S3Error::internal_error)?.into_iter().map(part).collect();
        Ok(S3Response::new(ListPartsOutput { parts: Some(parts), is_truncated: Some(false), ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let upload_id = request.input.upload_id.clone();
        let about = self.about(&upload_id)?;
        let numbers = self.parts(&upload_id).map_err(S3Error::internal_error)?;
        let files: Vec<PathBuf> = numbers.into_iter().map(|number| self.part(&upload_id, number)).collect();
        let body = futures::stream::iter(files).then(|file| async move { tokio::fs::read(file).await.map(Into::into) });
        let put = PutObjectInput {
            bucket: about[0].clone(),
            key: about[1].clone(),
            content_type: about.get(2).cloned(),
            body: Some(StreamingBlob::wrap(Box::pin(body))),
            ..Default::default()
        };
        self.fs.put_object(request.map_input(|_| put)).await?;
        fs::remove_dir_all(self.uploads.join(&upload_id)).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(CompleteMultipartUploadOutput::default()))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.about(&request.input.upload_id)?;
        fs::remove_dir_all(self.uploads.join(&request.input.upload_id)).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let prefix = request.input.prefix.unwrap_or_default();
        let mut uploads = vec![];
        for folder in fs::read_dir(&self.uploads).map_err(S3Error::internal_error)?.flatten() {
            let id = folder.file_name().to_string_lossy().into_owned();
            let Ok(about) = self.about(&id) else { continue };
            if about[0] == request.input.bucket && about[1].starts_with(&prefix) {
                let key = Some(about[1].clone());
                uploads.push(MultipartUpload { key, upload_id: Some(id), ..Default::default() });
            }
        }
        let is_truncated = Some(false);
        let output = ListMultipartUploadsOutput { uploads: Some(uploads), is_truncated, ..Default::default() };
        Ok(S3Response::new(output))
    }
}
