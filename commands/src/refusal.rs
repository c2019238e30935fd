//! The stable word of every refusal, the same on the socket and in the API. A new refusal does not compile at its
//! callers until it has one.

use std::fmt::Display;

use crate::{
    account::AccountRefusal, administration::AdministrationRefusal, captions::CaptionRefusal, channel::ChannelRefusal,
    credentials::PasswordError, encoder::EncoderRefusal, inbox::InboxRefusal, invite::InviteRefusal,
    member::MemberRefusal, message::MessageRefusal, playback::PlaybackRefusal, poster::PosterRefusal,
    queue::QueueRefusal, report::ReportRefusal, token::TokenRefusal, undo::UndoRefusal, upload::QuotaKind,
    video::VideoRefusal, webhook::WebhookRefusal,
};
use lockstep_domain::{
    account::AccountError, captions::Wrong, channel::ChannelError, inbox::InboxError, installation::InstallationError,
    invite::InviteError, member::MemberError, message::MessageError, picture::PictureError, playback::PlaybackError,
    queue::QueueError, report::ReportError, standing::Denied, token::TokenError, undo::NoUndo, video::VideoError,
    visit::VisitError, webhook::WebhookError,
};

/// A refusal with a word that clients branch on.
pub trait Coded: Display {
    /// Kept for ever.
    fn code(&self) -> &'static str;
    /// When the same may be asked again with another answer, where waiting helps, milliseconds.
    fn retry_after_ms(&self) -> Option<u64> {
        None
    }
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

impl Coded for AccountRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::SetupLink => "setup_link",
            Self::WrongCredentials => "wrong_credentials",
            Self::NameTaken => "name_taken",
            Self::Busy => "busy",
            Self::WrongPassword => "wrong_password",
            Self::NoPassword => "no_password",
            Self::ConfirmFirst => "confirm_first",
            Self::NotFresh => "not_fresh",
            Self::NameNeeded => "name_needed",
            Self::AttemptEnded => "attempt_ended",
            Self::IdentityTaken => "identity_taken",
            Self::NotYourIdentity => "not_your_identity",
            Self::RegistrationClosed => "registration_closed",
            Self::RegistrationLink => "registration_link",
            Self::ResetLink => "reset_link",
            Self::Throttled(_) => "throttled",
            Self::Password(PasswordError::Length) => "password_length",
            Self::Password(PasswordError::Common) => "password_common",
            Self::Rule(rule) => rule.code(),
        }
    }
    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Throttled(throttled) => Some(u64::from(throttled.after_s) * 1_000),
            Self::Busy => Some(1_000),
            _ => None,
        }
    }
}
codes!(AdministrationRefusal {
    Self::SignedOut => "signed_out",
    Self::NoPassword => "no_password",
    Self::Account(rule) => rule.code(),
    Self::Installation(rule) => rule.code(),
});
codes!(InstallationError {
    Self::NotPermitted => "not_permitted",
    Self::Life => "link_life",
    Self::Uses => "link_uses",
    Self::TooMany => "too_many_links",
    Self::Exists => "exists",
    Self::Unknown => "not_found",
});
codes!(AccountError {
    Self::NameLength => "name_length",
    Self::NameCharacters => "name_characters",
    Self::Exists => "exists",
    Self::Unknown => "not_found",
    Self::NotPermitted => "not_permitted",
    Self::Yourself => "yourself",
    Self::Guest => "guest",
    Self::Reason => "reason_length",
    Self::Suspended => "suspended",
    Self::Unregistered => "guest",
    Self::Identity => "identity",
    Self::TooManyIdentities => "too_many_identities",
    Self::LastWayIn => "last_way_in",
});
codes!(Denied {
    Self::Suspended => "suspended",
    Self::NoChannel => "not_found",
    Self::Archived => "archived",
    Self::Banned => "banned",
    Self::NotAMember => "not_a_member",
    Self::Muted { .. } => "muted",
    Self::NotTheRemote { .. } => "not_the_remote",
    Self::Role(_) => "not_permitted",
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
    Self::Description => "description_length",
    Self::SlowMode => "slow_mode",
    Self::NotAMember => "not_a_member",
    Self::EverybodyHasTheRemote => "everybody_has_the_remote",
    Self::AboveYou => "above_you",
    Self::Denied(denied) => denied.code(),
});
codes!(InviteError {
    Self::Unknown => "not_found",
    Self::Expired => "expired",
    Self::UsedUp => "used_up",
    Self::Revoked => "revoked",
    Self::Life => "invite_life",
    Self::Uses => "invite_uses",
    Self::Exists => "exists",
    Self::Denied(denied) => denied.code(),
});
codes!(InviteRefusal {
    Self::SignedOut => "signed_out",
    Self::Rule(rule) => rule.code(),
    Self::Member(refusal) => refusal.code(),
});
codes!(MemberRefusal {
    Self::SignedOut => "signed_out",
    Self::NoChannel => "not_found",
    Self::Rule(rule) => rule.code(),
});
codes!(MemberError {
    Self::Private => "private",
    Self::Open => "open",
    Self::NotAMember => "not_a_member",
    Self::NotAsking => "not_asking",
    Self::AboveYou => "above_you",
    Self::Reason => "reason_length",
    Self::MuteEnd => "mute_end",
    Self::Denied(denied) => denied.code(),
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
    Self::Rate => "rate",
    Self::Denied(denied) => denied.code(),
});
codes!(QueueRefusal {
    Self::SignedOut => "signed_out",
    Self::Rule(rule) => rule.code(),
    Self::Playback(rule) => rule.code(),
});
codes!(QueueError {
    Self::Full => "queue_full",
    Self::NotQueued => "not_queued",
    Self::NotPlayable => "not_playable",
    Self::NothingToSkip => "nothing_to_skip",
    Self::Denied(denied) => denied.code(),
});
codes!(ReportRefusal {
    Self::SignedOut => "signed_out",
    Self::Rule(rule) => rule.code(),
    Self::Message(refusal) => refusal.code(),
    Self::Member(refusal) => refusal.code(),
});
codes!(ReportError {
    Self::NothingToReport => "not_found",
    Self::Yourself => "yourself",
    Self::Reason => "reason_length",
    Self::Unknown => "not_found",
    Self::AlreadyResolved => "already_resolved",
    Self::Denied(denied) => denied.code(),
});

