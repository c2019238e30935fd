//! The demo: one generated clip with a burned-in clock, uploaded through the normal path into a public channel.
//!
//! Every step has an operation id that follows from its name, so a restart half way goes on instead of beginning again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use lockstep_commands::{Actor, CommandError, Context, Services, channel, playback, video};
use lockstep_domain::{
    account::{Account, AccountCommand, PlatformRole},
    channel::Visibility,
    ids::{AccountId, CommandId, Position, StreamId, VideoId},
    video::{Status, Video},
};
use lockstep_event_store::Feed;
use tokio::process::Command;
use uuid::Uuid;

/// The demo's own account, the same in every installation.
const ACCOUNT: Uuid = Uuid::from_u128(0x10c5_7e9d_e300_8000_8000_0000_0000_0001);
const SECONDS: u32 = 20;
/// How long the generator may take.
const GENERATE_TIMEOUT: Duration = Duration::from_secs(120);

/// Makes the demo once; says in the log if it cannot.
pub async fn run(services: Services, data: PathBuf) {
    if let Err(error) = make(&services, data).await {
        tracing::warn!(error = format!("{error:#}"), "there is no demo clip; everything else works");
    }
}

async fn make(services: &Services, data: PathBuf) -> anyhow::Result<()> {
    let account = AccountId(ACCOUNT);
    let held = services.dispatcher.load::<Account>(&StreamId::account(account)).await?;
    let empty = services.store.head().await? == Position::START;
    if held.state.role.is_none() && !empty {
        return Ok(()); // An installation in use gets no demo it did not start with.
    }
    let register = AccountCommand::Register { account, name: "Lockstep demo".to_owned(), role: PlatformRole::Member };
    let stream = StreamId::account(account);
    services.dispatcher.execute::<Account>(stream, None, &context(services, 1), register).await?;
    let create = context(services, 2);
    let made = channel::create(services, &create, "Demo", Some("demo".to_owned()), Visibility::Public).await?;
    let demo = made.channel;
    let video = upload(services, data).await?;
    ready(services, video).await?;
    let shown = services.dispatcher.load::<lockstep_domain::playback::Playback>(&StreamId::playback(demo)).await?;
    if shown.state.video.is_none() {
        playback::load_video(services, &context(services, 4), demo, video).await?;
    }
    Ok(())
}

fn context(services: &Services, step: u128) -> Context {
    let id = Uuid::from_u128(ACCOUNT.as_u128() + (step << 64));
    Context {
        actor: Actor::Account(AccountId(ACCOUNT)),
        command_id: CommandId(id),
        correlation_id: "demo".to_owned(),
        causation_id: None,
        now: services.clock.now(),
    }
}

async fn upload(services: &Services, data: PathBuf) -> anyhow::Result<VideoId> {
    let clip = data.join("demo.mp4");
    if !tokio::fs::try_exists(&clip).await? {
        generate(&clip).await?;
    }
    let size_bytes = tokio::fs::metadata(&clip).await?.len();
    let wish = video::Upload {
        title: "A clock, to see that you are in step".to_owned(),
        file_name: "demo.mp4".to_owned(),
        size_bytes,
        content_type: "video/mp4".to_owned(),
        fingerprint: None,
        again: false,
    };
    let ticket = video::request_upload(services, &context(services, 3), wish).await?;
    let held = services.dispatcher.load::<Video>(&StreamId::video(ticket.video)).await?;
    if held.state.status == Status::Uploading {
        services.objects.interim.put_file(&held.state.object_key, &clip, "video/mp4").await?;
        match video::confirm_upload(services, &context(services, 5), ticket.video).await {
            Ok(_) => {}
            Err(CommandError::Refused(refusal)) => bail!("the demo clip was refused: {refusal}"),
            Err(error) => return Err(error.into()),
        }
    }
    let _ = tokio::fs::remove_file(&clip).await;
    Ok(ticket.video)
}

/// Waits, following the log, until the film can be played.
async fn ready(services: &Services, video: VideoId) -> anyhow::Result<()> {
    let stream = StreamId::video(video);
    let mut feed = Feed::new(Arc::clone(&services.store), services.store.head().await?);
    loop {
        let held = services.dispatcher.load::<Video>(&stream).await?;
        match held.state.status {
            Status::Ready => return Ok(()),
            Status::Failed | Status::Rejected | Status::Aborted => bail!("the demo clip could not be transcoded"),
            Status::Unknown | Status::Uploading | Status::Uploaded | Status::Processing => {}
        }
        feed.next(100).await;
    }
}

/// Twenty seconds of a test picture with its time in large figures and a beep each second.
async fn generate(clip: &std::path::Path) -> anyhow::Result<()> {
    let font = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf";
    let picture = format!(
        "testsrc2=size=1280x720:rate=25:duration={SECONDS},drawtext=fontfile={font}:fontsize=140:fontcolor=white:\
         box=1:boxcolor=black@0.7:boxborderw=24:x=(w-tw)/2:y=(h-th)/2:text='%{{pts\\:hms}}'"
    );
    let sound = format!("aevalsrc='if(lt(mod(t,1),0.05),0.4*sin(2*PI*1000*t),0)':s=48000:d={SECONDS}");
    let fresh = clip.with_extension("new.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound]);
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]);
    command.arg(&fresh).kill_on_drop(true).stdin(std::process::Stdio::null());
    let output = tokio::time::timeout(GENERATE_TIMEOUT, command.output())
        .await
        .context("ffmpeg took too long")?
        .context("ffmpeg cannot be started")?;
    if !output.status.success() {
        bail!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    tokio::fs::rename(&fresh, clip).await?;
    Ok(())
}
