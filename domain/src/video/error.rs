//! Why something is not done to a film.

use super::{
    CAPTIONS_MAX, DESCRIPTION_CHARS_MAX, FINGERPRINT_CHARS, LABEL_CHARS_MAX, Status, TAG_CHARS_MAX, TAGS_MAX,
    TITLE_CHARS_MAX, UPLOAD_BYTES_MAX,
};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VideoError {
    #[error("this file is empty")]
    Empty,
    #[error("a file has at most {UPLOAD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("this type of file cannot be watched here: {0}")]
    ContentType(String),
    #[error("a title has 1 to {TITLE_CHARS_MAX} characters and no control characters")]
    Title,
    #[error("there is no such video")]
    Unknown,
    #[error("this video exists already")]
    Exists,
    #[error("a fingerprint has {FINGERPRINT_CHARS} hexadecimal digits")]
    Fingerprint,
    #[error("a file of this size is sent whole")]
    SentWhole,
    #[error("only the film's owner or an administrator does that")]
    NotPermitted,
    #[error("a film has at most {CAPTIONS_MAX} uploaded caption tracks")]
    TooManyCaptions,
    #[error("a language is a short word such as en, de or pt-BR")]
    Language,
    #[error("a name of captions has 1 to {LABEL_CHARS_MAX} characters and no control characters")]
    Label,
    #[error("this video is {0:?}, so that cannot happen now")]
    WrongStatus(Status),
    #[error("a description has at most {DESCRIPTION_CHARS_MAX} characters")]
    Description,
    #[error("a film has at most {TAGS_MAX} tags of 1 to {TAG_CHARS_MAX} characters without commas")]
    Tags,
    #[error("this film is in the trash: restore it first")]
    InTrash,
    #[error("put it into the trash first")]
    NotInTrash,
    #[error("the uploaded file is not there any more: upload it again")]
    SourceGone,
    #[error("the film is over by then")]
    PastEnd,
    #[error("your account is suspended")]
    Suspended,
}
