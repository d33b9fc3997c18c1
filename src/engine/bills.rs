//! The file of bills: what Cost Explorer said, and when it was asked. A question costs
//! a cent, so it is noted before it is sent, and nobody on this host asks twice a day.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::fleet::{Bill, Timestamp};

const PAUSE: Duration = Duration::from_hours(24);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// By account.
    notes: BTreeMap<String, Note>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    asked_at: Timestamp,
    bill: Option<Bill>,
}

/// Where bills are kept; only with one is Cost Explorer asked at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillFile(pub PathBuf);

impl BillFile {
    /// Returns every bill that is kept.
    pub(super) fn bills(&self) -> Result<Vec<Bill>, String> {
        let notes = self.read()?.notes.into_values();
        Ok(notes.filter_map(|it| it.bill).collect())
    }

    /// Notes that Cost Explorer is asked now; `false` when it was asked within a day.
    pub(super) fn claim(&self, account: &str, now: Timestamp) -> Result<bool, String> {
        self.edit(|kept| {
            let was_asked = kept.notes.get(account).is_some_and(|it| {
                // A clock that went back has not made a day go by.
                now < it.asked_at + PAUSE && it.asked_at < now + PAUSE
            });
            if !was_asked {
                let bill = kept.notes.remove(account).and_then(|it| it.bill);
                let note = Note {
                    asked_at: now,
                    bill,
                };
                kept.notes.insert(account.to_owned(), note);
            }
            !was_asked
        })
    }

    pub(super) fn keep(&self, bill: Bill) -> Result<(), String> {
        self.edit(|kept| {
            let name = bill.account.clone();
            let asked_at = kept.notes.get(&name).map_or(bill.at, |it| it.asked_at);
            let note = Note {
                asked_at,
                bill: Some(bill),
            };
            kept.notes.insert(name, note);
        })
    }

    fn read(&self) -> Result<Kept, String> {
        match fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|it| {
                let path = self.0.display();
                format!("{path}: damaged ({it}); Cost Explorer is not asked until it is removed")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(self.wrong(&error)),
        }
    }

    /// Changes the file whole, while no other process on this host does.
    fn edit<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> Result<T, String> {
        let wrong = |it: io::Error| self.wrong(&it);
        fs::create_dir_all(self.0.parent().unwrap_or(Path::new("."))).map_err(wrong)?;
        let lock = File::create(self.0.with_extension("lock")).map_err(wrong)?;
        lock.lock().map_err(wrong)?;
        let mut kept = self.read()?;
        let answer = change(&mut kept);
        let text = serde_json::to_vec(&kept).map_err(|it| self.wrong(&it.into()))?;
        let new = self.0.with_extension("new");
        fs::write(&new, text).map_err(wrong)?;
        fs::rename(&new, &self.0).map_err(wrong)?;
        Ok(answer)
    }

    fn wrong(&self, error: &io::Error) -> String {
        let path = self.0.display();
        format!("{path}: {error}; Cost Explorer is not asked, for nobody would know when it was")
    }
}
