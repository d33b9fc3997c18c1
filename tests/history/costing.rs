//! What an operation cost: by its journal and the samples of its pool, on the list and in the history.

use std::time::Duration;

use pooldeck::{
    action::{self, ActionLine},
    cost::past::OperationCost,
    engine::{Event, Keeping, Outcome, Progress, Submission},
    fleet::{Executor, Fleet, Metric, PoolKey, Tale, Usd, Work},
};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::asking::{start, until};

/// A machine of the pool that runs nothing, and whose price is known.
fn idle_machine(fleet: &Fleet) -> Option<String> {
    let pool = PoolKey::new("demo/us-east-1", "workhorse");
    let is_idle = |it: &Executor| matches!(it.work, Work::Idle { .. });
    let members = fleet.roster(&pool).instances.iter();
    let mut idle = members.filter(|it| {
        let mut agents = fleet.executors_on(&it.id).peekable();
        agents.peek().is_some() && agents.all(|it| is_idle(it))
    });
    let idle = idle.find(|it| it.price.is_some());
    idle.map(|it| it.id.to_string())
}

async fn ended(events: &mut mpsc::Receiver<Event>) -> Outcome {
    loop {
        if let Event::Submission {
            progress: Progress::Ended(outcome),
            ..
        } = events.recv().await.unwrap()
        {
            return outcome;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_costs_the_machine_that_it_kept_from_work() {
    let directory = TempDir::new().unwrap();
    let (handle, mut events) = start(&directory, Keeping::Memory(Tale::default()));
    let idle = loop {
        let _ = events.recv().await;
        if let Some(id) = idle_machine(&handle.observation().fleet) {
            break id;
        }
    };
    let line: ActionLine = format!("drain {idle}").parse().unwrap();
    let (reason, policy) = (line.reason.as_deref(), &handle.config().policy);
    let fleet = handle.observation().fleet.clone();
    let confirmed = action::plan(&line.action, reason, &fleet, policy).unwrap();
    let paid = fleet.instances[idle.as_str()].usd_per_hour().unwrap();
    handle.submit(Submission {
        action: line.action,
        reason: line.reason,
        confirmed,
        consent: pooldeck::engine::Consent::Read,
    });
    let outcome = tokio::time::timeout(Duration::from_mins(1), ended(&mut events)).await;
    assert!(matches!(outcome.unwrap(), Outcome::Done));
    let (views, errors) = handle.priced_operations().await;
    assert!(errors.is_empty(), "{errors:?}");
    let cost: OperationCost = views[0].cost.unwrap();
    // The proof takes a minute; the machine takes no job from then on until it leaves.
    let minute = Duration::from_mins(1);
    assert!(minute <= cost.machine_time, "{cost:?}");
    let usd = cost
        .usd()
        .unwrap_or_else(|| panic!("it was seen all along: {cost:?}"));
    let least = paid.for_time(minute).share(1, 2);
    assert!(
        least < usd && usd < paid * 10,
        "{usd:.4} of {paid:.4} an hour"
    );
    assert!(Usd::ZERO < usd);
    // Its end stands in the history, with what it cost.
    let metrics = [Metric::InService];
    let past = until(&handle, &mut events, &metrics, |it| {
        it.markers
            .iter()
            .any(|it| it.what.contains(" ended; it cost "))
    })
    .await;
    let marker = past.markers.iter().find(|it| it.what.contains("it cost"));
    assert!(marker.unwrap().what.contains(" of machines"), "{marker:?}");
}
