//! Accounts by id: the name people see and what they may do on the platform.

use async_trait::async_trait;
use lockstep_domain::{
    Personal,
    account::{AccountEvent, PlatformRole},
    ids::AccountId,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
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
            AccountEvent::DisplayNameChanged { name } => {
                sqlx::query("UPDATE rm_accounts SET name = $2, position = $3 WHERE account_id = $1 AND position < $3")
                    .bind(account.0)
                    .bind(shown(&name))
                    .bind(event.position.as_i64())
                    .execute(tx)
                    .await?;
                Ok(())
            }
            AccountEvent::PlatformRoleGranted { role, by: _ } => {
                sqlx::query("UPDATE rm_accounts SET role = $2, position = $3 WHERE account_id = $1 AND position < $3")
                    .bind(account.0)
                    .bind(role.word())
                    .bind(event.position.as_i64())
                    .execute(tx)
                    .await?;
                Ok(())
            }
            AccountEvent::PasswordChanged { .. } | AccountEvent::Suspended { .. } | AccountEvent::Reinstated { .. } => {
                Ok(())
            }
        }
    }
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
             registered_at_us = excluded.registered_at_us, position = excluded.position
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
