//! How a build ended: asked of the build itself, once no executor runs it any more.

use reqwest::{Method, Url};

use super::{Jenkins, shape::Build};
use crate::{
    ci::{epoch, http::Extras, watch::Over},
    fleet::{Ended, Executor},
};

impl Jenkins {
    /// Adds how the builds ended that ran when we last looked.
    pub(super) async fn with_ended(&self, executors: &mut [Executor]) {
        let over = self
            .watch
            .lock()
            .expect("no panic while held")
            .look(executors);
        let asked = over.into_iter().map(|it| async {
            let ended = self.ended(&it).await?;
            Some((it.executor, ended))
        });
        let ended = futures_util::future::join_all(asked).await;
        let mut watch = self.watch.lock().expect("no panic while held");
        for (executor, ended) in ended.into_iter().flatten() {
            watch.keep(executor, ended);
        }
        watch.tell(executors);
    }

    /// Nothing is decided by one that is missing, so an error is none.
    async fn ended(&self, over: &Over) -> Option<Ended> {
        let url = below(self.http.base(), &over.url)?;
        let answer = self.http.send(Method::GET, url, Extras::default()).await;
        match answer.and_then(|it| it.json::<Build>()) {
            Ok(build) => ended_of(&build),
            Err(error) => {
                tracing::debug!("how {} ended is not known: {}", over.url, error.what);
                None
            }
        }
    }
}

/// A pipeline that left this agent and goes on elsewhere has not ended.
fn ended_of(build: &Build) -> Option<Ended> {
    let result = build
        .result
        .as_deref()
        .filter(|_| build.building == Some(false))?;
    let began = build.timestamp.and_then(epoch::from_number)?;
    let lasted = build.duration.and_then(epoch::millis)?;
    // One that was never built says nothing of its agent.
    (result != "NOT_BUILT").then(|| Ended {
        at: began + lasted,
        passed: result == "SUCCESS",
    })
}

/// Returns the address of a build below our own root, of whatever host and prefix Jenkins
/// believes to be: we ask nobody but the one that was configured.
fn below(base: &Url, url: &str) -> Option<Url> {
    let its = Url::parse(url).ok()?;
    let path = its.path();
    let path = path[path.find("/job/")?..].trim_end_matches('/');
    let mut ours = base.clone();
    let root = base.path().trim_end_matches('/');
    ours.set_path(&format!("{root}{path}/api/json"));
    ours.query_pairs_mut().append_pair("tree", Build::TREE);
    Some(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_asked_for_below_our_own_root() {
        let base = Url::parse("http://ours/ci/").unwrap();
        let asked = |url| below(&base, url).map(|it| it.to_string());
        let tree = "api/json?tree=building%2Cresult%2Ctimestamp%2Cduration";
        for (url, path) in [
            (
                "https://elsewhere/jenkins/job/team/job/a%20b/7/",
                "job/team/job/a%20b/7",
            ),
            ("http://ci/job/x/1?a=b#c", "job/x/1"),
            ("http://ci/job/x/../../job/y/1/", "job/y/1"),
        ] {
            assert_eq!(asked(url), Some(format!("http://ours/ci/{path}/{tree}")));
        }
        for odd in ["", "job/x/1", "http://ci/", "http://ci/job/../admin/1/"] {
            assert_eq!(asked(odd), None, "{odd}");
        }
    }
}
