//! Accounts by id: the name people see and what they may do on the platform.

use async_trait::async_trait;
use lockstep_domain::{
    Personal,
    account::{AccountEvent, PlatformRole},
    ids::AccountId,
    time::Timestamp,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{
    FromRow, PgConnection, PgPool, Postgres, Row,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use crate::{
    projection::{ApplyError, Projection, Table, decode, id_of},
    words::{self, Word},
};

/// The projection behind `rm_accounts`.
pub struct Accounts;

#[async_trait]
impl Projection for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }
    /// 2: suspensions, and guests who registered.
    fn version(&self) -> i32 {
        2
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["account"]
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_accounts", key: "account_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let account: AccountId = id_of(event)?;
        match decode::<AccountEvent>(event)? {
            AccountEvent::Registered { name, role } => insert(tx, event, account, &name, role).await,
            AccountEvent::GuestAdmitted { name } => insert(tx, event, account, &name, PlatformRole::Guest).await,
            AccountEvent::Upgraded { name } => {
                let sql = "UPDATE rm_accounts SET name = $3, role = $4, position = $2
                           WHERE account_id = $1 AND position < $2";
                run(tx, at(sql, event, account).bind(shown(&name)).bind(PlatformRole::Member.word())).await
            }
            AccountEvent::DisplayNameChanged { name } => {
                let sql = "UPDATE rm_accounts SET name = $3, position = $2 WHERE account_id = $1 AND position < $2";
                run(tx, at(sql, event, account).bind(shown(&name))).await
            }
            AccountEvent::PlatformRoleGranted { role, by: _ } => {
                let sql = "UPDATE rm_accounts SET role = $3, position = $2 WHERE account_id = $1 AND position < $2";
                run(tx, at(sql, event, account).bind(role.word())).await
            }
            AccountEvent::Suspended { by: _, reason } => {
                let sql = "UPDATE rm_accounts SET suspended = true, suspended_reason = $3, position = $2
                           WHERE account_id = $1 AND position < $2";
                run(tx, at(sql, event, account).bind(reason.as_ref().map_or("", shown))).await
            }
            AccountEvent::Reinstated { by: _ } => {
                let sql = "UPDATE rm_accounts SET suspended = false, suspended_reason = '', position = $2
                           WHERE account_id = $1 AND position < $2";
                run(tx, at(sql, event, account)).await
            }
            AccountEvent::PasswordChanged { .. }
            | AccountEvent::IdentityLinked { .. }
            | AccountEvent::IdentityUnlinked { .. } => Ok(()),
        }
    }
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// A statement on this account's row, if it is older than this event.
fn at<'q>(sql: &'q str, event: &RecordedEvent, account: AccountId) -> Statement<'q> {
    sqlx::query(sql).bind(account.0).bind(event.position.as_i64())
}

async fn run(tx: &mut PgConnection, statement: Statement<'_>) -> Result<(), ApplyError> {
    statement.execute(tx).await?;
    Ok(())
}

async fn insert(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    account: AccountId,
    name: &Personal<String>,
    role: PlatformRole,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_accounts (account_id, name, role, registered_at_us, position) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account_id) DO UPDATE SET name = excluded.name, role = excluded.role,
             registered_at_us = excluded.registered_at_us, suspended = false, suspended_reason = '',
             position = excluded.position
         WHERE rm_accounts.position < excluded.position",
    )
    .bind(account.0)
    .bind(shown(name))
    .bind(role.word())
    .bind(event.recorded_at.as_micros())
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// What a read model shows of a personal text: nothing once it was erased.
pub(crate) fn shown(text: &Personal<String>) -> &str {
    text.value().map_or("", String::as_str)
}

/// One account as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    pub account: AccountId,
    /// `""` once the person was erased.
    pub name: String,
    pub role: PlatformRole,
}

impl FromRow<'_, PgRow> for AccountRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            account: AccountId(row.try_get("account_id")?),
            name: row.try_get("name")?,
            role: words::column(row, "role")?,
        })
    }
}

/// The accounts of these ids, in no order; unknown ids are absent.
pub async fn by_ids(pool: &PgPool, ids: &[AccountId]) -> Result<Vec<AccountRow>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as("SELECT account_id, name, role FROM rm_accounts WHERE account_id = ANY($1)")
        .bind(ids)
        .fetch_all(pool)
        .await
}

/// One account as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    pub account: AccountRow,
    pub registered_at: Timestamp,
    pub suspended: bool,
    /// `""` without one, or once the person was erased.
    pub suspended_reason: String,
}

impl FromRow<'_, PgRow> for PersonRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            account: AccountRow::from_row(row)?,
            registered_at: Timestamp(row.try_get("registered_at_us")?),
            suspended: row.try_get("suspended")?,
            suspended_reason: row.try_get("suspended_reason")?,
        })
    }
}

/// Accounts by name, after the one at `after`, whose names contain `search`; at most `limit`. Guests only where asked for.
pub async fn people(
    pool: &PgPool,
    search: &str,
    guests: bool,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<PersonRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT account_id, name, role, registered_at_us, suspended, suspended_reason FROM rm_accounts
         WHERE ($1 = '' OR strpos(lower(name), lower($1)) > 0) AND ($2 OR role <> 'guest')
           AND ($3::uuid IS NULL OR (lower(name), account_id) >
                (SELECT lower(name), account_id FROM rm_accounts WHERE account_id = $3))
         ORDER BY lower(name), account_id LIMIT $4",
    )
    .bind(search)
    .bind(guests)
    .bind(after.map(|after| after.0))
    .bind(limit)
    .fetch_all(pool)
    .await
}
