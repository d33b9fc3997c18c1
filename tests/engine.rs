//! The engine against a scripted door: what it reads when, and the way from a
//! plan to its calls. The door is a fake, named as one: it does what a test says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "engine/drive.rs"]
mod drive;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use pooldeck::{
    action::{self, ActionLine, Policy},
    ci::SharedCi,
    cloud::{self, Cloud},
    engine::{
        self, Actor, AuditEvent, AuditRecord, Clock, Config, Detach, Doors, Event, Handle, Keeping,
        LaunchState, Link, Outcome, Pricing, Progress, Submission,
    },
    fleet::*,
};
use tokio::sync::mpsc;

/// A door whose answers a test writes in advance.
#[derive(Debug)]
struct FakeCloud {
    id: ScopeId,
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    pool: Option<Pool>,
    instances: Vec<Instance>,
    activities: Vec<Activity>,
    /// What the next readings answer; when it is empty they succeed.
    readings: VecDeque<Answer>,
    /// What the next calls answer; when it is empty they succeed.
    refusals: VecDeque<cloud::Error>,
    calls: Vec<Call>,
    n_readings: usize,
    n_in_flight: usize,
    n_in_flight_max: usize,
    /// Where the audit log is, to see what it says when a call arrives.
    audit: Option<std::path::PathBuf>,
    intended_at_call: Vec<bool>,
}

#[derive(Clone, Debug)]
enum Answer {
    Fail(FailureKind),
    /// Takes this long, and then succeeds.
    Slow(Duration),
    Never,
    Panic,
}

impl FakeCloud {
    fn new(id: &str) -> Arc<Self> {
        let script = Script {
            pool: Some(pool(id, "linux")),
            ..Script::default()
        };
        Arc::new(Self {
            id: id.into(),
            script: Mutex::new(script),
        })
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script().readings.extend(answers);
    }
}

#[async_trait]
impl Cloud for FakeCloud {
    fn scope(&self) -> Scope {
        Scope {
            id: self.id.clone(),
            profile: None,
            region: "us-east-1".into(),
            alias: "test".into(),
            environment: None,
            read_only: false,
            identity: None,
        }
    }

    async fn identify(&self) -> Result<Identity, cloud::Error> {
        Ok(Identity {
            account: "123456789012".into(),
            arn: "arn:aws:iam::123456789012:user/test".into(),
            expires_at: None,
        })
    }

    async fn observe(&self, _now: Timestamp) -> Result<cloud::Reading, cloud::Error> {
        let answer = {
            let mut script = self.script();
            script.n_readings += 1;
            script.n_in_flight += 1;
            script.n_in_flight_max = script.n_in_flight_max.max(script.n_in_flight);
            script.readings.pop_front()
        };
        match answer {
            Some(Answer::Slow(duration)) => tokio::time::sleep(duration).await,
            Some(Answer::Never) => std::future::pending().await,
            Some(Answer::Panic) => panic!("planted"),
            Some(Answer::Fail(_)) | None => {}
        }
        let mut script = self.script();
        script.n_in_flight -= 1;
        if let Some(Answer::Fail(kind)) = answer {
            return Err(cloud::Error::new(kind, format!("{kind:?} as scripted")));
        }
        let part = Part {
            pools: script.pool.clone().map(Arc::new).into_iter().collect(),
            instances: script.instances.iter().cloned().map(Arc::new).collect(),
            ..Part::default()
        };
        Ok(cloud::Reading {
            part,
            missing: Vec::new(),
        })
    }

    async fn activities(&self, _pool: &PoolKey) -> Result<Vec<Activity>, cloud::Error> {
        Ok(self.script().activities.clone())
    }

