//! What the tests of the simulated region share.

use pooldeck::{
    fleet::{Fleet, Timestamp},
    sim::World,
};

/// A Friday morning.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_763_719_200);

/// Reads every source of the world, none of which may fail, and joins them.
pub(crate) fn read(world: &mut World) -> Fleet {
    let scopes: Vec<_> = world.scopes().map(|it| it.id.clone()).collect();
    let controllers: Vec<_> = world.controllers().map(|it| it.name.clone()).collect();
    let mut parts = Vec::new();
    for scope in scopes {
        parts.push(world.observe(&scope).unwrap().part);
    }
    for name in controllers {
        parts.push(world.observe_ci(&name).unwrap().part);
    }
    Fleet::join(&parts)
}
