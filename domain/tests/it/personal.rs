//! Personal fields: their form towards the store, and the gap an erased person leaves.

use lockstep_domain::Personal;
use serde_json::{Value, json};

use crate::sample::{ADA, named};

fn read(value: Value) -> Personal<String> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_known_value_names_its_subject() {
    let stored = json!({"$personal": {"subject": ADA.to_string(), "value": "Ada"}});
    assert_eq!(serde_json::to_value(named(ADA, "Ada")).unwrap(), stored);
    assert_eq!(read(stored), named(ADA, "Ada"));
    assert_eq!(named(ADA, "Ada").value(), Some(&"Ada".to_owned()));
}

#[test]
fn what_cannot_be_opened_is_erased() {
    for unreadable in [
        json!({"$personal": null}),
        json!({"$k": "account", "$c": "b64"}),
        json!({"$sealed": {"subject": ADA.to_string(), "c": "b64"}}),
        json!({}),
        json!(null),
    ] {
        assert_eq!(read(unreadable.clone()), Personal::Erased, "{unreadable}");
    }
    assert_eq!(Personal::<String>::Erased.value(), None);
    assert_eq!(Personal::<String>::default(), Personal::Erased);
}

#[test]
fn the_gap_is_stored_as_a_gap() {
    let stored = serde_json::to_value(Personal::<String>::Erased).unwrap();
    assert_eq!(stored, json!({"$personal": null}));
    assert_eq!(read(stored), Personal::Erased);
}
