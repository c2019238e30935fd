//! The stored words of domain enums. Read models hold text; every word is listed once here.

use lockstep_domain::{
    account::PlatformRole,
    channel::Visibility,
    permission::{ChannelRole, Permission},
    report::ReportAction,
    video::Status,
};

/// An enum stored as a word.
pub trait Word: Copy + Sized {
    /// The stored word.
    fn word(self) -> &'static str;
    /// The value of a stored word.
    fn from_word(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($name:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl Word for $name {
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
            fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(PlatformRole { Administrator = "administrator", Member = "member", Guest = "guest" });
words!(ChannelRole { Viewer = "viewer", Moderator = "moderator", Admin = "admin", Owner = "owner" });
words!(Visibility { Public = "public", Unlisted = "unlisted", Private = "private" });
words!(Permission {
    PlayPause = "play_pause", Seek = "seek", ChangeRate = "change_rate", LoadVideo = "load_video",
    QueueAdd = "queue_add", QueueRemove = "queue_remove", QueueReorder = "queue_reorder", Vote = "vote",
    Chat = "chat", React = "react", Invite = "invite", Approve = "approve", Mute = "mute", Kick = "kick", Ban = "ban",
    SlowMode = "slow_mode", Redact = "redact", Pin = "pin", ManageRoles = "manage_roles",
    EditChannel = "edit_channel",
});
words!(ReportAction { Redacted = "redacted", Muted = "muted", Banned = "banned", Dismissed = "dismissed" });
words!(crate::videos::Shelf { Library = "library", Trash = "trash", Purging = "purging", Purged = "purged" });
words!(Status {
    Unknown = "unknown", Uploading = "uploading", Uploaded = "uploaded", Processing = "processing",
    Ready = "ready", Failed = "failed", Rejected = "rejected",
    Aborted = "aborted",
});

/// Reads the word of a column.
pub(crate) fn column<W: Word>(row: &sqlx::postgres::PgRow, name: &str) -> Result<W, sqlx::Error> {
    optional(row, name)?.ok_or_else(|| sqlx::Error::ColumnNotFound(name.to_owned()))
}

/// Reads the word of a column that may be NULL.
pub(crate) fn optional<W: Word>(row: &sqlx::postgres::PgRow, name: &str) -> Result<Option<W>, sqlx::Error> {
    let word: Option<String> = sqlx::Row::try_get(row, name)?;
    match word {
        None => Ok(None),
        Some(word) => match W::from_word(&word) {
            Some(value) => Ok(Some(value)),
            None => Err(sqlx::Error::ColumnDecode {
                index: name.to_owned(),
                source: format!("no such word: {word}").into(),
            }),
        },
    }
}
