//! Hashes that are stored for ever, pinned; computed once with another program (Python's hashlib).

use uuid::uuid;

use super::*;

fn leaf() -> Leaf<'static> {
    Leaf {
        event_id: uuid!("0190b8a0-0000-8000-8000-000000000001"),
        event_type: "Happened",
        event_version: "1",
        metadata: "{\"actor\":\"ada\"}",
        occurred_at: Timestamp::from_micros(1_234_567),
        payload: "{\"Happened\":{\"n\":1}}",
        sequence: 3,
        stream_type: "thing",
        stream_id: "a\"b",
    }
}

#[test]
fn a_leaf_never_changes() {
    let hash = hex::encode(leaf().hash().unwrap());
    assert_eq!(hash, "112f89ff97f392cf6315c439b550b2ccfb5c91470bb12a59afff15e2bc7dffbc");
}

#[test]
fn a_leaf_covers_every_field() {
    let base = leaf().hash().unwrap();
    let others = [
        Leaf { event_id: uuid!("0190b8a0-0000-8000-8000-000000000002"), ..leaf() },
        Leaf { event_type: "Happened2", ..leaf() },
        Leaf { event_version: "2", ..leaf() },
        Leaf { metadata: "{}", ..leaf() },
        Leaf { occurred_at: Timestamp::from_micros(0), ..leaf() },
        Leaf { payload: "{}", ..leaf() },
        Leaf { sequence: 4, ..leaf() },
        Leaf { stream_type: "other", ..leaf() },
        Leaf { stream_id: "b", ..leaf() },
    ];
    assert!(others.iter().all(|other| other.hash().unwrap() != base));
}

#[test]
fn a_link_never_changes() {
    let mut link = Link::new(&GENESIS, 1, 1, Timestamp::from_micros(1_234_567));
    link.leaf(&[1; 32]);
    link.leaf(&[2; 32]);
    assert_eq!(hex::encode(link.finish()), "481e0f362f1208f610275afff657ec70afd2bdc05f7c8f1ffcddd90a529f2291");
}

#[test]
fn an_event_id_is_a_uuid_of_version_8_that_never_changes() {
    let (stream, other) = (StreamId::new("thing", "a"), StreamId::new("thin", "ga"));
    let v4 = CommandId(uuid!("6fa459ea-ee8a-4ca4-894e-db77e160355e"));
    let v7 = CommandId(uuid!("0190b8a0-1234-7abc-8def-0123456789ab"));
    let id = event_id("ada", &stream, v4, 0);
    assert_eq!(id, uuid!("58f76420-3f7c-8509-ade5-093f20e41a9a"));
    assert_eq!((id.get_version_num(), id.get_variant()), (8, Variant::RFC4122));
    assert_eq!(event_id("ada", &stream, v7, 2), uuid!("0190b8a0-1234-8ef5-a538-e57c2886cd28"));
    for different in [
        event_id("ad", &stream, v4, 0),
        event_id("ada", &other, v4, 0),
        event_id("ada", &stream, v7, 0),
        event_id("ada", &stream, v4, 1),
    ] {
        assert_ne!(different, id);
    }
}