impl Coded for MessageRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Rule(rule) => rule.code(),
        }
    }
    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::SignedOut => None,
            Self::Rule(rule) => rule.retry_after_ms(),
        }
    }
}

impl Coded for MessageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Length => "text_length",
            Self::Nul => "text_characters",
            Self::Exists => "exists",
            Self::Unknown => "not_found",
            Self::Redacted => "redacted",
            Self::NothingToAnswer => "nothing_to_answer",
            Self::Mentions => "mentions",
            Self::NotYours => "not_your_message",
            Self::AboveYou => "above_you",
            Self::Reason => "reason_length",
            Self::Emoji => "emoji",
            Self::TooManyEmoji => "too_many_emoji",
            Self::TooManyPins => "too_many_pins",
            Self::SlowMode { .. } => "slow_mode_wait",
            Self::TooFast { .. } => "too_fast",
            Self::Denied(denied) => denied.code(),
        }
    }
    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::SlowMode { retry_after_ms } | Self::TooFast { retry_after_ms } => Some(*retry_after_ms),
            _ => None,
        }
    }
}

codes!(VideoRefusal {
    Self::SignedOut => "signed_out",
    Self::Guest => "guest",
    Self::NotArrived => "not_arrived",
    Self::Rejected(_) => "rejected",
    Self::TooMany => "too_many",
    Self::Quota { kind: QuotaKind::Bytes, .. } => "quota_bytes",
    Self::Quota { kind: QuotaKind::Films, .. } => "quota_films",
    Self::Quota { kind: QuotaKind::Unfinished, .. } => "quota_uploads",
    Self::Duplicate(_) => "duplicate",
    Self::Parts => "parts",
    Self::Rule(rule) => rule.code(),
});
codes!(VideoError {
    Self::Empty => "empty",
    Self::TooLarge => "too_large",
    Self::ContentType(_) => "content_type",
    Self::Title => "title_length",
    Self::Unknown => "not_found",
    Self::Exists => "exists",
    Self::Fingerprint => "fingerprint",
    Self::SentWhole => "sent_whole",
    Self::NotPermitted => "not_permitted",
    Self::TooManyCaptions => "too_many_captions",
    Self::Language => "language",
    Self::Label => "label_length",
    Self::PastEnd => "past_end",
    Self::WrongStatus(_) => "wrong_status",
    Self::Description => "description_length",
    Self::Tags => "tags",
    Self::InTrash => "in_trash",
    Self::NotInTrash => "not_in_trash",
    Self::SourceGone => "source_gone",
    Self::Suspended => "suspended",
});
codes!(PosterRefusal {
    Self::Picture(found) => found.code(),
    Self::Film(refusal) => refusal.code(),
});
codes!(PictureError {
    Self::TooLarge => "picture_too_large",
    Self::Kind => "picture_kind",
    Self::Damaged => "picture_damaged",
    Self::Side => "picture_side",
});
codes!(CaptionRefusal {
    Self::SignedOut => "signed_out",
    Self::Unreadable(found) => found.wrong.code(),
    Self::Rule(rule) => rule.code(),
});
codes!(Wrong {
    Self::TooLarge => "captions_too_large",
    Self::Empty => "captions_empty",
    Self::Times => "captions_times",
    Self::Backwards => "captions_backwards",
    Self::TooLate => "captions_too_late",
    Self::TooMany => "captions_too_many",
    Self::Characters => "captions_characters",
});
codes!(InboxRefusal {
    Self::SignedOut => "signed_out",
    Self::Rule(InboxError::TooMany) => "too_many",
    Self::Rule(InboxError::Future) => "future",
    Self::Rule(InboxError::Suspended) => "suspended",
});
codes!(UndoRefusal {
    Self::SignedOut => "signed_out",
    Self::Unknown => "not_found",
    Self::Denied(denied) => denied.code(),
    Self::Impossible(NoUndo::NotPossible) => "not_undoable",
    Self::Impossible(NoUndo::NothingBefore) => "nothing_before",
    Self::Impossible(NoUndo::Overtaken { .. }) | Self::Overtaken { .. } => "overtaken",
    Self::Channel(rule) => rule.code(),
    Self::Member(rule) => rule.code(),
    Self::Playback(rule) => rule.code(),
    Self::Queue(rule) => rule.code(),
});
codes!(VisitError {
    Self::Exists => "exists",
    Self::Unknown => "not_found",
});
codes!(TokenError {
    Self::Unknown => "not_found",
    Self::Exists => "exists",
    Self::Name => "token_name",
    Self::NoScope => "no_scope",
    Self::Life => "token_life",
    Self::TooMany => "too_many",
    Self::Guest => "guest",
    Self::Suspended => "suspended",
    Self::Ended => "token_ended",
});
codes!(WebhookError {
    Self::Unknown => "not_found",
    Self::Exists => "exists",
    Self::Url => "url",
    Self::NoTopic => "no_topic",
    Self::TooMany => "too_many",
    Self::Guest => "guest",
    Self::NotPermitted => "not_permitted",
    Self::Suspended => "suspended",
    Self::OldHours => "old_hours",
    Self::TooManySecrets => "too_many_secrets",
});
codes!(WebhookRefusal {
    Self::SignedOut => "signed_out",
    Self::NoDelivery => "not_found",
    Self::Rule(rule) => rule.code(),
});

impl Coded for TokenRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Account(refusal) => refusal.code(),
            Self::Rule(rule) => rule.code(),
        }
    }
    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Account(refusal) => refusal.retry_after_ms(),
            Self::SignedOut | Self::Rule(_) => None,
        }
    }
}
codes!(EncoderRefusal {
    Self::Reused => "reused",
    Self::NoManifest => "no_manifest",
    Self::Reason => "reason_length",
    Self::Rule(rule) => rule.code(),
});
