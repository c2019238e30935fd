//! One's own sessions, who may register, and everybody, for administrators.

use std::collections::HashMap;

use async_graphql::{Context, Object};
use lockstep_commands::{credentials, registration, session};
use lockstep_domain::{ids::AccountId, installation::Registration};
use lockstep_projections::accounts::{self, PersonRow};
use uuid::Uuid;

use super::at_least;
use crate::{
    context::Shared,
    limits::{cost, page},
    object::person::{Person, PersonPage, RegistrationLink, RegistrationStatus, Session},
    problem::{Nullable, Problem, nullable},
    scalar::{DateTime, Position},
};

/// Characters of a search.
const SEARCH_CHARS_MAX: usize = 100;

#[derive(Default)]
pub(crate) struct People;

#[Object(name = "PeopleQueries")]
impl People {
    /// The asker's live sessions, the one used last first.
    #[graphql(complexity = "cost(None, 50, child_complexity)")]
    async fn sessions(&self, ctx: &Context<'_>) -> Nullable<Vec<Session>> {
        nullable(async {
            let asker = ctx.principal().ok_or(Problem::SignedOut)?;
            let rows = session::list(ctx.services(), asker.account).await?;
            Ok(Some(rows.into_iter().map(|row| Session::new(row, &asker.session_hash)).collect()))
        })
        .await
    }

    /// The name the asker signs in with; null without a password.
    async fn login_name(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let names = credentials::login_names(ctx.services(), &[asker]).await;
            Ok(names?.pop().map(|(_, name)| name))
        })
        .await
    }

    /// Who may register, and whether the holder of this token may.
    async fn registration(&self, ctx: &Context<'_>, token: Option<String>) -> Nullable<RegistrationStatus> {
        nullable(async {
            let entry = &ctx.deps().entry;
            let mode = entry.registration(ctx.services()).await?;
            let open = match (mode, token) {
                (Registration::Open, _) => true,
                (Registration::InviteOnly, Some(token)) => registration::link_is_open(ctx.services(), &token).await?,
                (Registration::InviteOnly, None) | (Registration::Closed, _) => false,
            };
            Ok(Some(RegistrationStatus { mode: mode.into(), fixed: entry.registration.is_some(), open }))
        })
        .await
    }

    /// The registration links that still admit somebody. For administrators.
    #[graphql(complexity = "cost(None, 100, child_complexity)")]
    async fn registration_links(&self, ctx: &Context<'_>) -> Nullable<Vec<RegistrationLink>> {
        nullable(async {
            administrators_only(ctx)?;
            let links = registration::open_links(ctx.services()).await?;
            Ok(Some(links.into_iter().map(RegistrationLink::from).collect()))
        })
        .await
    }

    /// Everybody with an account, by name; guests where asked for. For administrators.
    #[graphql(complexity = "cost(first, 24, child_complexity)")]
    async fn people(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 24)] first: Option<i32>,
        after: Option<Uuid>,
        search: Option<String>,
        guests: Option<bool>,
        min_position: Option<Position>,
    ) -> Nullable<PersonPage> {
        nullable(async {
            administrators_only(ctx)?;
            let first = page(first, 24)?;
            at_least(ctx, &["accounts"], min_position).await?;
            let search: String = search.unwrap_or_default().trim().chars().take(SEARCH_CHARS_MAX).collect();
            let (pool, limit) = (ctx.reader().pool(), first as i64 + 1);
            let mut rows =
                accounts::people(pool, &search, guests.unwrap_or(false), after.map(AccountId), limit).await?;
            let has_more = rows.len() > first;
            rows.truncate(first);
            let end_cursor = rows.last().map(|row| row.account.account.0);
            Ok(Some(PersonPage { nodes: shown(ctx, rows).await?, has_more, end_cursor }))
        })
        .await
    }
}

fn administrators_only(ctx: &Context<'_>) -> Result<(), Problem> {
    if ctx.is_administrator() { Ok(()) } else { Err(Problem::NotPermitted) }
}

/// Adds what is not in the log: when they were last here, and what they sign in with.
async fn shown(ctx: &Context<'_>, rows: Vec<PersonRow>) -> Result<Vec<Person>, Problem> {
    let ids: Vec<AccountId> = rows.iter().map(|row| row.account.account).collect();
    let seen: HashMap<_, _> = session::last_seen(ctx.services(), &ids).await?.into_iter().collect();
    let names = credentials::login_names(ctx.services(), &ids).await?;
    let mut names: HashMap<_, _> = names.into_iter().collect();
    let person = |row: PersonRow| Person {
        last_seen_at: seen.get(&row.account.account).copied().map(DateTime),
        login_name: names.remove(&row.account.account),
        account: row.account.into(),
        registered_at: DateTime(row.registered_at),
        suspended: row.suspended,
        suspended_reason: row.suspended_reason,
    };
    Ok(rows.into_iter().map(person).collect())
}
