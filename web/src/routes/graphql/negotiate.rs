//! Media types of `/graphql`: what the client sends, and which of our two answers it wants.

use http::{HeaderMap, header};

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphqlResponse,
    /// `application/json`: 200 for every well-formed request, as older clients expect.
    Json,
    /// `text/event-stream`: a stream of answers.
    EventStream,
}

impl Media {
    /// The content type of an answer that is not a stream.
    pub(super) fn of_one_answer(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json | Self::EventStream => "application/json; charset=utf-8",
        }
    }
}

/// What was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chosen {
    pub media: Media,
    /// The client named this very type: no link, image or form does.
    pub named: bool,
}

/// The answer that `Accept` prefers, JSON when it does not care, `None` when it wants none of ours.
pub(super) fn media(headers: &HeaderMap) -> Option<Chosen> {
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    if accepted.peek().is_none() {
        return Some(Chosen { media: Media::Json, named: false });
    }
    let ranges = accepted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut best: Option<(u16, Chosen)> = None;
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let (media, named) = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/graphql-response+json" => (Media::GraphqlResponse, true),
            "application/json" => (Media::Json, true),
            "text/event-stream" => (Media::EventStream, true),
            "application/*" | "*/*" => (Media::Json, false),
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        // The first of equal wishes wins.
        if quality > 0 && best.is_none_or(|(held, _)| quality > held) {
            best = Some((quality, Chosen { media, named }));
        }
    }
    best.map(|(_, chosen)| chosen)
}

/// A quality value (RFC 9110, 12.4.2); what cannot be read is worth nothing.
fn thousandths(quality: &str) -> u16 {
    let value: f32 = quality.parse().unwrap_or(0.0);
    if (0.0..=1.0).contains(&value) { (value * 1000.0).round() as u16 } else { 0 }
}

/// Whether the body is declared as JSON in UTF-8.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let json = parts.next().is_some_and(|essence| essence == "application/json");
    json && parts.all(|part| match part.strip_prefix("charset=") {
        Some(charset) => matches!(charset.trim_matches('"'), "utf-8" | "utf8"),
        None => true,
    })
}
