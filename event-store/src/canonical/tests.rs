//! Against the examples of RFC 8785; that stored values keep their hash is shown on the database.

use serde_json::json;

use super::*;

fn canonical(value: Value) -> String {
    let mut out = String::new();
    write(&value, &mut out).unwrap();
    out
}

#[test]
fn names_are_sorted_by_utf16_code_units() {
    // RFC 8785, section 3.2.3; in UTF-8 the last two would change places.
    let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
    let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
    assert_eq!(canonical(value), expected);
}

#[test]
fn strings_are_escaped_as_little_as_possible() {
    // RFC 8785, section 3.2.2.2.
    let text = "\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}\u{2028}";
    assert_eq!(canonical(json!(text)), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\u{2028}\"");
    assert_eq!(canonical(json!("\u{8}\t\u{c}\r")), "\"\\b\\t\\f\\r\"");
}

#[test]
fn the_rest_is_as_plain_as_can_be() {
    let value = json!({"b": [true, false, null, -0, 12, -9_007_199_254_740_992_i64], "a": {}, "": []});
    assert_eq!(canonical(value), "{\"\":[],\"a\":{},\"b\":[true,false,null,0,12,-9007199254740992]}");
}

#[test]
fn what_not_every_reader_reads_alike_is_refused() {
    let refusal = |value: Value| write(&value, &mut String::new()).unwrap_err();
    assert_eq!(refusal(json!([1.0])), NotCanonical::Float("1.0".to_owned()));
    assert_eq!(refusal(json!(-0.0)), NotCanonical::Float("-0.0".to_owned()));
    for large in [json!((1_i64 << 53) + 1), json!(-(1_i64 << 53) - 1), json!(u64::MAX), json!(i64::MIN)] {
        assert!(matches!(refusal(large), NotCanonical::TooLarge(_)));
    }
    assert_eq!(refusal(json!({"a": "\0"})), NotCanonical::Nul);
    let deep = (0..=DEPTH_MAX).fold(json!(0), |inner, _| json!([inner]));
    assert_eq!(refusal(deep), NotCanonical::TooDeep);
}
