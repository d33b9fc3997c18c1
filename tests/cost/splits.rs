//! What the money goes to: one use for each machine, and the parts add up.

use std::time::Duration;

use pooldeck::{cost, fleet::*};
use proptest::prelude::*;

use crate::yard::{NOW, SCOPE, agent, busy, fleet, idle, machine, pool};

fn key() -> PoolKey {
    PoolKey::new(SCOPE, "linux")
}

#[track_caller]
fn check(change: impl FnOnce(&mut Instance), work: Option<(Work, bool)>, used: Option<Use>) {
    let machine = machine(1, change);
    let agents = work.map(|(work, cordoned)| Executor {
        cordoned,
        ..agent(&machine, work)
    });
    let id = machine.id.clone();
    let fleet = fleet(pool(|_| {}), vec![machine], agents.into_iter().collect());
    assert_eq!(fleet.use_of(&fleet.instances[&id], NOW), used);
}

#[test]
fn a_machine_has_one_use() {
    let unknown = || Work::Unknown("403".to_owned());
    check(|_| {}, Some((busy(), false)), Some(Use::Busy));
    check(|_| {}, Some((idle(), false)), Some(Use::Idle));
    check(|_| {}, Some((unknown(), false)), Some(Use::Unknown));
    check(
        |_| {},
        Some((Work::Offline { since: None }, false)),
        Some(Use::Unknown),
    );
    check(|_| {}, Some((busy(), true)), Some(Use::Draining));
    check(|_| {}, Some((idle(), true)), Some(Use::Standby));
    check(|_| {}, None, Some(Use::Stray));
    let young = |it: &mut Instance| it.launched_at = Some(NOW - Duration::from_mins(2));
    check(young, None, Some(Use::Booting));
    let lifecycle = |state: Lifecycle| move |it: &mut Instance| it.lifecycle = Some(state);
    check(lifecycle(Lifecycle::Pending), None, Some(Use::Booting));
    check(
        lifecycle(Lifecycle::Standby),
        Some((idle(), false)),
        Some(Use::Standby),
    );
    check(
        lifecycle(Lifecycle::Standby),
        Some((busy(), false)),
        Some(Use::Busy),
    );
    check(
        lifecycle(Lifecycle::TerminatingWait),
        Some((busy(), false)),
        Some(Use::Draining),
    );
    check(
        lifecycle(Lifecycle::TerminatingRetained),
        None,
        Some(Use::Retained),
    );
    check(
        lifecycle(Lifecycle::WarmedRunning),
        None,
        Some(Use::Standby),
    );
    check(
        |it| it.lifecycle = None,
        Some((idle(), false)),
        Some(Use::Stray),
    );
    // It is not where it belongs, but its money is not wasted.
    check(
        |it| it.lifecycle = None,
        Some((busy(), false)),
        Some(Use::Busy),
    );
}

#[test]
fn a_member_of_a_static_pool_is_no_stray_until_its_agent_is_overdue() {
    let found = |kind, work: Option<Work>| {
        let machine = machine(1, |it| it.lifecycle = None);
        let agents = work.map(|it| agent(&machine, it)).into_iter().collect();
        let pool = pool(|it| (it.kind, it.capacity) = (kind, None));
        let fleet = fleet(pool, vec![machine], agents);
        let found = strays(&fleet, NOW);
        let n_machines = stray_machines(&fleet, &found).count();
        assert_eq!(n_machines, found.len(), "{found:?}");
        found.first().map(|it| it.kind)
    };
    let (group, lone) = (PoolKind::Group, PoolKind::Static);
    assert_eq!(found(lone, Some(busy())), None);
    assert_eq!(found(lone, None), Some(StrayKind::InstanceWithoutAgent));
    let outside = Some(StrayKind::AgentOutsideGroups);
    assert_eq!(found(group, Some(busy())), outside);
}

