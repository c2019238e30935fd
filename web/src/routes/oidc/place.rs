//! Where a browser goes on to afterwards: a page of this site, never another one.

use lockstep_commands::identity::attempt::RETURN_CHARS_MAX;
use openidconnect::url::{Url, form_urlencoded};

/// A path of this site with what follows it, as it was given; `None` for anything that a browser could take for another
/// site (WHATWG URL Standard: `//host`, `/\host`, and tabs and line ends that it leaves out).
pub fn local(text: &str, public_url: &str) -> Option<String> {
    let plain = text.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if !plain || text.len() > RETURN_CHARS_MAX || !text.starts_with('/') || text.starts_with("//") {
        return None;
    }
    let ours = Url::parse(public_url).ok()?;
    let resolved = ours.join(text).ok()?;
    (resolved.origin() == ours.origin()).then(|| text.to_owned())
}

/// The same place, which is to say what went wrong.
pub fn with_problem(place: &str, code: &str) -> String {
    let (path, fragment) = place.split_once('#').map_or((place, None), |(path, fragment)| (path, Some(fragment)));
    let mark = if path.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{path}{mark}problem={code}{fragment}")
}

/// The page to sign in, which goes on to this place.
pub fn sign_in(next: &str, code: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    if next == "/" { with_problem("/sign-in", code) } else { with_problem(&format!("/sign-in?{query}"), code) }
}

/// The page to choose a name on. What the provider calls them stands where no server sees it.
pub fn choose_name(suggested: Option<&str>) -> String {
    let name = form_urlencoded::byte_serialize(suggested.unwrap_or_default().as_bytes()).collect::<String>();
    if name.is_empty() { "/sign-in/name".to_owned() } else { format!("/sign-in/name#{}", name.replace('+', "%20")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://watch.example";

    #[test]
    fn only_a_page_of_this_site_is_gone_on_to() {
        for right in ["/", "/c/movie-night", "/i/abc?x=1&y=2", "/account#tokens", "/c/%C3%A4"] {
            assert_eq!(local(right, OURS).as_deref(), Some(right));
        }
        let long = format!("/{}", "a".repeat(RETURN_CHARS_MAX));
        for wrong in [
            "",
            "c/movie-night",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "https://watch.example/",
            "https://watch.example@evil.example/",
            "javascript:alert(1)",
            " /",
            "/ä",
            "/a b",
            &long,
        ] {
            assert_eq!(local(wrong, OURS), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_problem_is_said_at_the_place() {
        assert_eq!(with_problem("/account", "busy"), "/account?problem=busy");
        assert_eq!(with_problem("/i/a?b=c#d", "busy"), "/i/a?b=c&problem=busy#d");
        assert_eq!(sign_in("/", "busy"), "/sign-in?problem=busy");
        assert_eq!(sign_in("/i/a?b=c", "busy"), "/sign-in?next=%2Fi%2Fa%3Fb%3Dc&problem=busy");
        assert_eq!(choose_name(None), "/sign-in/name");
        assert_eq!(choose_name(Some("Ada L & co#1")), "/sign-in/name#Ada%20L%20%26%20co%231");
    }
}