    async fn console_output(&self, id: &InstanceId) -> Result<ConsoleOutput, cloud::Error> {
        Err(cloud::Error::new(
            FailureKind::NotFound,
            format!("{id} has no console"),
        ))
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, cloud::Error> {
        let mut script = self.script();
        if let Some(path) = &script.audit {
            let last = records(path).pop().unwrap();
            let is_intended = last.event == AuditEvent::Intended && last.call == *call;
            script.intended_at_call.push(is_intended);
        }
        script.calls.push(call.clone());
        if let Some(error) = script.refusals.pop_front() {
            return Err(error);
        }
        if let Call::SetDesiredCapacity { desired, .. } = call {
            let capacity = script.pool.as_mut().unwrap().capacity.as_mut().unwrap();
            capacity.desired = *desired;
        }
        Ok(Receipt {
            request_id: Some("req-1".into()),
            message: None,
            made: None,
        })
    }

    fn n_requests(&self) -> u64 {
        self.script().n_readings as u64
    }
}

fn pool(scope: &str, name: &str) -> Pool {
    Pool {
        scope: scope.into(),
        name: name.into(),
        kind: PoolKind::Group,
        capacity: Some(Capacity {
            desired: 2,
            min: 0,
            max: 9,
        }),
        template: None,
        mixed: None,
        zones: Vec::new(),
        suspended: Vec::new(),
        protects_new_instances: false,
        hooks: Vec::new(),
        hooks_read_at: None,
        warm_pool_size: None,
        refresh: None,
        upkeep: Upkeep::default(),
        health_check: None,
        termination_policies: Vec::new(),
        enabled_metrics: Vec::new(),
        created_at: None,
        status: None,
        tags: std::collections::BTreeMap::new(),
        ci: None,
        next_price: None,
    }
}

fn instance(n: u32, lifecycle: Lifecycle) -> Instance {
    Instance {
        id: format!("i-{n:017x}").into(),
        scope: "a/r".into(),
        pool: Some(PoolKey::new("a/r", "linux")),
        lifecycle: Some(lifecycle),
        lifecycle_since: Timestamp::EPOCH,
        state: Some(MachineState::Running),
        state_reason: None,
        health: None,
        protected: false,
        instance_type: "m5.large".into(),
        zone: "us-east-1a".into(),
        market: Market::OnDemand,
        platform: None,
        price: None,
        image: None,
        template_name: None,
        template_version: None,
        launched_at: None,
        private_address: None,
        public_address: None,
        private_dns: None,
        status_checks: None,
        scheduled_event: None,
        tags: std::collections::BTreeMap::new(),
    }
}

/// A running engine over fake doors.
struct Bench {
    handle: Handle,
    events: mpsc::Receiver<Event>,
    directory: tempfile::TempDir,
}

fn start(clouds: &[&Arc<FakeCloud>]) -> Bench {
    start_tied(clouds, Vec::new())
}

fn start_tied(clouds: &[&Arc<FakeCloud>], links: Vec<Link>) -> Bench {
    start_with(clouds, Vec::new(), links, |it| it, Clock::system())
}

fn start_with(
    clouds: &[&Arc<FakeCloud>],
    cis: Vec<SharedCi>,
    links: Vec<Link>,
    edit: impl FnOnce(Config) -> Config,
    clock: Clock,
) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let doors = Doors {
        clouds: clouds
            .iter()
            .map(|it| Arc::clone(it) as cloud::SharedCloud)
            .collect(),
        cis,
    };
    let config = Config {
        interval: Duration::from_secs(10),
        policy: Policy::default(),
        links,
        pricing: Pricing::default(),
        state_dir: Some(directory.path().to_owned()),
        actor: Actor {
            user: "ada".into(),
            host: "bastion".into(),
        },
        history: Keeping::Off,
        namespace: pooldeck::fleet::Namespace::default(),
        detach: Detach::Not("a test ends"),
    };
    let (handle, events) = engine::start(doors, edit(config), clock);
    Bench {
        handle,
        events,
        directory,
    }
}

impl Bench {
    async fn observed(&mut self) -> Arc<Observation> {
        loop {
            if let Event::Observed(observation) = self.events.recv().await.unwrap() {
                return observation;
            }
        }
    }

    /// Submits a line that was confirmed on what was last observed, and waits for its end.
    async fn submit(&mut self, line: &str) -> (Outcome, Vec<Progress>) {
        let line: ActionLine = line.parse().unwrap();
        let fleet = &self.handle.observation().fleet;
        let confirmed = action::plan(
            &line.action,
            line.reason.as_deref(),
            fleet,
            &Policy::default(),
        )
        .unwrap();
        self.handle.submit(Submission {
            action: line.action,
            reason: line.reason,
            confirmed,
            consent: engine::Consent::Read,
        });
        let mut steps = Vec::new();
        loop {
            match self.events.recv().await.unwrap() {
                Event::Submission {
                    progress: Progress::Ended(outcome),
                    ..
                } => return (outcome, steps),
                Event::Submission { progress, .. } => steps.push(progress),
                Event::TaskLost { task, why } => panic!("{task}: {why}"),
                Event::Observed(_)
                | Event::Console { .. }
                | Event::Activities { .. }
                | Event::Operation(_)
                | Event::Operations { .. }
                | Event::Past(_)
                | Event::Warning(_) => {}
            }
        }
    }

    fn audit(&self) -> Vec<AuditRecord> {
        records(&self.directory.path().join("audit.jsonl"))
    }
}

