//! The file in which prices are kept between runs: a cache, and nothing breaks without it.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::fleet::{ListPrice, ScopeId, SpotPrice, Timestamp};

const VERSION: u32 = 1;

/// What was read, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) list_at: Option<Timestamp>,
    pub(super) list: Vec<ListPrice>,
    pub(super) spot_read: Vec<(ScopeId, String, Timestamp)>,
    pub(super) spot: Vec<SpotPrice>,
}

#[derive(Serialize, Deserialize)]
struct File<T> {
    version: u32,
    #[serde(flatten)]
    kept: T,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads the file; the error names it, the line, and what is done without it.
pub(super) async fn load(path: &Path) -> Result<Option<Kept>, String> {
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: cannot be read: {error}", path.display())),
    };
    let wrong = |error: &serde_json::Error| {
        format!(
            "{}:{}: the kept prices are damaged ({error}); they are left aside until prices are read again",
            path.display(),
            error.line(),
        )
    };
    let Versioned { version } = serde_json::from_str(&text).map_err(|it| wrong(&it))?;
    if version != VERSION {
        return Err(format!(
            "{}: it is of version {version}, and this program knows {VERSION}; it is left aside until prices are read again",
            path.display()
        ));
    }
    let file: File<Kept> = serde_json::from_str(&text).map_err(|it| wrong(&it))?;
    Ok(Some(file.kept))
}

/// Writes the file whole: another console sees the old one or the new one.
pub(super) async fn store(path: &Path, kept: &Kept) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let file = File {
        version: VERSION,
        kept,
    };
    let text = serde_json::to_string(&file).map_err(|it| failed(it.into()))?;
    if let Some(directory) = path.parent() {
        tokio::fs::create_dir_all(directory).await.map_err(failed)?;
    }
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let written = match tokio::fs::write(&new, text).await {
        Ok(()) => tokio::fs::rename(&new, path).await,
        Err(error) => Err(error),
    };
    if written.is_err() {
        // A half of a file helps nobody, and takes room that a full disk lacks.
        let _ = tokio::fs::remove_file(&new).await;
    }
    written.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_could_not_be_written_leaves_no_file_behind() {
        let directory = tempfile::tempdir().unwrap();
        // What is a directory cannot be replaced by a file.
        let path = directory.path().join("prices.json");
        std::fs::create_dir(&path).unwrap();
        assert!(store(&path, &Kept::default()).await.is_err());
        let left = std::fs::read_dir(directory.path()).unwrap();
        assert_eq!(left.count(), 1, "only the directory");
    }
}
