//! Canonical JSON (RFC 8785) for the values a log may hold: integers only, so that every writer and every
//! reader of the same fact computes the same bytes.

use std::cmp::Ordering;

use serde_json::Value;

/// Bytes of one event's payload and metadata together, canonical.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// How deep arrays and objects may be nested.
pub const DEPTH_MAX: usize = 32;
/// Beyond ±2^53 not every integer survives readers that use doubles.
const INTEGER_MAX: i64 = 1 << 53;

/// Why a value cannot be in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    #[error("{0} is not an integer: give the quantity a smaller unit")]
    Float(String),
    #[error("{0} is beyond 2^53")]
    TooLarge(String),
    #[error("a string holds U+0000")]
    Nul,
    #[error("nested deeper than {DEPTH_MAX}")]
    TooDeep,
}

/// Appends the canonical text of the value.
pub fn write(value: &Value, out: &mut String) -> Result<(), NotCanonical> {
    write_at(value, out, 0)
}

fn write_at(value: &Value, out: &mut String, depth: usize) -> Result<(), NotCanonical> {
    if depth > DEPTH_MAX {
        return Err(NotCanonical::TooDeep);
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_integer(number, out)?,
        Value::String(text) => write_string(text, out)?,
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_at(item, out, depth + 1)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(one, _), (other, _)| utf16_order(one, other));
            out.push('{');
            for (n, (name, field)) in fields.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_string(name, out)?;
                out.push(':');
                write_at(field, out, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_integer(number: &serde_json::Number, out: &mut String) -> Result<(), NotCanonical> {
    let too_large = || NotCanonical::TooLarge(number.to_string());
    let integer = match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => integer,
        (None, Some(_)) => return Err(too_large()),
        (None, None) => return Err(NotCanonical::Float(number.to_string())),
    };
    if !(-INTEGER_MAX..=INTEGER_MAX).contains(&integer) {
        return Err(too_large());
    }
    out.push_str(&integer.to_string());
    Ok(())
}

/// As section 3.2.2.2 of RFC 8785: the short escapes, `\u00xx` for other control characters, the rest as it is.
pub fn write_string(text: &str, out: &mut String) -> Result<(), NotCanonical> {
    out.push('"');
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push_str(text);
        out.push('"');
        return Ok(());
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0' => return Err(NotCanonical::Nul), // PostgreSQL's jsonb cannot hold it
            '\u{1}'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    Ok(())
}

/// RFC 8785 sorts names by UTF-16 code units, which is not the order of UTF-8 bytes.
fn utf16_order(one: &str, other: &str) -> Ordering {
    one.encode_utf16().cmp(other.encode_utf16())
}

#[cfg(test)]
mod tests;
