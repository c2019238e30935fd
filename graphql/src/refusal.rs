//! The stable word of every refusal. A new refusal does not compile until it has one.

use std::fmt::Display;

use lockstep_commands::{
    account::AccountRefusal, channel::ChannelRefusal, credentials::PasswordError, member::MemberRefusal,
    message::MessageRefusal, playback::PlaybackRefusal, video::VideoRefusal,
};
use lockstep_domain::{
    account::AccountError, channel::ChannelError, member::MemberError, message::MessageError, playback::PlaybackError,
    video::VideoError,
};

/// A refusal with a word that clients branch on.
pub(crate) trait Coded: Display {
    /// Kept for ever.
    fn code(&self) -> &'static str;
}

macro_rules! codes {
    ($error:ty { $($pattern:pat => $code:expr),+ $(,)? }) => {
        impl Coded for $error {
            fn code(&self) -> &'static str {
                match self { $($pattern => $code,)+ }
            }
        }
    };
}

codes!(AccountRefusal {
    Self::SetupLink => "setup_link",
    Self::WrongCredentials => "wrong_credentials",
    Self::NameTaken => "name_taken",
    Self::Busy => "busy",
    Self::Password(PasswordError::Length) => "password_length",
    Self::Password(PasswordError::Common) => "password_common",
    Self::Rule(rule) => rule.code(),
});
codes!(AccountError {
    Self::NameLength => "name_length",
    Self::NameCharacters => "name_characters",
    Self::Exists => "exists",
    Self::Unknown => "not_found",
});
codes!(ChannelRefusal {
    Self::SignedOut => "signed_out",
    Self::Guest => "guest",
    Self::SlugTaken => "slug_taken",
    Self::NotPermitted => "not_permitted",
    Self::Rule(rule) => rule.code(),
});
codes!(ChannelError {
    Self::Name => "name_length",
    Self::Slug => "slug",
    Self::Exists => "exists",
    Self::Unknown => "not_found",
    Self::Archived => "archived",
    Self::NotPermitted => "not_permitted",
});
codes!(MemberRefusal {
    Self::SignedOut => "signed_out",
    Self::NoChannel => "not_found",
    Self::Rule(rule) => rule.code(),
});
codes!(MemberError {
    Self::Banned => "banned",
    Self::Private => "private",
    Self::NotPermitted => "not_permitted",
    Self::NotAMember => "not_a_member",
});
codes!(PlaybackRefusal {
    Self::SignedOut => "signed_out",
    Self::Rule(rule) => rule.code(),
});
codes!(PlaybackError {
    Self::NoVideo => "no_video",
    Self::NotPlayable => "not_playable",
    Self::PastEnd { .. } => "past_end",
    Self::BeforeStart => "before_start",
    Self::NotPermitted => "not_permitted",
    Self::ChannelClosed => "archived",
});
codes!(MessageRefusal {
    Self::SignedOut => "signed_out",
    Self::Rule(rule) => rule.code(),
});
codes!(MessageError {
    Self::Length => "text_length",
    Self::Nul => "text_characters",
    Self::NotPermitted => "not_permitted",
    Self::ChannelClosed => "archived",
    Self::Exists => "exists",
});
codes!(VideoRefusal {
    Self::SignedOut => "signed_out",
    Self::Guest => "guest",
    Self::NotYours => "not_yours",
    Self::NotArrived => "not_arrived",
    Self::Rejected(_) => "rejected",
    Self::Rule(rule) => rule.code(),
});
codes!(VideoError {
    Self::Empty => "empty",
    Self::TooLarge => "too_large",
    Self::ContentType(_) => "content_type",
    Self::Title => "title_length",
    Self::Unknown => "not_found",
    Self::Exists => "exists",
    Self::WrongStatus(_) => "wrong_status",
});
