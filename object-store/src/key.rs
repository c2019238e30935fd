//! The shape of object keys: short, and made of characters that need no escaping in an address or a file name.

use crate::ObjectError;

/// Longest object key in bytes. The embedded store puts base64 of bucket and key into one file name of at most
/// 255 bytes: 30 fixed + 84 (a bucket name of 63) + 134 (a key of 100) = 248.
pub const KEY_BYTES_MAX: usize = 100;

/// Checks a key: 1 to [`KEY_BYTES_MAX`] bytes of `A-Z a-z 0-9 . _ -` in segments parted by single `/`, none of them
/// starting with a dot (so no `.`, no `..`, no hidden file).
///
/// # Errors
/// [`ObjectError::Invalid`] naming the rule that was broken, never the key.
pub fn check_key(key: &str) -> Result<(), ObjectError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(ObjectError::Invalid(format!("an object key has 1 to {KEY_BYTES_MAX} bytes")));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let sound = |segment: &str| !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(plain);
    if key.split('/').all(sound) {
        Ok(())
    } else {
        Err(ObjectError::Invalid("an object key is made of plain path segments".into()))
    }
}

/// Checks a bucket name: 3 to 63 bytes of `a-z 0-9 -`, first and last not `-`.
pub(crate) fn check_bucket_name(name: &str) -> Result<(), ObjectError> {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if plain && (3..=63).contains(&name.len()) && !name.starts_with('-') && !name.ends_with('-') {
        Ok(())
    } else {
        Err(ObjectError::Invalid("a bucket name has 3 to 63 bytes of a-z, 0-9 and -".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_keys_pass() {
        for key in ["u/1", "v/0199-ab/1080p/00001.m4s", &"k".repeat(KEY_BYTES_MAX)] {
            assert_eq!(check_key(key), Ok(()), "{key}");
        }
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        for key in ["", "/a", "a/", "a//b", "..", "a/../b", "a/.b", "a b", "a%2fb", "a\\b", "ä", "a\0", &long] {
            assert!(matches!(check_key(key), Err(ObjectError::Invalid(_))), "{key:?}");
        }
    }

    #[test]
    fn bucket_names_are_host_safe() {
        for name in ["media", "interim-7f"] {
            assert_eq!(check_bucket_name(name), Ok(()));
        }
        for name in ["", "ab", "Media", "a.b.c", "-abc", "abc-", "a/b", &"n".repeat(64)] {
            assert!(check_bucket_name(name).is_err(), "{name}");
        }
    }
}
