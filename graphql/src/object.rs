//! The objects of the wire, one noun per file.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod audit;
pub(crate) mod captions;
pub(crate) mod channel;
pub(crate) mod chapter;
pub(crate) mod delivery;
pub(crate) mod identity;
pub(crate) mod invite;
pub(crate) mod library;
pub(crate) mod member;
pub(crate) mod member_page;
pub(crate) mod message;
pub(crate) mod notification;
pub(crate) mod person;
pub(crate) mod projection;
pub(crate) mod queue;
pub(crate) mod report;
pub(crate) mod timeline;
pub(crate) mod token;
pub(crate) mod upload;
pub(crate) mod video;
pub(crate) mod webhook;
