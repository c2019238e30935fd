//! The database: embedded migrations, the private PostgreSQL starter, and databases for tests.
//! Knows nothing about what the tables mean; read and write them from the crates that own them.

pub mod cluster;
pub mod testing;

/// Every migration of `migrations/sql`, in order.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./sql");

/// Brings the database behind this pool up to date; safe to call from several processes at once.
pub async fn migrate(pool: &sqlx::PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATOR.run(pool).await
}
