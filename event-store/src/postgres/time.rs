//! `timestamptz` as the integer it is: microseconds, without a calendar library in between.

use lockstep_domain::time::Timestamp;
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, types::Oid},
};

const TIMESTAMPTZ: PgTypeInfo = PgTypeInfo::with_oid(Oid(1184));
const TIMESTAMPTZ_ARRAY: PgTypeInfo = PgTypeInfo::with_oid(Oid(1185));
/// 2000-01-01, where PostgreSQL counts from, in microseconds since 1970.
const EPOCH_2000_US: i64 = 946_684_800_000_000;

/// Microseconds since 1970, on the wire a `timestamptz`.
#[derive(Debug, Clone, Copy)]
pub struct PgTime(pub i64);

impl From<PgTime> for Timestamp {
    fn from(time: PgTime) -> Self {
        Self::from_micros(time.0)
    }
}

impl From<Timestamp> for PgTime {
    fn from(time: Timestamp) -> Self {
        Self(time.as_micros())
    }
}

impl Type<Postgres> for PgTime {
    fn type_info() -> PgTypeInfo {
        TIMESTAMPTZ
    }
}

impl PgHasArrayType for PgTime {
    fn array_type_info() -> PgTypeInfo {
        TIMESTAMPTZ_ARRAY
    }
}

impl Encode<'_, Postgres> for PgTime {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&(self.0 - EPOCH_2000_US).to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for PgTime {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.format() != PgValueFormat::Binary {
            return Err("timestamptz as text: only prepared statements are used here".into());
        }
        Ok(Self(i64::from_be_bytes(value.as_bytes()?.try_into()?) + EPOCH_2000_US))
    }
}
