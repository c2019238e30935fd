//! Test databases are migrated, apart from each other, and gone afterwards.

use lockstep_migrations::testing::TestDatabase;

#[tokio::test]
async fn a_test_database_is_migrated_and_its_own() {
    let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    let insert = "INSERT INTO credentials VALUES (gen_random_uuid(), 'Ada', 'x')";
    sqlx::query(insert).execute(&one.pool().await).await.unwrap();
    let count = "SELECT count(*) FROM credentials";
    let found: i64 = sqlx::query_scalar(count).fetch_one(&other.pool().await).await.unwrap();
    assert_eq!(found, 0);
}

#[tokio::test]
async fn a_dropped_test_database_is_gone() {
    let kept = TestDatabase::create().await;
    let dropped = TestDatabase::create().await;
    let name = dropped.name().to_owned();
    let exists = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    let before: bool = sqlx::query_scalar(exists).bind(&name).fetch_one(&kept.pool().await).await.unwrap();
    drop(dropped);
    let after: bool = sqlx::query_scalar(exists).bind(&name).fetch_one(&kept.pool().await).await.unwrap();
    assert_eq!((before, after), (true, false));
}

#[tokio::test]
async fn login_names_are_unique_whatever_their_case() {
    let db = TestDatabase::create().await;
    let pool = db.pool().await;
    let insert = "INSERT INTO credentials VALUES (gen_random_uuid(), $1, 'x')";
    sqlx::query(insert).bind("Ada").execute(&pool).await.unwrap();
    assert!(sqlx::query(insert).bind("aDA").execute(&pool).await.is_err());
}
