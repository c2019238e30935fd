//! Why a film was found: its words cut into parts, those that were asked for marked. Text and marks, never markup.

use super::Search;

/// Letters of a word that may be wrong where films are only like what was asked for.
const WRONG_MAX: usize = 2;
/// Shorter words are like too many others.
const LIKE_CHARS_MIN: usize = 3;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    pub hit: bool,
}

/// The whole text in parts. `near`: words like those asked for count.
pub fn parts(text: &str, search: &Search, near: bool) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![];
    for word in runs(text) {
        let hit = is_hit(word, search, near);
        match parts.last_mut() {
            Some(last) if last.hit == hit => last.text.push_str(word),
            _ => parts.push(Part { text: word.to_owned(), hit }),
        }
    }
    parts
}

/// So many characters around the first hit, in parts; none where nothing is hit.
pub fn excerpt(text: &str, search: &Search, chars: usize) -> Vec<Part> {
    let Some(at) = runs(text)
        .scan(0, |at, run| Some((std::mem::replace(at, *at + run.chars().count()), run)))
        .find_map(|(at, run)| is_hit(run, search, false).then_some(at))
    else {
        return vec![];
    };
    let start = at.saturating_sub(chars / 3);
    let cut: String = text.chars().skip(start).take(chars).map(|c| if c == '\n' { ' ' } else { c }).collect();
    let mut parts = parts(&cut, search, false);
    let more = text.chars().count() > start + chars;
    if start > 0 {
        parts.insert(0, Part { text: "…".to_owned(), hit: false });
    }
    if more {
        parts.push(Part { text: "…".to_owned(), hit: false });
    }
    parts
}

/// Words and what is between them, in turn.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.chars().next()?.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != word).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

fn is_hit(run: &str, search: &Search, near: bool) -> bool {
    if !run.starts_with(char::is_alphanumeric) {
        return false;
    }
    let run = run.to_lowercase();
    search.words().iter().any(|word| {
        let like = || near && word.chars().count() >= LIKE_CHARS_MIN && distance(&run, word) <= WRONG_MAX;
        run.starts_with(word.as_str()) || like()
    })
}

/// Letters to add, take out or change to make one word of the other; a swap is two.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut above_left = std::mem::replace(&mut row[0], left);
        for (j, y) in b.iter().enumerate() {
            let cost = above_left + usize::from(x != *y);
            above_left = row[j + 1];
            left = cost.min(left + 1).min(above_left + 1);
            row[j + 1] = left;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(parts: &[Part]) -> String {
        parts.iter().map(|part| if part.hit { format!("[{}]", part.text) } else { part.text.clone() }).collect()
    }

    #[test]
    fn words_that_begin_as_asked_are_marked_and_nothing_is_lost() {
        let search = Search::of("sea <b>LIS").unwrap();
        assert_eq!(search.words(), ["sea", "b", "lis"]);
        assert_eq!(marked(&parts("<b>Seaside</b>, Lisbon", &search, false)), "<[b]>[Seaside]</[b]>, [Lisbon]");
        assert_eq!(marked(&parts("Overseas", &search, false)), "Overseas");
        assert_eq!(marked(&parts("", &search, false)), "");
    }

    #[test]
    fn a_word_with_a_wrong_letter_is_marked_only_where_asked_for() {
        let search = Search::of("holidya").unwrap();
        assert_eq!(marked(&parts("Holiday in Lisbon", &search, true)), "[Holiday] in Lisbon");
        assert_eq!(marked(&parts("Holiday in Lisbon", &search, false)), "Holiday in Lisbon");
    }

    #[test]
    fn an_excerpt_is_around_the_first_hit() {
        let search = Search::of("needle").unwrap();
        let text = format!("{} needle {}", "hay ".repeat(100), "hay ".repeat(100));
        let shown = excerpt(&text, &search, 60);
        assert!(shown.iter().map(|part| part.text.chars().count()).sum::<usize>() <= 62);
        assert_eq!(shown.iter().filter(|part| part.hit).count(), 1);
        assert_eq!((shown[0].text.as_str(), shown.last().unwrap().text.as_str()), ("…", "…"));
        assert_eq!(excerpt("hay", &search, 60), vec![]);
    }

    #[test]
    fn distances_count_letters() {
        for (a, b, letters) in
            [("a", "a", 0), ("", "ab", 2), ("cat", "cut", 1), ("cat", "cart", 1), ("form", "from", 2)]
        {
            assert_eq!(distance(a, b), letters, "{a} {b}");
        }
    }
}
