//! The data folder and its secrets.

use std::path::PathBuf;

use super::{ConfigError, Source};

#[derive(Clone)]
pub struct DataConfig {
    /// `LOCKSTEP_DATA`; else `/var/lib/lockstep` for root, else `$XDG_DATA_HOME/lockstep`.
    pub folder: PathBuf,
    /// `LOCKSTEP_MASTER_KEY`, 64 hex digits; else a file of its own in the data folder.
    pub master_key: Option<[u8; 32]>,
    /// `LOCKSTEP_SETUP_TOKEN_FILE`: also write the set-up link there (0600), for unattended installations.
    pub setup_link_file: Option<PathBuf>,
}

impl std::fmt::Debug for DataConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataConfig").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl DataConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let folder = match source.get("LOCKSTEP_DATA") {
            Some(folder) => PathBuf::from(folder),
            None => default_folder(source)?,
        };
        if !folder.is_absolute() {
            return Err(ConfigError::new("LOCKSTEP_DATA", "is an absolute path"));
        }
        let master_key = source.get("LOCKSTEP_MASTER_KEY").map(|text| key(&text)).transpose()?;
        Ok(Self { folder, master_key, setup_link_file: source.get("LOCKSTEP_SETUP_TOKEN_FILE").map(Into::into) })
    }
}

fn default_folder(source: &dyn Source) -> Result<PathBuf, ConfigError> {
    if is_root() {
        // A folder under root's home is closed to the database's own user.
        return Ok(PathBuf::from("/var/lib/lockstep"));
    }
    if let Some(base) = source.get("XDG_DATA_HOME") {
        return Ok(PathBuf::from(base).join("lockstep"));
    }
    let home = source
        .get("HOME")
        .ok_or_else(|| ConfigError::new("LOCKSTEP_DATA", "must be set where there is no home folder"))?;
    Ok(PathBuf::from(home).join(".local/share/lockstep"))
}

/// The owner of our own process entry is who we are.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

fn key(text: &str) -> Result<[u8; 32], ConfigError> {
    let wrong = || ConfigError::new("LOCKSTEP_MASTER_KEY", "has 64 hex digits");
    hex::decode(text.trim()).map_err(|_| wrong())?.try_into().map_err(|_| wrong())
}
