//! Fields that name or quote a person. Plain here; sealed where the event store writes, opened where it reads.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value about one subject (an account id), or the gap left after that subject was erased.
///
/// In memory and towards the store it is `{"$personal": {"subject": "..", "value": ..}}`; the store
/// replaces that object by ciphertext. An unreadable field decodes to [`Personal::Erased`], never to an error.
#[derive(Default, Debug, Clone, PartialEq, Eq, Hash)]
pub enum Personal<T> {
    Known {
        subject: String,
        value: T,
    },
    #[default]
    Erased,
}

impl<T> Personal<T> {
    pub fn new(subject: impl std::fmt::Display, value: T) -> Self {
        Self::Known { subject: subject.to_string(), value }
    }
    /// The value, unless it was erased.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Erased => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Wire<T> {
    #[serde(rename = "$personal")]
    personal: Option<Inner<T>>,
}

#[derive(Serialize, Deserialize)]
struct Inner<T> {
    subject: String,
    value: T,
}

impl<T: Serialize + Clone> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let personal = match self {
            Self::Known { subject, value } => Some(Inner { subject: subject.clone(), value: value.clone() }),
            Self::Erased => None,
        };
        Wire { personal }.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Ciphertext nobody could open (`{"$k":..,"$c":..}`) has no `$personal`: erased, not an error.
        #[derive(Deserialize)]
        struct Read<T> {
            #[serde(rename = "$personal")]
            personal: Option<Inner<T>>,
        }
        let read = Option::<Read<T>>::deserialize(deserializer)?;
        Ok(match read.and_then(|wire| wire.personal) {
            Some(Inner { subject, value }) => Self::Known { subject, value },
            None => Self::Erased,
        })
    }
}
