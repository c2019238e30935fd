//! The embedded store's access and secret key: random, made once per data folder, in a file only its owner can read.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::{OpenError, io_error};

const FILE_NAME: &str = "keys.json";
const OWNER_ONLY: u32 = 0o600;
/// Uploads are private too.
const FOLDER_OWNER_ONLY: u32 = 0o700;

/// What signs and checks requests to the embedded store. Not printable.
#[derive(Serialize, Deserialize)]
pub(super) struct AccessKeys {
    pub access_key: String,
    pub secret_key: String,
}

/// Reads `root/keys.json`, or makes it with random keys. `root` is created when missing and closed to other users.
pub(super) fn load_or_create(root: &Path) -> Result<AccessKeys, OpenError> {
    std::fs::create_dir_all(root).map_err(io_error(root))?;
    std::fs::set_permissions(root, Permissions::from_mode(FOLDER_OWNER_ONLY)).map_err(io_error(root))?;
    let path = root.join(FILE_NAME);
    let text = match std::fs::read(&path) {
        Ok(text) => {
            std::fs::set_permissions(&path, Permissions::from_mode(OWNER_ONLY)).map_err(io_error(&path))?;
            text
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(root, &path).map_err(io_error(&path))?;
            std::fs::read(&path).map_err(io_error(&path))?
        }
        Err(error) => return Err(io_error(&path)(error)),
    };
    let keys: Option<AccessKeys> = serde_json::from_slice(&text).ok();
    keys.filter(|keys| !keys.access_key.is_empty() && !keys.secret_key.is_empty()).ok_or(OpenError::Keys(path))
}

/// Writes a complete file beside and renames it, so that a crash leaves no half key file.
fn create(root: &Path, path: &Path) -> io::Result<()> {
    let keys = AccessKeys { access_key: random_hex::<10>(), secret_key: random_hex::<32>() };
    let new = path.with_extension(format!("{}.new", random_hex::<4>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&new)?;
    file.write_all(&serde_json::to_vec(&keys)?)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(root)?.sync_all()
}

pub(super) fn random_hex<const N: usize>() -> String {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}
