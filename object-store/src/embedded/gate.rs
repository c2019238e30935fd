//! The public door of the embedded store: which requests reach the S3 service at all, and CORS for the one public origin.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use s3s::service::S3Service;

use super::{OpenError, ResponseBody};
use crate::check_key;

/// How long a browser may keep a preflight's answer.
const PREFLIGHT_AGE_S: &str = "3600";
const METHODS: &str = "PUT, HEAD, GET";
const REQUEST_HEADERS: &str = "content-type";
/// Most bytes of a presigned query; ours have about 350.
const QUERY_BYTES_MAX: usize = 2_048;

/// Rules of the public door.
#[derive(Debug)]
pub(super) struct Gate {
    /// `scheme://host[:port]`, as browsers send it in `Origin`.
    origin: String,
    bucket: String,
}

impl Gate {
    pub(super) fn new(origin: String, bucket: String) -> Self {
        Self { origin, bucket }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(super) async fn answer<B>(&self, service: &S3Service, request: Request<B>) -> Response<ResponseBody>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<s3s::StdError>,
    {
        let origin = request.headers().get(header::ORIGIN);
        let ours = origin.is_some_and(|origin| origin.as_bytes() == self.origin.as_bytes());
        let foreign = origin.is_some() && !ours;
        let mut response = if foreign {
            refusal(StatusCode::FORBIDDEN, "AccessDenied")
        } else if request.method() == Method::OPTIONS {
            preflight(ours)
        } else if let Err(status) = self.admit(&request) {
            refusal(status, if status == StatusCode::FORBIDDEN { "AccessDenied" } else { "MethodNotAllowed" })
        } else {
            call(service, request).await
        };
        self.finish(response.headers_mut(), ours);
        response
    }

    /// Only presigned PUT, GET and HEAD of one object of the public bucket go on; the service then checks the signature.
    fn admit<B>(&self, request: &Request<B>) -> Result<(), StatusCode> {
        if ![Method::PUT, Method::GET, Method::HEAD].contains(request.method()) {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let path = request.uri().path().strip_prefix('/');
        let key = path.and_then(|path| path.strip_prefix(self.bucket.as_str())).and_then(|path| path.strip_prefix('/'));
        let part = request.method() == Method::PUT;
        let presigned = request.uri().query().is_some_and(|query| is_presigned(query, part));
        let by_header = request.headers().contains_key(header::AUTHORIZATION)
            || request.headers().keys().any(|name| name.as_str().starts_with("x-amz-"));
        match key {
            Some(key) if check_key(key).is_ok() && presigned && !by_header => Ok(()),
            _ => Err(StatusCode::FORBIDDEN),
        }
    }

    fn finish(&self, headers: &mut HeaderMap, ours: bool) {
        set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(headers, header::CACHE_CONTROL, "no-store");
        set(headers, header::VARY, "Origin");
        if let (true, Ok(origin)) = (ours, HeaderValue::from_str(&self.origin)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag");
        }
    }
}

/// Parameters of a PUT of one part; for other methods `uploadId` would name another operation.
const PART_PARAMETERS: [&str; 2] = ["partNumber", "uploadId"];

/// A signature of version 4 in the query, and no parameter that would name another operation (`acl`, …); those of a
/// part only both together.
fn is_presigned(query: &str, part: bool) -> bool {
    let names = || query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    let of_a_part = names().filter(|name| PART_PARAMETERS.contains(name)).count();
    let known = |name: &str| name.starts_with("X-Amz-") || name == "x-id" || PART_PARAMETERS.contains(&name);
    query.len() <= QUERY_BYTES_MAX
        && names().all(known)
        && (of_a_part == 0 || (part && of_a_part == PART_PARAMETERS.len()))
        && names().any(|name| name == "X-Amz-Signature")
}

async fn call<B>(service: &S3Service, request: Request<B>) -> Response<ResponseBody>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<s3s::StdError>,
{
    let request = request.map(|body| s3s::Body::http_body_unsync(http_body_util::BodyExt::map_err(body, Into::into)));
    match service.call(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::warn!(error = %s3s::StdError::from(error), "the embedded object store could not answer");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")
        }
    }
}

fn preflight(ours: bool) -> Response<ResponseBody> {
    if !ours {
        return refusal(StatusCode::FORBIDDEN, "AccessDenied");
    }
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    set(headers, header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_S);
    response
}

/// An answer in the shape S3 clients read.
fn refusal(status: StatusCode, code: &str) -> Response<ResponseBody> {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>");
    let mut response = Response::new(ResponseBody::from(text));
    *response.status_mut() = status;
    set(response.headers_mut(), header::CONTENT_TYPE, "application/xml");
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// The origin of an address: lower case, without the scheme's own port, as browsers write it.
///
/// # Errors
/// [`OpenError::PublicUrl`] unless it is `http` or `https` with a host and nothing behind it but `/`.
pub(super) fn origin_of(url: &str) -> Result<String, OpenError> {
    let refused = || OpenError::PublicUrl(url.to_owned());
    let uri: http::Uri = url.parse().map_err(|_| refused())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(refused()) };
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return Err(refused()),
    };
    if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
        return Err(refused());
    }
    let host = authority.host().to_ascii_lowercase();
    Ok(match authority.port_u16() {
        Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        let cases = [
            ("http://LocalHost:8080", "http://localhost:8080"),
            ("https://watch.example/", "https://watch.example"),
            ("https://watch.example:443", "https://watch.example"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ];
        for (url, origin) in cases {
            assert_eq!(origin_of(url).expect(url), origin);
        }
        for url in ["", "watch.example", "ftp://a", "http://a/b", "http://a?b", "http://user@a", "//a"] {
            assert!(origin_of(url).is_err(), "{url}");
        }
    }

    #[test]
    fn only_version_4_queries_are_presigned() {
        assert!(is_presigned("x-id=PutObject&X-Amz-Date=1&X-Amz-Signature=ab", true));
        let part = "partNumber=1&uploadId=2&X-Amz-Signature=ab";
        assert!(is_presigned(part, true) && !is_presigned(part, false), "a part is only PUT");
        for query in ["", "X-Amz-Date=1", "X-Amz-Signature=ab&acl", "X-Amz-Signature=ab&uploadId=1", "Signature=ab"] {
            assert!(!is_presigned(query, true), "{query}");
        }
    }
}