#[test]
fn a_machine_that_does_not_run_costs_nothing() {
    for state in [
        MachineState::Pending,
        MachineState::Stopping,
        MachineState::Stopped,
        MachineState::ShuttingDown,
        MachineState::Terminated,
    ] {
        let machine = machine(1, |it| it.state = Some(state));
        let fleet = fleet(pool(|_| {}), vec![machine], Vec::new());
        let instance = fleet.instances.values().next().unwrap();
        assert_eq!(instance.usd_per_hour(), Some(Usd::ZERO));
        assert_eq!(cost::split(&fleet, &key(), NOW), Split::default());
    }
}

#[test]
fn an_unknown_price_makes_only_its_own_sums_unknown() {
    let (rich, odd) = (
        machine(1, |_| {}),
        machine(2, |it| it.instance_type = "x9.huge".into()),
    );
    let agents = vec![agent(&rich, busy()), agent(&odd, idle())];
    let fleet = fleet(pool(|_| {}), vec![rich, odd], agents);
    let split = cost::split(&fleet, &key(), NOW);
    assert_eq!(
        split.known_part(Use::Busy),
        Some(Usd::from_nanos(96_000_000))
    );
    assert_eq!(split.known_part(Use::Idle), None);
    assert_eq!(
        split.total(),
        None,
        "the part that is known is not the whole"
    );
    assert_eq!(split.waste(), None);
    assert_eq!(split.known(), Usd::from_nanos(96_000_000));
}

#[test]
fn where_nobody_sees_the_work_nobody_knows_the_waste() {
    let machines = vec![machine(1, |_| {}), machine(2, |_| {})];
    let fleet = fleet(pool(|it| it.ci = None), machines, Vec::new());
    let split = cost::split(&fleet, &key(), NOW);
    assert_eq!(split.unknown, Usd::from_nanos(192_000_000));
    assert_eq!(split.total(), Some(split.unknown));
    assert_eq!(split.waste(), None);
}

#[test]
fn rows_say_what_the_split_says() {
    let (a, b) = (
        machine(1, |_| {}),
        machine(2, |it| it.instance_type = "c5.xlarge".into()),
    );
    let agents = vec![agent(&a, busy()), agent(&b, idle())];
    let fleet = fleet(pool(|_| {}), vec![a, b], agents);
    let split = cost::split(&fleet, &key(), NOW);
    let row = &PoolRow::all(&fleet)[0];
    assert_eq!(
        row.value("usd_per_hour", NOW),
        Value::Usd(split.total().unwrap())
    );
    assert_eq!(row.value("waste_usd_per_hour", NOW), Value::Usd(split.idle));
    assert_eq!(row.value("price_source", NOW), Value::text("bundled"));
    let rows = InstanceRow::all(&fleet);
    let wasted = Filter::parse::<InstanceRow<'_>>("waste_usd_per_hour>0.1").unwrap();
    assert_eq!(wasted.select(&rows, NOW), [1]);
    let sum: Usd = rows
        .iter()
        .map(|it| it.instance.usd_per_hour().unwrap())
        .sum();
    assert_eq!(Some(sum), split.total());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is spent on whatever: nothing is lost between the machines, the parts and the sums.
    #[test]
    fn the_parts_add_up_to_the_total_to_the_cent(
        machines in prop::collection::vec((0..Use::ALL.len(), prop::option::of(0_i64..90_000_000_000)), 0..60)
    ) {
        let mut split = Split::default();
        for (used, nanos) in &machines {
            split.add(Use::ALL[*used], nanos.map(Usd::from_nanos));
        }
        let paid: i64 = machines.iter().filter_map(|it| it.1).sum();
        prop_assert_eq!(split.known(), Usd::from_nanos(paid));
        let parts: Usd = Use::ALL.into_iter().map(|it| split.part(it)).sum();
        prop_assert_eq!(parts, split.known());
        for (idx, used) in Use::ALL.into_iter().enumerate() {
            let its = machines.iter().filter(|it| it.0 == idx);
            let paid: Option<i64> = its.map(|it| it.1).sum();
            prop_assert_eq!(split.known_part(used), paid.map(Usd::from_nanos));
        }
        let is_whole = machines.iter().all(|it| it.1.is_some());
        prop_assert_eq!(split.total(), is_whole.then(|| Usd::from_nanos(paid)));
    }
}
