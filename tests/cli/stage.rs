//! Runs a command line in this process against a small simulated world, with
//! streams that a test holds in its hands: faults, terminals, other operators.

use std::{
    collections::BTreeSet,
    io::{self, Cursor, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use pooldeck::{
    action::Policy,
    ci::{self, Ci, SharedCi},
    cli::{CommandLine, Exit, Job, Printer, Session, Terminal},
    cloud::{self, Cloud, SharedCloud},
    engine::{self, Actor, Clock, Config, Detach, Doors, Keeping, Pricing},
    fleet::*,
    sim::{Faults, PoolSpec, Scenario, SharedWorld, SimCi, SimCloud, World, share},
};

/// A Friday morning.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_763_719_200);

/// A world, and how a command looks at it.
pub(crate) struct Stage {
    pub(crate) world: SharedWorld,
    pub(crate) policy: Policy,
    pub(crate) terminal: Terminal,
    /// What the operator types.
    pub(crate) input: String,
    /// What somebody else does before the second reading of a region.
    pub(crate) meddling: Option<Call>,
    /// What every controller refuses.
    pub(crate) refuses: Option<Refuses>,
    /// What the only region shows, instead of the world.
    pub(crate) fixed: Option<Part>,
    /// Regions that never answer.
    pub(crate) hung: Vec<ScopeId>,
    /// After this many bytes, whoever reads stdout goes away.
    pub(crate) stdout_ends_after: Option<usize>,
    /// How many times faster than life.
    pub(crate) speed: f64,
    pub(crate) pricing: Pricing,
    pub(crate) history: Keeping,
    /// Whether EC2 tells no spot prices.
    pub(crate) has_no_spot_prices: bool,
    pub(crate) state: tempfile::TempDir,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: Exit,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

impl Stage {
    /// Two regions with one pool each, in a world where nothing goes wrong.
    pub(crate) fn new() -> Self {
        let mut scenario = Scenario::of(vec![group("linux", "us-east-1")], Vec::new());
        let mut other = scenario.regions[0].clone();
        other.scope.id = "sim/eu-west-1".into();
        other.scope.region = "eu-west-1".into();
        other.pools = vec![group("mac", "eu-west-1")];
        other.pools[0]
            .ci
            .clone_from(&scenario.regions[0].pools[0].ci);
        scenario.regions.push(other);
        Self::of(scenario)
    }

    pub(crate) fn of(scenario: Scenario) -> Self {
        Self {
            world: share(World::new(1, scenario, START)),
            policy: Policy::default(),
            terminal: Terminal::default(),
            input: String::new(),
            meddling: None,
            refuses: None,
            fixed: None,
            hung: Vec::new(),
            stdout_ends_after: None,
            speed: 0.0,
            pricing: Pricing::default(),
            history: Keeping::Off,
            has_no_spot_prices: false,
            state: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn with_faults(faults: Faults) -> Self {
        let stage = Self::new();
        stage.world.lock().unwrap().set_faults(faults);
        stage
    }

    /// Puts an operator before a terminal, who types this.
    pub(crate) fn on_a_terminal(mut self, input: &str) -> Self {
        self.terminal.stdin_is_terminal = true;
        self.terminal.stderr_is_terminal = true;
        input.clone_into(&mut self.input);
        self
    }

    /// Runs `pooldeck LINE`.
    pub(crate) fn run(&self, line: &str) -> Said {
        let words = std::iter::once("pooldeck".to_owned()).chain(shlex::split(line).unwrap());
        let line = CommandLine::read(words.map(Into::into)).unwrap();
        let (stdout, stderr) = (Sink::default(), Sink::default());
        let mut printer = Printer::new(
            self.terminal,
            Box::new(Cursor::new(self.input.clone())),
            Box::new(stdout.clone().ending_after(self.stdout_ends_after)),
            Box::new(stderr.clone()),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let exit = runtime.block_on(async {
            let Job::Live(job) = Job::new(&line)? else {
                panic!("a test of a command that reads nothing belongs to the sandbox");
            };
            let clock = Clock::scaled(START, self.speed);
            let (handle, events) = engine::start(self.doors(), self.config(), clock);
            let mut session = Session {
                handle,
                events,
                printer: &mut printer,
            };
            job.run(&mut session).await
        });
        runtime.shutdown_background();
        let exit = exit.unwrap_or_else(|error| {
            printer.error(&error);
            error.exit
        });
        Said {
            stdout: stdout.text(),
            stderr: stderr.text(),
            exit,
        }
    }

    fn doors(&self) -> Doors {
        if let Some(part) = &self.fixed {
            let scope = self.world.lock().unwrap().scopes().last().unwrap().clone();
            let inner = SimCloud::new(self.world.clone(), scope);
            let part = part.clone();
            return Doors {
                clouds: vec![Arc::new(Fixed { inner, part })],
                cis: Vec::new(),
            };
        }
        let (scopes, controllers): (Vec<Scope>, Vec<ControllerName>) = {
            let world = self.world.lock().unwrap();
            let names = world.controllers().map(|it| it.name.clone());
            (world.scopes().cloned().collect(), names.collect())
        };
        let clouds = scopes.into_iter().map(|scope| {
            Arc::new(Meddled {
                is_hung: self.hung.contains(&scope.id),
                has_no_spot_prices: self.has_no_spot_prices,
                inner: SimCloud::new(self.world.clone(), scope),
                world: self.world.clone(),
                meddling: self.meddling.clone(),
                n_readings: AtomicUsize::new(0),
            }) as SharedCloud
        });
        let cis = controllers.into_iter().map(|it| {
            Arc::new(Refusing {
                inner: SimCi::new(self.world.clone(), it),
                refuses: self.refuses,
                n_readings: AtomicUsize::new(0),
            }) as SharedCi
        });
        Doors {
            clouds: clouds.collect(),
            cis: cis.collect(),
        }
    }

    fn config(&self) -> Config {
        Config {
            interval: std::time::Duration::from_secs(10),
            policy: self.policy.clone(),
            links: Vec::new(),
            pricing: self.pricing.clone(),
            state_dir: Some(self.state.path().to_owned()),
            actor: Actor::default(),
            history: self.history.clone(),
            namespace: pooldeck::fleet::Namespace::default(),
            detach: Detach::Not("a test ends"),
        }
    }
}

/// Six instances, between two and twelve.
pub(crate) fn group(name: &str, region: &str) -> PoolSpec {
    let capacity = Capacity {
        desired: 6,
        min: 2,
        max: 12,
    };
    PoolSpec::group(name, region, capacity)
}

/// What a controller answers with a 401: the second reading, or every write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuses {
    Reads,
    Writes,
}

/// A controller whose token ends while somebody works.
#[derive(Debug)]
struct Refusing {
    inner: SimCi,
    refuses: Option<Refuses>,
    n_readings: AtomicUsize,
}

impl Refusing {
    fn refusal(&self) -> ci::Error {
        let what = format!("{}: 401 Unauthorized", self.inner.name());
        ci::Error::new(FailureKind::Credentials, what)
    }
}

#[async_trait]
impl Ci for Refusing {
    fn name(&self) -> ControllerName {
        self.inner.name()
    }

    fn describe(&self) -> Controller {
        self.inner.describe()
    }

    async fn observe(&self, now: Timestamp) -> Result<ci::Reading, ci::Error> {
        let n_before = self.n_readings.fetch_add(1, Ordering::Relaxed);
        if n_before != 0 && self.refuses == Some(Refuses::Reads) {
            return Err(self.refusal());
        }
        self.inner.observe(now).await
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, ci::Error> {
        if self.refuses == Some(Refuses::Writes) {
            return Err(self.refusal());
        }
        self.inner.apply(call).await
    }

    fn n_requests(&self) -> u64 {
        self.inner.n_requests()
    }
}

/// A door of the world that somebody else reaches through, or that hangs.
#[derive(Debug)]
struct Meddled {
    inner: SimCloud,
    world: SharedWorld,
    meddling: Option<Call>,
    is_hung: bool,
    has_no_spot_prices: bool,
    n_readings: AtomicUsize,
}

#[async_trait]
impl Cloud for Meddled {
    fn scope(&self) -> Scope {
        self.inner.scope()
    }

    async fn identify(&self) -> Result<Identity, cloud::Error> {
        if self.is_hung {
            std::future::pending::<()>().await;
        }
        self.inner.identify().await
    }

    async fn observe(&self, now: Timestamp) -> Result<cloud::Reading, cloud::Error> {
        let is_second = self.n_readings.fetch_add(1, Ordering::Relaxed) == 1;
        if let (true, Some(call)) = (is_second, &self.meddling)
            && call.source() == SourceId::Scope(self.scope().id)
        {
            self.world.lock().unwrap().apply(call).unwrap();
        }
        self.inner.observe(now).await
    }

    async fn activities(&self, pool: &PoolKey) -> Result<Vec<Activity>, cloud::Error> {
        self.inner.activities(pool).await
    }

    async fn console_output(&self, id: &InstanceId) -> Result<ConsoleOutput, cloud::Error> {
        self.inner.console_output(id).await
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, cloud::Error> {
        self.inner.apply(call).await
    }

    async fn put_metrics(
        &self,
        namespace: &str,
        at: Timestamp,
        data: &[Datum],
    ) -> Result<(), cloud::Error> {
        self.inner.put_metrics(namespace, at, data).await
    }

    async fn spot_prices(
        &self,
        types: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Vec<SpotPrice>, cloud::Error> {
        if self.has_no_spot_prices {
            let what = "ec2:DescribeSpotPriceHistory: AccessDenied";
            return Err(cloud::Error::new(FailureKind::Denied, what));
        }
        self.inner.spot_prices(types, now).await
    }

    async fn list_prices(
        &self,
        wanted: &BTreeSet<(String, String)>,
    ) -> Result<Vec<ListPrice>, cloud::Error> {
        self.inner.list_prices(wanted).await
    }

    fn n_requests(&self) -> u64 {
        self.inner.n_requests()
    }
}

/// A door that shows what a test says.
#[derive(Debug)]
struct Fixed {
    inner: SimCloud,
    part: Part,
}

#[async_trait]
impl Cloud for Fixed {
    fn scope(&self) -> Scope {
        self.inner.scope()
    }

    async fn identify(&self) -> Result<Identity, cloud::Error> {
        let identity = self.inner.identify().await?;
        Ok(Identity {
            expires_at: Some(START),
            ..identity
        })
    }

    async fn observe(&self, _now: Timestamp) -> Result<cloud::Reading, cloud::Error> {
        Ok(cloud::Reading {
            part: self.part.clone(),
            missing: vec![Failure {
                kind: FailureKind::Throttled,
                what: "autoscaling:DescribeLifecycleHooks: Rate exceeded".to_owned(),
                at: START,
                retry_at: Some(START),
            }],
        })
    }

    async fn activities(&self, _pool: &PoolKey) -> Result<Vec<Activity>, cloud::Error> {
        Ok(Vec::new())
    }

    async fn console_output(&self, id: &InstanceId) -> Result<ConsoleOutput, cloud::Error> {
        self.inner.console_output(id).await
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, cloud::Error> {
        self.inner.apply(call).await
    }

    fn n_requests(&self) -> u64 {
        self.inner.n_requests()
    }
}

/// A stream whose other end is a test.
#[derive(Clone, Debug, Default)]
struct Sink {
    bytes: Arc<Mutex<Vec<u8>>>,
    ends_after: Option<usize>,
}

impl Sink {
    fn ending_after(mut self, n_bytes: Option<usize>) -> Self {
        self.ends_after = n_bytes;
        self
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.bytes.lock().unwrap();
        if self.ends_after.is_some_and(|it| it <= written.len()) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
