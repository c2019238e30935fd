//! Conditions by date.

use axum::http::{StatusCode, header};

use super::{Fixture, SEGMENT};

const LONG_AGO: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

#[tokio::test]
async fn a_file_says_when_it_was_written_and_is_asked_for_by_that() {
    let film = Fixture::new().await;
    let written = film.get(SEGMENT, &[]).await.header(header::LAST_MODIFIED).to_owned();
    assert!(written.ends_with(" GMT"), "{written:?}");
    let since = async |date: &str| film.get(SEGMENT, &[(header::IF_MODIFIED_SINCE, date)]).await.status;
    assert_eq!(since(&written).await, StatusCode::NOT_MODIFIED);
    assert_eq!(since(LONG_AGO).await, StatusCode::OK);
    assert_eq!(since("yesterday").await, StatusCode::OK, "what is no date says nothing");
    let both = [(header::IF_MODIFIED_SINCE, written.as_str()), (header::IF_NONE_MATCH, "\"other\"")];
    assert_eq!(film.get(SEGMENT, &both).await.status, StatusCode::OK, "a tag that is named decides alone");
    for (date, status) in [(written.as_str(), StatusCode::PARTIAL_CONTENT), (LONG_AGO, StatusCode::OK)] {
        let part = film.get(SEGMENT, &[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, date)]).await;
        assert_eq!(part.status, status, "{date}");
    }
}
