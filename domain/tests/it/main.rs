//! The rules of the domain, in the words of `given(events).when(command).then(events)`, the repeat property of
//! every aggregate, and the stored form of every event.

mod account;
mod actor;
mod channel;
mod channel_settings;
mod check;
mod emoji;
mod golden;
mod ids;
mod invite;
mod member;
mod message;
mod moderation;
mod permission;
mod personal;
mod playback;
mod queue;
mod remote;
mod report;
mod sample;
mod standing;
mod together;
mod video;
mod video_transcode;
mod visit;
mod work;
