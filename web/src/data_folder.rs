//! The data folder: who may enter, and the secrets in it.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use lockstep_commands::Ids;

use crate::system::SystemIds;

/// The folder everything embedded lives in.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// Makes the folder when it is missing. The database's own user must pass through it, so it is 0711.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(folder);
        made.with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
        let secrets = folder.join("secrets");
        if !secrets.is_dir() {
            fs::DirBuilder::new().mode(0o700).create(&secrets).context("the folder of secrets cannot be made")?;
        }
        let held = fs::metadata(&secrets)?.permissions().mode() & 0o777;
        anyhow::ensure!(held == 0o700, "{} is open to others (mode {held:o}): make it 700", secrets.display());
        Ok(Self(folder.to_owned()))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
    pub fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }
    pub fn objects(&self) -> PathBuf {
        self.0.join("objects")
    }

    /// A 256-bit secret kept in a 0600 file, made at first use.
    pub fn secret(&self, name: &str) -> anyhow::Result<[u8; 32]> {
        let path = self.0.join("secrets").join(name);
        if !path.exists() {
            write_private(&path, hex::encode(SystemIds.secret()).as_bytes())?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let bytes = hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.with_context(|| format!("{} does not hold 64 hex digits", path.display()))
    }
}

/// Writes a file only we can read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
