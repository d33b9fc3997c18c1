//! The two doors over one shared world, as the engine opens them. They hold no
//! latency of their own: whoever wants a slow door wraps one.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;

use super::{
    price,
    world::{Published, World},
};
use crate::{
    ci::{self, Ci},
    cloud::{self, Cloud},
    fleet::{
        Activity, Call, ConsoleOutput, Controller, ControllerName, Datum, Grade, Identity, Image,
        ImageId, InstanceId, LaunchSource, ListPrice, PoolKey, Receipt, Scope, SpotPrice, Template,
        Timestamp,
    },
};

/// A world behind several doors. The lock is held for one question only, never
/// across an await, so a plain mutex does.
pub type SharedWorld = Arc<Mutex<World>>;

pub fn share(world: World) -> SharedWorld {
    Arc::new(Mutex::new(world))
}

/// A poisoned world is still the world: its own test has failed already.
fn enter(world: &SharedWorld) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One region of a world.
#[derive(Debug)]
pub struct SimCloud {
    world: SharedWorld,
    scope: Scope,
    n_requests: AtomicU64,
}

impl SimCloud {
    pub fn new(world: SharedWorld, scope: Scope) -> Self {
        Self {
            world,
            scope,
            n_requests: AtomicU64::new(0),
        }
    }

    fn ask(&self, n_requests: usize) -> MutexGuard<'_, World> {
        self.n_requests
            .fetch_add(n_requests as u64, Ordering::Relaxed);
        enter(&self.world)
    }
}

#[async_trait]
impl Cloud for SimCloud {
    fn scope(&self) -> Scope {
        self.scope.clone()
    }

    async fn identify(&self) -> Result<Identity, cloud::Error> {
        self.ask(1).identify(&self.scope.id)
    }

    async fn observe(&self, now: Timestamp) -> Result<cloud::Reading, cloud::Error> {
        let mut world = self.ask(0);
        world.advance_to(now);
        let reading = world.observe(&self.scope.id);
        // As many pages as AWS would have answered: 100 groups, 1,000 instances.
        let n_pages = reading.as_ref().map_or(1, |it| {
            let part = &it.part;
            part.pools.len().div_ceil(100).max(1) + part.instances.len().div_ceil(1000).max(1)
        });
        self.n_requests.fetch_add(n_pages as u64, Ordering::Relaxed);
        reading
    }

    async fn activities(&self, pool: &PoolKey) -> Result<Vec<Activity>, cloud::Error> {
        self.ask(1).activities(pool)
    }

    async fn console_output(&self, instance: &InstanceId) -> Result<ConsoleOutput, cloud::Error> {
        self.ask(1).console_output(instance)
    }

    async fn image(&self, image: &ImageId) -> Result<Option<Image>, cloud::Error> {
        let mut world = self.ask(1);
        world.identify(&self.scope.id)?;
        Ok(world.look_up(image))
    }

    async fn template(&self, source: &LaunchSource) -> Result<Option<Template>, cloud::Error> {
        let mut world = self.ask(1);
        world.identify(&self.scope.id)?;
        Ok(world.find_version(&self.scope.id, source))
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, cloud::Error> {
        self.ask(1).apply(call)
    }

    async fn put_metrics(
        &self,
        namespace: &str,
        at: Timestamp,
        data: &[Datum],
    ) -> Result<(), cloud::Error> {
        let mut world = self.ask(data.len().div_ceil(1000));
        world.identify(&self.scope.id)?;
        world.published.push(Published {
            scope: self.scope.id.clone(),
            namespace: namespace.to_owned(),
            at,
            data: data.to_vec(),
        });
        Ok(())
    }

    async fn spot_prices(
        &self,
        types: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Vec<SpotPrice>, cloud::Error> {
        self.ask(1).identify(&self.scope.id)?;
        Ok(price::spot_prices(&self.scope.region, types, now))
    }

    async fn list_prices(
        &self,
        wanted: &BTreeSet<(String, String)>,
    ) -> Result<Vec<ListPrice>, cloud::Error> {
        self.ask(wanted.len()).identify(&self.scope.id)?;
        Ok(price::list_prices(&self.scope.region, wanted))
    }

    fn n_requests(&self) -> u64 {
        self.n_requests.load(Ordering::Relaxed)
    }
}

/// One controller of a world.
#[derive(Debug)]
pub struct SimCi {
    world: SharedWorld,
    name: ControllerName,
    n_requests: AtomicU64,
}

impl SimCi {
    pub fn new(world: SharedWorld, name: ControllerName) -> Self {
        Self {
            world,
            name,
            n_requests: AtomicU64::new(0),
        }
    }

    fn ask(&self) -> MutexGuard<'_, World> {
        self.n_requests.fetch_add(1, Ordering::Relaxed);
        enter(&self.world)
    }
}

#[async_trait]
impl Ci for SimCi {
    fn name(&self) -> ControllerName {
        self.name.clone()
    }

    fn describe(&self) -> Controller {
        let described = enter(&self.world)
            .controller(&self.name)
            .map(super::Controller::describe);
        described.unwrap_or_else(|| Controller::new(self.name.clone(), "unknown", Grade::ReadOnly))
    }

    async fn observe(&self, now: Timestamp) -> Result<ci::Reading, ci::Error> {
        let mut world = self.ask();
        world.advance_to(now);
        world.observe_ci(&self.name)
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, ci::Error> {
        self.ask()
            .apply(call)
            .map_err(|it| ci::Error::new(it.kind, it.what))
    }

    fn n_requests(&self) -> u64 {
        self.n_requests.load(Ordering::Relaxed)
    }
}
