//! Placeholder until the crash cases below it are written.
