//! Fleets of thousands, for benchmarks: exact in size, and cheap to read again.

use std::{sync::Arc, time::Duration};

use pooldeck::sim::big;

use crate::common::{START, check, read};

#[test]
fn a_big_fleet_has_exactly_as_many_machines_as_asked_for() {
    for n_instances in [1, 199, 1001] {
        let mut world = big(n_instances, 1, START);
        let fleet = read(&mut world);
        assert_eq!(fleet.instances.len(), n_instances as usize);
        assert_eq!(fleet.executors.len(), n_instances as usize);
        assert_eq!(fleet.pools.len(), 200.min(n_instances as usize));
        let n_rostered: usize = fleet
            .pools
            .keys()
            .map(|it| fleet.roster(it).instances.len())
            .sum();
        assert_eq!(n_rostered, n_instances as usize);
    }
}

#[test]
fn a_big_fleet_lives() {
    let mut world = big(1000, 1, START);
    world.advance(Duration::from_mins(20));
    check(&world);
    let n_busy = world
        .machines()
        .filter(|it| !world.jobs_on(it.id()).is_empty())
        .count();
    assert!((200..900).contains(&n_busy), "{n_busy} of 1000 are busy");
}

#[test]
fn what_did_not_change_is_the_same_row_in_the_next_reading() {
    let mut world = big(1000, 1, START);
    let before = read(&mut world);
    world.advance(Duration::from_secs(30));
    let after = read(&mut world);
    for (id, row) in &after.instances {
        assert!(
            Arc::ptr_eq(row, &before.instances[id]),
            "{id} did not change"
        );
    }
    for (key, row) in &after.pools {
        assert!(Arc::ptr_eq(row, &before.pools[key]), "{key} did not change");
    }
}
