//! What can be wrong with the database, in the kinds that we act on.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the history cannot be used. `Display` is a sentence for an operator.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(
        "{path}: written by a newer pooldeck (version {found}, this one knows {known}); it is left as it is, and no history is kept or shown"
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "{path}: not a database of pooldeck; it is left as it is, and no history is kept or shown"
    )]
    Foreign { path: PathBuf },
    #[error("{path}: damaged ({why})")]
    Damaged { path: PathBuf, why: String },
    #[error("{path}: the disk or the size limit is full; what is seen now is not kept")]
    Full { path: PathBuf },
    #[error("{path}: cannot be written ({why}); what is seen now is not kept")]
    ReadOnly { path: PathBuf, why: String },
    #[error("{path}: another process holds it too long; what is seen now is not kept")]
    Busy { path: PathBuf },
    #[error("{path}: {why}")]
    Other { path: PathBuf, why: String },
}

impl HistoryError {
    pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, why }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, why }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Other { path, why },
        }
    }

    pub(super) fn of_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        let why = error.to_string();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Full { path }
            }
            _ => Self::ReadOnly { path, why },
        }
    }

    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    /// Returns whether the database is somebody else's, whom we do not disturb.
    pub(super) fn is_not_ours(&self) -> bool {
        matches!(self, Self::Newer { .. } | Self::Foreign { .. })
    }
}