fn records(path: &std::path::Path) -> Vec<AuditRecord> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_pool_is_tied_by_the_first_rule_and_its_own_name_is_the_label() {
    let link = |pattern: &str, label: &str| Link {
        pool: pattern.to_owned(),
        ci: CiLink {
            controller: "jenkins".into(),
            label: label.to_owned(),
            executors_per_instance: 1,
            instance_from: None,
            boot_budget: Duration::from_mins(10),
        },
    };
    let cloud = FakeCloud::new("a/r");
    let links = vec![link("mac*", "mac"), link("lin*", ""), link("*", "any")];
    let mut bench = start_tied(&[&cloud], links);
    let observation = bench.observed().await;
    let pool = observation.fleet.pool(&PoolKey::new("a/r", "linux"));
    assert_eq!(pool.unwrap().ci.as_ref().unwrap().label, "linux");
}

#[tokio::test(start_paused = true)]
async fn requests_coalesce_and_one_reading_is_in_flight() {
    let cloud = FakeCloud::new("a/r");
    cloud.answers([Answer::Slow(Duration::from_secs(1))]);
    let mut bench = start(&[&cloud]);
    tokio::time::sleep(Duration::from_millis(10)).await;
    for _ in 0..20 {
        bench.handle.refresh();
    }
    bench.observed().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let script = cloud.script();
    assert_eq!(
        (script.n_readings, script.n_in_flight_max),
        (2, 1),
        "the one under way, and one for all who asked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_keeps_its_rows_and_says_why() {
    let (good, bad) = (FakeCloud::new("a/r"), FakeCloud::new("b/r"));
    let mut bench = start(&[&good, &bad]);
    let before = bench.handle.observe().await;
    assert_eq!(before.fleet.pools.len(), 2);
    bad.answers([Answer::Fail(FailureKind::Throttled)]);
    let after = bench.handle.observe().await;
    assert_eq!(after.fleet.pools.len(), 2, "nothing is wiped");
    let (source, failure) = &after.errors[0];
    assert_eq!(source.to_string(), "b/r");
    assert_eq!(failure.kind, FailureKind::Throttled);
    let retry_in = failure.retry_at.unwrap().since(failure.at);
    assert!(
        Duration::from_secs(10) <= retry_in,
        "throttled sources are read less often: {retry_in:?}"
    );
    let healed = bench.handle.observe().await;
    assert!(
        healed.errors.is_empty(),
        "the next good reading clears the failure"
    );
    bench.events.close();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_blocks_nobody() {
    let (good, mute) = (FakeCloud::new("a/r"), FakeCloud::new("b/r"));
    mute.answers([Answer::Never]);
    let mut bench = start(&[&good, &mute]);
    let first = bench.observed().await;
    assert_eq!(
        first.fleet.pools.len(),
        1,
        "the good one is on the board at once"
    );
    let later = loop {
        let observation = bench.observed().await;
        if !observation.errors.is_empty() {
            break observation;
        }
    };
    assert!(
        later.errors[0]
            .1
            .what
            .contains("did not answer within 30 s"),
        "{}",
        later.errors[0].1.what
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_reading_is_a_failure_and_the_next_reading_comes() {
    let cloud = FakeCloud::new("a/r");
    cloud.answers([Answer::Panic]);
    let mut bench = start(&[&cloud]);
    let broken = bench.observed().await;
    assert!(broken.errors[0].1.what.contains("planted"));
    cloud.script().n_in_flight = 0;
    let healed = bench.handle.observe().await;
    assert!(healed.errors.is_empty());
    assert_eq!(healed.fleet.pools.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_intent_is_on_disk_before_the_call_is_made() {
    let cloud = FakeCloud::new("a/r");
    let mut bench = start(&[&cloud]);
    cloud.script().audit = Some(bench.directory.path().join("audit.jsonl"));
    bench.handle.observe().await;
    let (outcome, _) = bench
        .submit("scale linux 5 --max 12 --reason 'release day'")
        .await;
    assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
    assert_eq!(cloud.script().intended_at_call, [true, true]);
    let audit = bench.audit();
    let events: Vec<AuditEvent> = audit.iter().map(|it| it.event).collect();
    assert_eq!(
        events,
        [AuditEvent::Intended, AuditEvent::Applied].repeat(2)
    );
    let last = &audit[3];
    assert_eq!((last.user.as_str(), last.host.as_str()), ("ada", "bastion"));
    assert_eq!(last.account.as_deref(), Some("123456789012"));
    assert_eq!(last.request_id.as_deref(), Some("req-1"));
    assert_eq!(last.reason.as_deref(), Some("release day"));
    assert_eq!(
        last.command_line,
        "scale linux 5 --max 12 --reason 'release day'"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_changed_since_the_plan_is_not_touched() {
    let cloud = FakeCloud::new("a/r");
    let mut bench = start(&[&cloud]);
    bench.handle.observe().await;
    cloud.script().pool.as_mut().unwrap().capacity = Some(Capacity {
        desired: 4,
        min: 0,
        max: 9,
    });
    let (outcome, _) = bench.submit("launch linux --count 2").await;
    let Outcome::Changed(plan) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        plan.calls[0].to_string(),
        "autoscaling:SetDesiredCapacity group=linux desired=6"
    );
    assert!(cloud.script().calls.is_empty());
    assert!(bench.audit().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_cannot_be_read_is_not_touched() {
    let cloud = FakeCloud::new("a/r");
    let mut bench = start(&[&cloud]);
    bench.handle.observe().await;
    cloud.answers([Answer::Fail(FailureKind::Credentials)]);
    let (outcome, _) = bench.submit("scale linux 5").await;
    let Outcome::Unavailable(_, failure) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(failure.kind, FailureKind::Credentials);
    assert!(cloud.script().calls.is_empty());
    // Renewed credentials need no restart.
    let (outcome, _) = bench.submit("scale linux 5").await;
    assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_ends_the_action_and_says_what_was_left() {
    let cloud = FakeCloud::new("a/r");
    let mut bench = start(&[&cloud]);
    bench.handle.observe().await;
    cloud
        .script()
        .refusals
        .push_back(cloud::Error::new(FailureKind::Denied, "not authorized"));
    let (outcome, _) = bench.submit("scale linux 5 --max 12").await;
    let Outcome::Failed(failure) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(failure.what, "not authorized");
    assert_eq!(cloud.script().calls.len(), 1, "the second call is not made");
    assert_eq!(bench.audit().last().unwrap().event, AuditEvent::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_recorded_as_unknown() {
    let cloud = FakeCloud::new("a/r");
    let mut bench = start(&[&cloud]);
    bench.handle.observe().await;
    cloud
        .script()
        .refusals
        .push_back(cloud::Error::new(FailureKind::Unknown, "no answer"));
    let (outcome, _) = bench.submit("scale linux 5").await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(bench.audit().last().unwrap().event, AuditEvent::Unknown);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_that_cannot_be_written_down() {
    let cloud = FakeCloud::new("a/r");
    let mut bench = start(&[&cloud]);
    bench.handle.observe().await;
    // A directory where the log should be: it cannot be opened.
    std::fs::create_dir(bench.directory.path().join("audit.jsonl")).unwrap();
    let (outcome, _) = bench.submit("scale linux 5").await;
    let Outcome::Failed(failure) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(failure.what.contains("audit log"), "{}", failure.what);
    assert!(cloud.script().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_launch_is_followed_instance_by_instance() {
    let cloud = FakeCloud::new("a/r");
    cloud.script().instances = vec![
        instance(1, Lifecycle::InService),
        instance(2, Lifecycle::InService),
    ];
    let mut bench = start(&[&cloud]);
    bench.handle.observe().await;
    // The group shows the new instances while the launch is followed.
    let stage = tokio::spawn({
        let cloud = cloud.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(7)).await;
            let new = [
                instance(3, Lifecycle::Pending),
                instance(4, Lifecycle::PendingWait),
            ];
            cloud.script().instances.extend(new);
            tokio::time::sleep(Duration::from_secs(20)).await;
            cloud.script().instances[2].lifecycle = Some(Lifecycle::InService);
            cloud.script().instances.remove(3);
        }
    });
    let (outcome, steps) = bench.submit("launch linux --count 2").await;
    stage.await.unwrap();
    let Outcome::Partly(sentences) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        sentences,
        ["i-00000000000000004: it was gone before it was in service"]
    );
    let states: Vec<Vec<LaunchState>> = steps
        .iter()
        .filter_map(|it| match it {
            Progress::Launching(launches) => {
                Some(launches.iter().map(|it| it.state.clone()).collect())
            }
            _ => None,
        })
        .collect();
    assert_eq!(states[0], [LaunchState::Requested, LaunchState::Requested]);
    assert_eq!(states[1], [LaunchState::Running, LaunchState::Running]);
    assert_eq!(states.last().unwrap()[0], LaunchState::InService);
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_aws_refuses_ends_with_its_reason() {
    let cloud = FakeCloud::new("a/r");
    let mut bench = start(&[&cloud]);
    bench.handle.observe().await;
    cloud.script().activities = vec![Activity {
        id: "1".into(),
        pool: PoolKey::new("a/r", "linux"),
        started_at: Clock::system().now() + Duration::from_secs(1),
        ended_at: None,
        status: ActivityStatus::Failed,
        status_message: Some("We currently do not have sufficient m5.large capacity".into()),
        description: "Launching a new EC2 instance".into(),
        cause: String::new(),
        percent: None,
        instance: None,
    }];
    let (outcome, _) = bench.submit("launch linux").await;
    let Outcome::Partly(sentences) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        sentences,
        ["We currently do not have sufficient m5.large capacity"]
    );
}
