//! The table that finds an identity's account. What it says counts only as far as the log says so too.

use lockstep_domain::{
    ids::{AccountId, IdentityId},
    time::Timestamp,
};

use super::{Claimed, IdentityRow, Refused};
use crate::{
    CommandError, LoadError, Services,
    account::{AccountRefusal, fault},
    credentials::{self, YOUNG_SECONDS},
};

/// Rows shown; more than an account may have.
const SHOWN_MAX: i64 = 20;

pub(super) struct Found {
    pub account: AccountId,
    pub id: IdentityId,
    pub young: bool,
}

pub(super) async fn find(services: &Services, key: &[u8; 32]) -> Result<Option<Found>, LoadError> {
    let row: Option<(uuid::Uuid, uuid::Uuid, bool)> = sqlx::query_as(
        "SELECT account_id, identity_id, linked_at > now() - make_interval(secs => $2) FROM identities
         WHERE key_sha256 = $1",
    )
    .bind(key.as_slice())
    .bind(f64::from(YOUNG_SECONDS))
    .fetch_optional(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(row.map(|(account, id, young)| Found { account: AccountId(account), id: IdentityId(id), young }))
}

/// Takes the identity for this account, and with `name` the name that only this account has.
pub(super) async fn reserve(
    services: &Services,
    claimed: &Claimed,
    id: IdentityId,
    account: AccountId,
    name: Option<&str>,
) -> Result<(), Refused> {
    let mut tx = services.pool.begin().await.map_err(unavailable)?;
    let taken = sqlx::query(
        "INSERT INTO identities (key_sha256, identity_id, account_id, issuer) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(claimed.key().as_slice())
    .bind(id.0)
    .bind(account.0)
    .bind(&claimed.issuer)
    .execute(&mut *tx)
    .await
    .map_err(unavailable)?;
    // Somebody is at the same sign-in: whoever comes again finds what became of it.
    if taken.rows_affected() != 1 {
        return Err(CommandError::Refused(AccountRefusal::Busy));
    }
    if let Some(name) = name
        && !credentials::reserve_name(&mut tx, account, name).await.map_err(fault)?
    {
        return Err(CommandError::Refused(AccountRefusal::NameTaken));
    }
    tx.commit().await.map_err(unavailable)?;
    Ok(())
}

/// Gives a reserved row back.
pub(super) async fn release(services: &Services, id: IdentityId) {
    let released =
        sqlx::query("DELETE FROM identities WHERE identity_id = $1").bind(id.0).execute(&services.pool).await;
    if let Err(error) = released {
        tracing::warn!(%error, "an identity stays reserved until its next sign-in");
    }
}

/// Removes what a crash left behind, with the name of an account that was never made.
pub(super) async fn clear(
    services: &Services,
    account: AccountId,
    id: IdentityId,
    unmade: bool,
) -> Result<(), LoadError> {
    let mut tx = services.pool.begin().await.map_err(unavailable)?;
    sqlx::query("DELETE FROM identities WHERE identity_id = $1")
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
    if unmade {
        sqlx::query("DELETE FROM credentials WHERE account_id = $1 AND password_phc IS NULL")
            .bind(account.0)
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
    }
    tx.commit().await.map_err(unavailable)
}

pub(super) async fn drop(services: &Services, account: AccountId, id: IdentityId) -> Result<(), LoadError> {
    sqlx::query("DELETE FROM identities WHERE identity_id = $1 AND account_id = $2")
        .bind(id.0)
        .bind(account.0)
        .execute(&services.pool)
        .await
        .map(|_| ())
        .map_err(unavailable)
}

pub(super) async fn used(services: &Services, key: &[u8; 32]) -> Result<(), LoadError> {
    sqlx::query("UPDATE identities SET last_used_at = now() WHERE key_sha256 = $1")
        .bind(key.as_slice())
        .execute(&services.pool)
        .await
        .map(|_| ())
        .map_err(unavailable)
}

pub(super) async fn of(services: &Services, account: AccountId) -> Result<Vec<IdentityRow>, LoadError> {
    let rows: Vec<(uuid::Uuid, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT identity_id, issuer, (extract(epoch FROM linked_at) * 1000000)::bigint,
                (extract(epoch FROM last_used_at) * 1000000)::bigint
         FROM identities WHERE account_id = $1 ORDER BY linked_at, identity_id LIMIT $2",
    )
    .bind(account.0)
    .bind(SHOWN_MAX)
    .fetch_all(&services.pool)
    .await
    .map_err(unavailable)?;
    let shown = |(id, issuer, linked, used): (uuid::Uuid, String, i64, Option<i64>)| IdentityRow {
        id: IdentityId(id),
        issuer,
        linked_at: Timestamp(linked),
        last_used_at: used.map(Timestamp),
    };
    Ok(rows.into_iter().map(shown).collect())
}

fn unavailable(error: sqlx::Error) -> LoadError {
    LoadError::Unavailable(error.to_string())
}
