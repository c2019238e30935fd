//! The committed SDL is the schema's.

use crate::app::App;

/// Set to anything: the file is written anew instead of compared.
const UPDATE: &str = "LOCKSTEP_UPDATE_SDL";

#[tokio::test]
async fn the_committed_schema_is_the_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let sdl = App::new().await.schema.sdl();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, &sdl).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == sdl, "schema.graphql has drifted: run this test with {UPDATE}=1 and commit the file");
}
