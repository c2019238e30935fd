//! Addresses of channels.

use lockstep_commands::{
    CommandError,
    channel::{self, ChannelRefusal},
};
use lockstep_domain::channel::Visibility;

use crate::support::World;

#[tokio::test]
async fn what_no_channel_may_be_called_takes_no_address() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let create = async |name: &str, slug: &str| {
        let slug = Some(slug.to_owned());
        channel::create(&world.services, &world.context(owner), name, slug, Visibility::Public)
            .await
            .map(|made| made.slug)
    };
    let long = "a".repeat(20_000);
    for (name, slug) in [("", "movies"), ("Movies", "No Slug"), ("Movies", &long)] {
        let refused = create(name, slug).await;
        assert!(matches!(refused, Err(CommandError::Refused(ChannelRefusal::Rule(_)))), "{refused:?}");
    }
    assert_eq!(create("Movies", "movies").await.expect("it is free"), "movies");
    let taken = create("Movies", "movies").await;
    assert!(matches!(taken, Err(CommandError::Refused(ChannelRefusal::SlugTaken))), "{taken:?}");
}
