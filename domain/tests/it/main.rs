//! The rules of the domain, in the words of `given(events).when(command).then(events)`, the repeat property of
//! every aggregate, and the stored form of every event.

mod account;
mod channel;
mod check;
mod golden;
mod ids;
mod member;
mod message;
mod personal;
mod playback;
mod sample;
mod video;
mod video_transcode;
mod visit;
mod work;
