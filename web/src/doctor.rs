//! `lockstep doctor`: checks every dependency and says what is wrong and what to do about it.

use std::{process::ExitCode, time::Duration};

use crate::{
    backend::{Database, Objects, pool},
    config::Config,
    limits::{RedisWindows, WindowClock},
    transcoding,
};

/// How long the CDN may take to answer.
const CDN_ANSWER_MAX: Duration = Duration::from_secs(5);

/// One check's outcome: what is fine, or what is wrong with what to do.
type Finding = Result<String, String>;

pub async fn run(config: &Config) -> ExitCode {
    let findings = [
        ("FFmpeg", ffmpeg(config).await),
        ("database", database(config).await),
        ("object store", objects(config).await),
        ("delivery", delivery(config).await),
        ("redis", redis(config).await),
        ("disk", disk(config)),
    ];
    let mut bad = 0;
    for (name, finding) in &findings {
        match finding {
            Ok(text) => println!("ok    {name}: {text}"),
            Err(text) => {
                bad += 1;
                println!("WRONG {name}: {text}");
            }
        }
    }
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn ffmpeg(config: &Config) -> Finding {
    transcoding::check(config).await.map_err(|text| {
        format!(
            "{text}. Uploads would wait. Install FFmpeg's libraries (apt-get install ffmpeg) or run `make run` again."
        )
    })
}

async fn database(config: &Config) -> Finding {
    let opened = Database::open(config).await.map_err(|error| format!("{error:#}"))?;
    let answer = match pool(&opened.url, 1).await {
        Ok(pool) => sqlx::query_scalar::<_, String>("SELECT current_setting('server_version')")
            .fetch_one(&pool)
            .await
            .map_err(|error| format!("it does not answer: {error}")),
        Err(error) => Err(format!("{error:#}. Check DATABASE_URL, or unset it to use the private one.")),
    };
    opened.close().await;
    let kind = if config.database.url.is_some() { "given by DATABASE_URL" } else { "private, in the data folder" };
    answer.map(|version| format!("PostgreSQL {version}, {kind}"))
}

async fn objects(config: &Config) -> Finding {
    let url = config.server.public_url(config.server.port);
    let objects = match Objects::open(config, &url) {
        Ok(objects) => objects,
        Err(error) if format!("{error:#}").contains("in use by another process") => {
            return Ok("embedded, in use by the running lockstep".to_owned());
        }
        Err(error) => return Err(format!("{error:#}")),
    };
    for bucket in [&objects.buckets.interim, &objects.buckets.media] {
        bucket.check().await.map_err(|error| {
            format!("bucket {:?}: {error}. Check S3_ENDPOINT, the keys and that the bucket exists.", bucket.name())
        })?;
    }
    let kind = if config.objects.s3.is_some() { "given by S3_ENDPOINT" } else { "embedded: one machine only" };
    Ok(format!("both buckets answer, {kind}"))
}

/// What hands films out, and that it hands nothing out without a signature.
async fn delivery(config: &Config) -> Finding {
    let Some(cdn) = &config.cdn else { return Ok("by this program, with tokens".to_owned()) };
    let client = reqwest::Client::builder().timeout(CDN_ANSWER_MAX).build().map_err(|error| error.to_string())?;
    let unsigned = format!("{}/v/{}/master.m3u8", cdn.url, uuid::Uuid::nil());
    let status = match client.get(unsigned).send().await {
        Ok(answer) => answer.status(),
        Err(error) => {
            let url = &cdn.url;
            return Err(format!("{url} does not answer: {}. Check LOCKSTEP_CDN_URL.", error.without_url()));
        }
    };
    if status != http::StatusCode::FORBIDDEN {
        return Err(format!(
            "{} answers an address without a signature with {}: restrict viewer access of /v/* to a key group.",
            cdn.url,
            status.as_u16()
        ));
    }
    let hash = cdn.key.hash_name().unwrap_or("SHA1");
    let carried = match &cdn.cookie_domain {
        Some(domain) => format!("cookies for {domain}"),
        None => "signed addresses".to_owned(),
    };
    let forgets = match &cdn.invalidation {
        Some(known) => format!("forgets deleted films (distribution {})", known.distribution),
        None => "is not told of deleted films: set LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID".to_owned(),
    };
    Ok(format!("by {}, {carried}, key {} with {hash}; {forgets}", cdn.url, cdn.key.pair_id()))
}

async fn redis(config: &Config) -> Finding {
    let Some(url) = &config.tiers.redis else { return Ok("none: each process counts limits for itself".to_owned()) };
    let answer = match RedisWindows::new(url, WindowClock::Server, "doctor") {
        Ok(windows) => windows.ping().await,
        Err(error) => Err(error),
    };
    let wrong = |error| format!("{error}. Limits are counted in each process meanwhile. Check REDIS_URL.");
    answer.map(|()| "answers, given by REDIS_URL".to_owned()).map_err(wrong)
}

fn disk(config: &Config) -> Finding {
    let probe = config.data.folder.join(".doctor");
    std::fs::write(&probe, b"probe")
        .and_then(|()| std::fs::remove_file(&probe))
        .map(|()| format!("{} can be written", config.data.folder.display()))
        .map_err(|error| format!("{} cannot be written: {error}. Set LOCKSTEP_DATA.", config.data.folder.display()))
}
