//! One call through its door, once.

use super::handle::Inner;
use crate::fleet::{Call, Failure, Receipt, SourceId};

/// A call that was not applied, and the request id of the answer if there was one.
pub(super) struct Unapplied {
    pub(super) failure: Failure,
    pub(super) request_id: Option<String>,
}

pub(super) async fn apply(inner: &Inner, call: &Call) -> Result<Receipt, Unapplied> {
    let now = || inner.clock.now();
    let unapplied = |failure| Unapplied {
        failure,
        request_id: None,
    };
    match call.source() {
        SourceId::Scope(scope) => {
            let Some(cloud) = inner.cloud(&scope) else {
                return Err(unapplied(inner.unknown(scope.as_str())));
            };
            cloud.apply(call).await.map_err(|error| Unapplied {
                request_id: error.request_id.clone(),
                failure: error.into_failure(now(), None),
            })
        }
        SourceId::Controller(name) => {
            let found = inner.doors.cis.iter().find(|it| it.name() == name);
            let Some(ci) = found else {
                return Err(unapplied(inner.unknown(name.as_str())));
            };
            let answer = ci.apply(call).await;
            answer.map_err(|error| unapplied(error.into_failure(now())))
        }
    }
}
