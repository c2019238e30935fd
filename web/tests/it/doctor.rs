//! `lockstep doctor` says what is wrong when FFmpeg, the database or the object store is missing.

use crate::process::{data_folder, run};

#[test]
fn a_whole_installation_is_found_whole() {
    let data = data_folder();
    let (well, said) = run(&["doctor"], data.path(), &[]);
    assert!(well, "{said}");
    for name in ["FFmpeg", "database", "object store", "delivery", "redis", "disk"] {
        assert!(said.contains(&format!("ok    {name}")), "{name}: {said}");
    }
}

#[test]
fn each_missing_part_is_named_with_what_to_do() {
    let data = data_folder();
    let key = "00".repeat(32);
    let cases: [(&[(&str, &str)], &str, &str); 4] = [
        (&[("LOCKSTEP_MEDIA_PROGRAM", "/nonexistent/lockstep-media")], "WRONG FFmpeg", "Install FFmpeg"),
        (
            &[("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none"), ("LOCKSTEP_MASTER_KEY", &key)],
            "WRONG database",
            "Check DATABASE_URL",
        ),
        (
            &[("S3_ENDPOINT", "http://127.0.0.1:1"), ("S3_ACCESS_KEY_ID", "a"), ("S3_SECRET_ACCESS_KEY", "b")],
            "WRONG object store",
            "Check S3_ENDPOINT",
        ),
        (&[("REDIS_URL", "redis://127.0.0.1:1/")], "WRONG redis", "Check REDIS_URL"),
    ];
    for (env, wrong, advice) in cases {
        let (well, said) = run(&["doctor"], data.path(), env);
        assert!(!well, "{said}");
        assert!(said.contains(wrong) && said.contains(advice), "{said}");
        assert_eq!(said.matches("WRONG").count(), 1, "only what is missing is named: {said}");
    }
}

#[test]
fn a_missing_postgres_installation_is_said() {
    let data = data_folder();
    let (well, said) = run(&["doctor"], data.path(), &[("PG_BIN", "/nonexistent")]);
    assert!(!well && said.contains("WRONG database") && said.contains("install"), "{said}");
}
