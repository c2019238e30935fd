//! The rules of the domain, in the words of `given(events).when(command).then(events)`, the repeat property of
//! every aggregate, and the stored form of every event.

mod account;
mod actor;
mod captions;
mod channel;
mod channel_settings;
mod check;
mod emoji;
mod golden;
mod ids;
mod inbox;
mod installation;
mod invite;
mod member;
mod message;
mod moderation;
mod permission;
mod personal;
mod picture;
mod playback;
mod queue;
mod remote;
mod report;
mod right;
mod sample;
mod standing;
mod together;
mod undo;
mod undo_queue;
mod upgrade;
mod video;
mod video_library;
mod video_transcode;
mod video_upload;
mod visit;
mod work;
