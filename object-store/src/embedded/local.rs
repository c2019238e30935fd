//! The way from the S3 client to the embedded service inside this process: a function call instead of a socket.

use aws_sdk_s3::{
    config::{SharedHttpClient, http::HttpRequest, http::HttpResponse},
    error::ConnectorError,
    primitives::SdkBody,
};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use s3s::service::S3Service;

#[derive(Clone, Debug)]
struct Local(S3Service);

/// An HTTP client for the S3 SDK whose every request is answered by `service`.
pub(super) fn client(service: S3Service) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Local(service));
    http_client_fn(move |_, _| connector.clone())
}

impl HttpConnector for Local {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.0.clone();
        HttpConnectorFuture::new(async move { answer(service, request).await })
    }
}

async fn answer(service: S3Service, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |error: s3s::StdError| ConnectorError::user(error);
    let mut request = request.try_into_http1x().map_err(|error| user(error.into()))?;
    // A socket client would send this from the address; the service needs it to check the signature.
    if let Some(host) = request.uri().authority().map(|authority| authority.as_str().parse()) {
        let host: http::HeaderValue = host.map_err(|error: http::header::InvalidHeaderValue| user(error.into()))?;
        request.headers_mut().insert(http::header::HOST, host);
    }
    let response = service.call(request.map(s3s::Body::http_body_unsync)).await;
    let response = response.map_err(|error| ConnectorError::other(error.into(), None))?;
    let response = response.map(SdkBody::from_body_1_x);
    HttpResponse::try_from(response).map_err(|error| user(error.into()))
}
