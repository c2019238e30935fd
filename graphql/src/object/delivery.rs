//! What opens a film's files for a while.

use async_graphql::{Context, SimpleObject};
use http::header::SET_COOKIE;
use lockstep_domain::ids::VideoId;

use crate::{context::Shared, scalar::DateTime};

/// What opens a film's files: their address is `base`, the path in the film's folder, and `?query` if there is one.
#[derive(SimpleObject)]
pub(crate) struct Delivery {
    /// Opens them at this site, under `/v/{token}/`; it works for this film only.
    pub token: String,
    /// What stands before a file's path: at this site, or at the CDN in front of the store.
    pub base: String,
    /// What is put behind the path after a `?`; empty for nothing.
    pub query: String,
    /// Whether this answer set cookies instead of a query: send them with each request.
    pub cookies: bool,
    /// When all of it ends.
    pub expires_at: DateTime,
}

/// For whoever's right was checked.
pub(crate) fn open(ctx: &Context<'_>, video: VideoId, cookies: bool) -> Delivery {
    let (tokens, now) = (&ctx.deps().delivery, ctx.services().clock.now());
    let (token, door) = (tokens.token(video, now), tokens.door(video, now));
    let set = door.cookies.filter(|_| cookies && is_at_the_top(ctx));
    let (query, cookies) = if set.is_some() { (String::new(), true) } else { (door.query, false) };
    for cookie in set.into_iter().flatten() {
        ctx.append_http_header(SET_COOKIE, cookie);
    }
    let expires_at = DateTime(token.expires_at.min(door.expires_at));
    Delivery { token: token.token, base: door.base, query, cookies, expires_at }
}

/// A list of films would set more cookies than a browser keeps.
fn is_at_the_top(ctx: &Context<'_>) -> bool {
    ctx.path_node.as_ref().is_some_and(|node| node.parents().count() == 1)
}
