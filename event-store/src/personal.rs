//! Personal fields inside JSON: `{"$personal":{"subject":..,"value":..}}` in memory, `{"$k":key id,"$c":ciphertext}`
//! in the log, `{"$personal":null}` when nobody can open it any more. Pure: keys are handed in.

use std::collections::{BTreeSet, HashMap};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    canonical::{self, NotCanonical},
    secret,
};

/// Bytes of a subject's name.
const SUBJECT_BYTES_MAX: usize = 200;

/// One subject's key; `key` is gone when it was destroyed.
#[derive(Clone)]
pub struct SubjectKey {
    pub id: Uuid,
    pub subject: String,
    pub key: Option<[u8; 32]>,
}

/// Why personal fields cannot be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("a name starts with $, which only personal fields may: {0}")]
    Reserved(String),
    #[error("a personal field needs exactly a subject (1 to {SUBJECT_BYTES_MAX} bytes) and a value")]
    Malformed,
    #[error(transparent)]
    NotCanonical(#[from] NotCanonical),
}

/// Everybody this value has personal fields about.
pub fn subjects(value: &Value) -> Result<BTreeSet<String>, SealError> {
    let mut found = BTreeSet::new();
    collect(value, 0, &mut found)?;
    Ok(found)
}

fn collect(value: &Value, depth: usize, found: &mut BTreeSet<String>) -> Result<(), SealError> {
    if depth > canonical::DEPTH_MAX {
        return Err(NotCanonical::TooDeep.into());
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, depth + 1, found)),
        Value::Object(fields) => match personal(fields)? {
            Some(Some((subject, inner))) => {
                found.insert(subject.to_owned());
                // Personal inside personal would be opened by nobody.
                let mut inside = BTreeSet::new();
                collect(inner, depth + 1, &mut inside)?;
                if inside.is_empty() { Ok(()) } else { Err(SealError::Malformed) }
            }
            Some(None) => Ok(()),
            None => fields.values().try_for_each(|field| collect(field, depth + 1, found)),
        },
        _ => Ok(()),
    }
}

/// `Some(None)` is an erased field, `Some(Some(..))` one to seal, `None` an ordinary object.
#[allow(clippy::option_option)]
fn personal(fields: &Map<String, Value>) -> Result<Option<Option<(&str, &Value)>>, SealError> {
    let Some(reserved) = fields.keys().find(|name| name.starts_with('$')) else { return Ok(None) };
    if reserved != "$personal" {
        return Err(SealError::Reserved(reserved.clone()));
    }
    match (fields.len(), &fields["$personal"]) {
        (1, Value::Null) => Ok(Some(None)),
        (1, Value::Object(inner)) => match (inner.len(), inner.get("subject"), inner.get("value")) {
            (2, Some(Value::String(subject)), Some(value))
                if !subject.is_empty() && subject.len() <= SUBJECT_BYTES_MAX && !subject.contains('\0') =>
            {
                Ok(Some(Some((subject, value))))
            }
            _ => Err(SealError::Malformed),
        },
        _ => Err(SealError::Malformed),
    }
}

/// Seals every personal field in place; `keys` by subject. A subject whose key was destroyed leaves a gap.
pub fn seal(value: &mut Value, keys: &HashMap<String, SubjectKey>) -> Result<(), SealError> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| seal(item, keys)),
        Value::Object(fields) => match personal(fields)? {
            Some(Some((subject, inner))) => {
                *value = seal_one(inner, keys.get(subject))?;
                Ok(())
            }
            Some(None) => Ok(()),
            None => fields.values_mut().try_for_each(|field| seal(field, keys)),
        },
        _ => Ok(()),
    }
}

fn seal_one(value: &Value, key: Option<&SubjectKey>) -> Result<Value, SealError> {
    let Some((id, key)) = key.and_then(|key| Some((key.id, key.key?))) else { return Ok(erased()) };
    let mut plain = String::new();
    canonical::write(value, &mut plain)?;
    let sealed = secret::seal(&key, plain.as_bytes(), id.as_bytes());
    Ok(json!({ "$k": id.to_string(), "$c": BASE64.encode(sealed) }))
}

fn erased() -> Value {
    json!({ "$personal": null })
}

/// The keys this value is sealed with.
pub fn key_ids(value: &Value, found: &mut BTreeSet<Uuid>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| key_ids(item, found)),
        Value::Object(fields) => match sealed(fields) {
            Some((id, _)) => found.extend(id),
            None => fields.values().for_each(|field| key_ids(field, found)),
        },
        _ => {}
    }
}

/// Key id (when it is one) and ciphertext of a sealed field.
fn sealed(fields: &Map<String, Value>) -> Option<(Option<Uuid>, &str)> {
    match (fields.len(), fields.get("$k"), fields.get("$c")) {
        (2, Some(Value::String(id)), Some(Value::String(text))) => Some((Uuid::parse_str(id).ok(), text)),
        _ => None,
    }
}

/// Opens every sealed field in place; what cannot be opened becomes `{"$personal":null}`.
pub fn open(value: &mut Value, keys: &HashMap<Uuid, SubjectKey>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| open(item, keys)),
        Value::Object(fields) => match sealed(fields) {
            Some((id, text)) => {
                let opened = id.and_then(|id| keys.get(&id)).and_then(|key| open_one(text, key));
                *value = opened.unwrap_or_else(erased);
            }
            None => fields.values_mut().for_each(|field| open(field, keys)),
        },
        _ => {}
    }
}

fn open_one(text: &str, key: &SubjectKey) -> Option<Value> {
    let sealed = BASE64.decode(text).ok()?;
    let plain = secret::open(key.key.as_ref()?, &sealed, key.id.as_bytes())?;
    let value: Value = serde_json::from_slice(&plain).ok()?;
    Some(json!({ "$personal": { "subject": key.subject, "value": value } }))
}
