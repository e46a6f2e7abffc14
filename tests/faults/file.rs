//! The file of a simulated world, past windlass: read, changed under its lock, hidden.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// See the module.
pub struct SharedFile(PathBuf);

impl SharedFile {
    /// Of this path.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// What it holds; `None`: there is none yet.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        // While nobody gets an answer, the world goes on elsewhere; it may come back between two looks.
        let places = [&self.0, &away(&self.0), &self.0];
        let text = places.into_iter().find_map(|place| fs::read(place).ok())?;
        serde_json::from_slice(&text).ok()
    }

    /// Changes it, alone; where there is none, nothing.
    pub fn change<T: Serialize + DeserializeOwned>(&self, change: impl FnOnce(&mut T)) {
        let _alone = self.lock();
        let place = if self.0.is_dir() { away(&self.0) } else { self.0.clone() };
        let Some(mut world) = fs::read(&place).ok().and_then(|text| serde_json::from_slice(&text).ok()) else { return };
        change(&mut world);
        let draft = place.with_extension("changed");
        fs::write(&draft, serde_json::to_vec(&world).unwrap()).unwrap();
        fs::rename(draft, place).unwrap();
    }

    /// What is no file cannot be read: an error of the world, not an empty world.
    pub fn hide(&self, hidden: bool) {
        let _alone = self.lock();
        if hidden && self.0.is_file() {
            fs::rename(&self.0, away(&self.0)).unwrap();
            fs::create_dir(&self.0).unwrap();
        } else if !hidden && self.0.is_dir() {
            fs::remove_dir(&self.0).unwrap();
            fs::rename(away(&self.0), &self.0).unwrap();
        }
    }

    /// As windlass locks it: whoever holds this is alone with the world.
    fn lock(&self) -> fs::File {
        let lock = fs::File::options().create(true).append(true).open(self.0.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        lock
    }
}

fn away(file: &Path) -> PathBuf {
    file.with_extension("away")
}
