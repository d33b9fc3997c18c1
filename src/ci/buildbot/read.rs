//! One reading of a Buildbot master: workers first, then what was asked for and what runs.
//!
//! The order matters: a worker that is seen paused and then without a build is emptier
//! than one that is seen without a build and then paused.

use serde::de::DeserializeOwned;

use super::{
    Buildbot,
    shape::{self, Build, BuildRequest, EndedBuild, Page, Worker},
};
use crate::{
    ci::{
        Error,
        row::{self, Row},
    },
    fleet::Timestamp,
};

/// How many items one page holds; more than most masters have.
pub(super) const N_PER_PAGE: usize = 1000;
/// Nobody has more pages; a server that always says «there is more» is not believed.
const N_PAGES_MAX: usize = 50;

/// All items of a collection, as far as they could be read.
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    pub(super) unreadable: Vec<(Option<String>, String)>,
    pub(super) n_listed: usize,
    /// Why it may not be the whole list.
    pub(super) partial: Option<String>,
}

impl<T> List<T> {
    /// Returns why something may be missing from it, if so.
    pub(super) fn doubt(&self, what: &str) -> Option<String> {
        let unreadable = self.unreadable.first().map(|(_, why)| why);
        self.partial
            .as_ref()
            .or(unreadable)
            .map(|it| format!("the list of {what} is not complete: {it}"))
    }
}

/// How many of the last ended builds are looked at, newest first.
const N_ENDED: &str = "500";

pub(super) struct Seen {
    pub(super) workers: List<Worker>,
    pub(super) requests: List<BuildRequest>,
    pub(super) builds: List<Build>,
    /// The last builds that ended; none where they could not be read.
    pub(super) ended: Vec<EndedBuild>,
}

/// What is read, and what its ids are called.
pub(super) struct Collection {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) fields: &'static [&'static str],
    /// Only what is not over yet.
    pub(super) is_incomplete_only: bool,
}

pub(super) const WORKERS: Collection = Collection {
    name: "workers",
    id: "workerid",
    fields: &shape::WORKER_FIELDS,
    is_incomplete_only: false,
};
const BUILDS: Collection = Collection {
    name: "builds",
    id: "buildid",
    fields: &shape::BUILD_FIELDS,
    is_incomplete_only: true,
};
const REQUESTS: Collection = Collection {
    name: "buildrequests",
    id: "buildrequestid",
    fields: &shape::REQUEST_FIELDS,
    is_incomplete_only: true,
};
pub(super) const BUILDERS: Collection = Collection {
    name: "builders",
    id: "builderid",
    fields: &shape::BUILDER_FIELDS,
    is_incomplete_only: false,
};

impl Buildbot {
    pub(super) async fn see(&self) -> Result<Seen, Error> {
        let workers = self.list(&WORKERS).await?;
        let (requests, builds, ended) =
            tokio::join!(self.list(&REQUESTS), self.list(&BUILDS), self.ended());
        Ok(Seen {
            workers,
            requests: requests?,
            builds: builds?,
            ended,
        })
    }

    /// Reads the last builds that ended. Nothing is decided by one that is missing, so an
    /// error leaves the list empty and fails nothing.
    async fn ended(&self) -> Vec<EndedBuild> {
        let mut query = vec![
            ("complete", "true"),
            ("order", "-buildid"),
            ("limit", N_ENDED),
        ];
        query.extend(shape::ENDED_FIELDS.iter().map(|it| ("field", *it)));
        let answer = match self.get(BUILDS.name, &query).await {
            Ok(answer) => answer.json::<Page>(),
            Err(error) => Err(error),
        };
        match answer {
            Ok(page) => row::read(&page.items, &[])
                .filter_map(|it| match it {
                    Row::Read(build) => Some(build),
                    Row::Unreadable { .. } => None,
                })
                .collect(),
            Err(error) => {
                tracing::debug!("how builds ended is not known: {}", error.what);
                Vec::new()
            }
        }
    }

    /// Reads a whole collection. Each page starts after the last id of the one before: an
    /// offset would skip an item whenever one before it goes away.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        collection: &Collection,
    ) -> Result<List<T>, Error> {
        let mut list = List {
            items: Vec::new(),
            unreadable: Vec::new(),
            n_listed: 0,
            partial: None,
        };
        let mut last_id: Option<u64> = None;
        for _ in 0..N_PAGES_MAX {
            let page = self.page(collection, last_id).await?;
            for row in row::read(&page.items, &["name"]) {
                match row {
                    Row::Read(item) => list.items.push(item),
                    Row::Unreadable { id, why } => list.unreadable.push((id, why)),
                }
            }
            list.n_listed += page.items.len();
            let is_last = page.items.len() < self.n_per_page;
            if is_last {
                list.partial = short_of(&page);
                return Ok(list);
            }
            let next_id = page
                .items
                .iter()
                .filter_map(|it| row::number_of(it, collection.id))
                .max();
            if next_id <= last_id {
                break;
            }
            last_id = next_id;
        }
        list.partial = Some(format!("it does not end after {} items", list.n_listed));
        Ok(list)
    }

    async fn page(&self, collection: &Collection, after: Option<u64>) -> Result<Page, Error> {
        let limit = self.n_per_page.to_string();
        let (id_after, after) = (
            format!("{}__gt", collection.id),
            after.map(|it| it.to_string()),
        );
        let mut query = vec![("order", collection.id), ("limit", &limit)];
        if collection.is_incomplete_only {
            query.push(("complete", "false"));
        }
        query.extend(after.iter().map(|it| (id_after.as_str(), it.as_str())));
        query.extend(collection.fields.iter().map(|it| ("field", *it)));
        self.get(collection.name, &query).await?.json()
    }
}

/// Says what is missing of the last page, if it tells that there is more.
fn short_of(page: &Page) -> Option<String> {
    let n_items = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
    match page.meta.total {
        None => Some("Buildbot did not say how many there are".to_owned()),
        Some(total) if n_items < total => Some(format!("{n_items} of the last {total} came")),
        Some(_) => None,
    }
}

/// Returns when a second of Buildbot's clock was.
pub(super) fn at(number: Option<f64>) -> Option<Timestamp> {
    number.and_then(crate::ci::epoch::from_number)
}
