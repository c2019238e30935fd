//! What one emoji is.

use lockstep_domain::emoji::is_emoji;

#[test]
fn emoji_are_emoji() {
    let emoji = [
        "\u{1F44D}",
        "\u{1F44D}\u{1F3FD}",
        "\u{2764}",
        "\u{2764}\u{FE0F}",
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}",
        "\u{1F3F3}\u{FE0F}\u{200D}\u{1F308}",
        "\u{1F1E9}\u{1F1EA}",
        "5\u{FE0F}\u{20E3}",
        "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        "\u{1FAE1}",
    ];
    for one in emoji {
        assert!(is_emoji(one), "{one:?}");
    }
}

#[test]
fn everything_else_is_not() {
    let others = [
        "",
        "a",
        "5",
        " ",
        "<b>",
        "\u{1F44D}\u{1F44D}",
        "\u{1F44D}!",
        "\u{1F1E9}",
        "\u{200D}",
        "\u{1F44D}\u{200D}",
        "\u{FE0F}",
        "\u{1F3F4}\u{E0067}",
        "a\u{301}",
        "\u{202E}",
    ];
    for one in others {
        assert!(!is_emoji(one), "{one:?}");
    }
    let long = ["\u{1F468}"; 7].join("\u{200D}");
    assert!(!is_emoji(&long), "{} bytes", long.len());
}
