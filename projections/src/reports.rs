//! Reports by channel, with the evidence as it was filed.

use async_trait::async_trait;
use lockstep_domain::{
    ids::{AccountId, ChannelId, MessageId, Position, ReportId},
    report::{ReportAction, ReportEvent},
    time::{MediaTime, Timestamp},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};

use crate::{
    accounts::shown,
    projection::{ApplyError, Projection, Table, decode, id_of},
    words::{self, Word},
};

/// The projection behind `rm_reports`.
pub struct Reports;

#[async_trait]
impl Projection for Reports {
    fn name(&self) -> &'static str {
        "reports"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["report"]
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_reports", key: "report_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let report: ReportId = id_of(event)?;
        match decode::<ReportEvent>(event)? {
            filed @ ReportEvent::Filed { .. } => insert(tx, event, report, filed).await,
            ReportEvent::Resolved { by, action, note } => {
                sqlx::query(
                    "UPDATE rm_reports SET resolved_by = $2, action = $3, note = $4, resolved_at_us = $5,
                         resolved_position = $6
                     WHERE report_id = $1 AND coalesce(resolved_position, 0) < $6",
                )
                .bind(report.0)
                .bind(by.0)
                .bind(action.word())
                .bind(note.as_ref().map(shown))
                .bind(event.recorded_at.as_micros())
                .bind(event.position.as_i64())
                .execute(tx)
                .await?;
                Ok(())
            }
        }
    }
}

async fn insert(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    report: ReportId,
    filed: ReportEvent,
) -> Result<(), ApplyError> {
    let ReportEvent::Filed { channel, message, reporter, reason, author, text, said_at_us, playback_us } = filed else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO rm_reports (report_id, channel_id, message_id, reporter_id, reason, author_id, text, said_at_us,
             playback_us, filed_at_us, filed_position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (report_id) DO NOTHING",
    )
    .bind(report.0)
    .bind(channel.0)
    .bind(message.0)
    .bind(reporter.0)
    .bind(shown(&reason))
    .bind(author.0)
    .bind(shown(&text))
    .bind(said_at_us.as_micros())
    .bind(playback_us.map(MediaTime::as_micros))
    .bind(event.recorded_at.as_micros())
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// What came of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolutionRow {
    pub by: AccountId,
    pub action: ReportAction,
    pub note: Option<String>,
    pub at: Timestamp,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    pub report: ReportId,
    pub channel: ChannelId,
    pub message: MessageId,
    pub reporter: AccountId,
    pub reason: String,
    pub author: AccountId,
    /// What the message said when it was reported.
    pub text: String,
    pub said_at: Timestamp,
    pub playback: Option<MediaTime>,
    pub filed_at: Timestamp,
    pub position: Position,
    pub resolution: Option<ResolutionRow>,
}

impl FromRow<'_, PgRow> for ReportRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let action: Option<ReportAction> = words::optional(row, "action")?;
        let resolution = match action {
            None => None,
            Some(action) => Some(ResolutionRow {
                by: AccountId(row.try_get("resolved_by")?),
                action,
                note: row.try_get("note")?,
                at: Timestamp(row.try_get("resolved_at_us")?),
            }),
        };
        Ok(Self {
            report: ReportId(row.try_get("report_id")?),
            channel: ChannelId(row.try_get("channel_id")?),
            message: MessageId(row.try_get("message_id")?),
            reporter: AccountId(row.try_get("reporter_id")?),
            reason: row.try_get("reason")?,
            author: AccountId(row.try_get("author_id")?),
            text: row.try_get("text")?,
            said_at: Timestamp(row.try_get("said_at_us")?),
            playback: row.try_get::<Option<i64>, _>("playback_us")?.map(MediaTime),
            filed_at: Timestamp(row.try_get("filed_at_us")?),
            position: Position::from_i64(row.try_get("filed_position")?),
            resolution,
        })
    }
}

/// The newest reports of one channel before a place; `open`: only those nobody has dealt with.
pub async fn of_channel(
    pool: &PgPool,
    channel: ChannelId,
    open: bool,
    before: Option<Position>,
    limit: i64,
) -> Result<Vec<ReportRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM rm_reports
         WHERE channel_id = $1 AND filed_position < $2 AND (NOT $3 OR resolved_by IS NULL)
         ORDER BY filed_position DESC LIMIT $4",
    )
    .bind(channel.0)
    .bind(before.map_or(i64::MAX, Position::as_i64))
    .bind(open)
    .bind(limit)
    .fetch_all(pool)
    .await
}
