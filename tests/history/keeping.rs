//! What was seen comes back, and what was not is a gap.

use std::time::Duration;

use pooldeck::{
    cost::past::{SPENT_METRICS, TREND_METRICS, spent, trends},
    engine::{Kept, PastQuery, Store, Whose},
    fleet::{Boot, Marker, MarkerKind, Metric, Past, PoolKey, Sample, Span, Usd, Values},
};

use crate::{
    ACCOUNT, SCOPE, ask, at, in_service, keep, query, sample, span, tidy, values, whose, workhorse,
};

#[test]
fn what_was_seen_comes_back_and_stands_until_the_next() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &in_service(0, 4.0));
    keep(&mut store, &in_service(15, 5.0));
    let past = ask(&store, span(0, 30), 6);
    let four_then_five = [4.0, 4.0, 4.0, 5.0, 5.0, 5.0].map(Some);
    assert_eq!(values(&past), four_then_five);
}

#[test]
fn what_nobody_saw_is_a_gap_and_never_the_last_value() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &in_service(0, 4.0));
    // The console was away for ten minutes.
    keep(&mut store, &in_service(600, 6.0));
    let past = ask(&store, span(0, 660), 11);
    let expected = [
        Some(4.0),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        Some(6.0),
    ];
    assert_eq!(values(&past), expected);
    assert!(past.series[0].points[0].seen < 0.8, "45 of 60 seconds");
}

#[test]
fn what_could_not_be_read_ends_what_was_known() {
    let mut store = Store::in_memory().unwrap();
    let both = [(Metric::InService, 4.0), (Metric::BusyExecutors, 0.0)];
    keep(&mut store, &sample(0, &both));
    // The controller does not answer; AWS does.
    keep(&mut store, &in_service(15, 4.0));
    let asked = query(&[Metric::InService, Metric::BusyExecutors], span(0, 30), 2);
    let past = store.past(&asked, &whose()).unwrap();
    let busy = past.series(Metric::BusyExecutors).unwrap();
    let busy: Vec<_> = busy.points.iter().map(|it| it.value).collect();
    assert_eq!(
        busy,
        [Some(0.0), None],
        "zero was read once, then nothing was"
    );
    assert_eq!(values(&past), [Some(4.0), Some(4.0)]);
}

#[test]
fn all_pools_together_are_their_own_series() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &in_service(0, 4.0));
    let mut asked = query(&[Metric::InService], span(0, 15), 1);
    asked.pool = None;
    let past = store.past(&asked, &whose()).unwrap();
    assert_eq!(values(&past), [Some(4.0)]);
    asked.pool = Some(PoolKey::new(SCOPE, "other"));
    let past = store.past(&asked, &whose()).unwrap();
    assert_eq!(values(&past), [None], "a pool that nobody saw");
}

#[test]
fn another_account_under_the_same_name_has_another_past() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &in_service(0, 4.0));
    let mut others = whose();
    others.scopes[0].1 = Some("999999999999".to_owned());
    let asked = query(&[Metric::InService], span(0, 15), 1);
    let past = store.past(&asked, &others).unwrap();
    assert_eq!(values(&past), [None]);
    // Before anybody proved whose it is, the newest is taken.
    others.scopes[0].1 = None;
    let past = store.past(&asked, &others).unwrap();
    assert_eq!(values(&past), [Some(4.0)]);
}

#[test]
fn a_clock_that_goes_back_tells_no_time_twice() {
    let mut store = Store::in_memory().unwrap();
    for secs in [0, 15, 30] {
        keep(&mut store, &in_service(secs, 4.0));
    }
    let back = store.append(&in_service(10, 99.0)).unwrap();
    assert_eq!(back, Kept::ClockWentBack);
    assert_eq!(
        store.append(&in_service(20, 99.0)).unwrap(),
        Kept::ClockWentBack
    );
    keep(&mut store, &in_service(45, 5.0));
    let past = ask(&store, span(0, 60), 4);
    assert_eq!(values(&past), [4.0, 4.0, 4.0, 5.0].map(Some));
    let times: Vec<_> = past.series[0].points.iter().map(|it| it.at).collect();
    assert!(times.is_sorted());
    let clock: Vec<_> = past.markers.iter().map(|it| (it.kind, it.at)).collect();
    assert_eq!(clock, [(MarkerKind::Clock, at(30))], "said once");
}

#[test]
fn a_clock_that_was_a_year_ahead_does_not_end_the_history() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &in_service(365 * 86_400, 9.0));
    keep(&mut store, &in_service(0, 4.0));
    keep(&mut store, &in_service(15, 5.0));
    assert_eq!(values(&ask(&store, span(0, 30), 2)), [Some(4.0), Some(5.0)]);
}

#[test]
fn a_jump_ahead_is_a_gap() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &in_service(0, 4.0));
    keep(&mut store, &in_service(7200, 4.0));
    tidy(&mut store, at(7200));
    let past = ask(&store, span(0, 7215), 2);
    assert!(past.series[0].points[0].seen < 0.02);
    assert_eq!(values(&ask(&store, span(1800, 7200), 3)), [None; 3]);
}

#[test]
fn markers_and_boots_are_told_once_and_belong_to_their_pool() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &in_service(0, 4.0));
    let marker = |pool: PoolKey| Marker {
        at: at(10),
        pool: Some(pool),
        kind: MarkerKind::Operation,
        what: "ada began: drain i-1".to_owned(),
    };
    let named = |name: &str, pool| (ACCOUNT.to_owned(), name.to_owned(), marker(pool));
    let other = PoolKey::new(SCOPE, "other");
    let marks = [
        named("a", workhorse()),
        named("b", other),
        named("a", workhorse()),
    ];
    store.mark(&marks).unwrap();
    store.mark(&marks).unwrap();
    let past = ask(&store, span(0, 60), 1);
    assert_eq!(past.markers, [marker(workhorse())]);

    let boot = Boot {
        instance: "i-0123456789abcdef0".into(),
        pool: workhorse(),
        image: Some("ami-1".into()),
        instance_type: "c7i.2xlarge".to_owned(),
        zone: "us-east-1a".to_owned(),
        requested_at: Some(at(5)),
        running_at: None,
        registered_at: None,
        first_job_at: None,
    };
    let further = Boot {
        running_at: Some(at(40)),
        registered_at: Some(at(70)),
        requested_at: None,
        ..boot.clone()
    };
    store.note_boots(ACCOUNT, &[boot], at(5)).unwrap();
    store.note_boots(ACCOUNT, &[further], at(70)).unwrap();
    let past = ask(&store, span(0, 120), 1);
    let [boot] = &past.boots[..] else {
        panic!("{:?}", past.boots)
    };
    assert_eq!(boot.time_to_ready().unwrap().as_secs(), 65);
    assert_eq!(boot.first_job_at, None, "it had no job yet");
}

/// A sample of one pool of a scope of our account.
fn elsewhere(scope: &str, secs: i64, values: &[(Metric, f64)]) -> Sample {
    Sample {
        scope: scope.into(),
        ..sample(secs, values)
    }
}

fn numbers(past: &Past, metric: Metric) -> Vec<Option<f64>> {
    let points = &past.series(metric).unwrap().points;
    points.iter().map(|it| it.value).collect()
}

#[test]
fn the_money_of_one_region_is_never_shown_as_that_of_two() {
    let (here, there) = ("prod/us-east-1", "prod/eu-west-1");
    let mut store = Store::in_memory().unwrap();
    for secs in [0, 15] {
        keep(
            &mut store,
            &elsewhere(
                here,
                secs,
                &[(Metric::UsdPerHour, 4.0), (Metric::InService, 2.0)],
            ),
        );
        // Nobody has said a price of what runs there but of one machine.
        keep(
            &mut store,
            &elsewhere(
                there,
                secs,
                &[(Metric::PricedUsd, 0.5), (Metric::InService, 3.0)],
            ),
        );
    }
    let both = Whose {
        scopes: [here, there]
            .map(|it| (it.into(), Some(ACCOUNT.to_owned())))
            .into(),
    };
    let ask = |metrics: &[Metric]| {
        let all = PastQuery {
            pool: None,
            ..query(metrics, span(0, 30), 2)
        };
        store.past(&all, &both).unwrap()
    };
    // The graph of money asks for nothing but money.
    let past = ask(&[Metric::UsdPerHour]);
    assert_eq!(numbers(&past, Metric::UsdPerHour), [None, None]);
    let past = ask(&[Metric::UsdPerHour, Metric::PricedUsd]);
    assert_eq!(numbers(&past, Metric::UsdPerHour), [None, None]);
    assert_eq!(numbers(&past, Metric::PricedUsd), [Some(4.5), Some(4.5)]);
    assert_eq!(past.series.len(), 2, "what was read besides is not told");
}

#[test]
fn the_known_part_of_a_sum_goes_on_where_the_sum_ends() {
    let mut store = Store::in_memory().unwrap();
    keep(&mut store, &sample(0, &[(Metric::UsdPerHour, 4.0)]));
    keep(&mut store, &sample(15, &[(Metric::PricedUsd, 1.0)]));
    let money = [Metric::PricedUsd, Metric::UsdPerHour];
    let past = store
        .past(&query(&money, span(0, 30), 2), &whose())
        .unwrap();
    assert_eq!(numbers(&past, Metric::UsdPerHour), [Some(4.0), None]);
    assert_eq!(numbers(&past, Metric::PricedUsd), [Some(4.0), Some(1.0)]);
    // In one step they are one mean, also when they are old.
    let whole_day = |store: &Store| {
        let asked = query(&[Metric::PricedUsd], span(0, 300), 1);
        store.past(&asked, &whose()).unwrap().series[0].points[0]
    };
    let fresh = whole_day(&store);
    assert_eq!((fresh.value, fresh.seen), (Some(1.75), 0.2));
    tidy(&mut store, at(4 * 86_400));
    let old = whole_day(&store);
    assert_eq!((old.value, old.seen), (Some(1.75), 0.2));
}

#[test]
fn what_a_time_cost_is_exact_wherever_it_begins() {
    let mut store = Store::in_memory().unwrap();
    for secs in (0..12 * 3600).step_by(30) {
        keep(&mut store, &sample(secs, &[(Metric::UsdPerHour, 3.6)]));
    }
    // As `cost` asks: a hundred steps, from any second to any other.
    for (from, until) in [(0, 36_000), (137, 34_207), (3599, 40_001), (20_000, 20_099)] {
        let asked = query(&SPENT_METRICS, span(from, until), 100);
        let past = store.past(&asked, &whose()).unwrap();
        let found = spent(&past);
        let exact = Usd::from_f64(3.6 / 3600.0 * f64::from(i32::try_from(until - from).unwrap()));
        let (told, exact) = (found.total.unwrap(), exact.unwrap());
        let differs = (told.as_f64() - exact.as_f64()).abs();
        assert!(
            differs < 0.000_1,
            "{told} told of {exact}, from {from} to {until}"
        );
        assert!(!found.is_partial());
    }
}

#[test]
fn a_time_that_begins_within_a_second_lacks_none_of_its_steps() {
    let mut store = Store::in_memory().unwrap();
    for secs in (0..4 * 3600).step_by(30) {
        keep(&mut store, &sample(secs, &[(Metric::UsdPerHour, 3.6)]));
    }
    let told = |since: Span| {
        let past = store.past(&query(&SPENT_METRICS, since, 24), &whose());
        spent(&past.unwrap())
    };
    let whole = span(3600, 10_800);
    let within = Span {
        from: whole.from + Duration::from_millis(500),
        until: whole.until + Duration::from_millis(900),
    };
    assert_eq!(told(within).total, told(whole).total);
    assert_eq!(told(within).seen, told(whole).seen);
}

#[test]
fn what_has_not_come_yet_was_not_seen_and_cost_nothing() {
    let mut store = Store::in_memory().unwrap();
    for secs in (0..=600).step_by(15) {
        keep(&mut store, &sample(secs, &[(Metric::UsdPerHour, 3.6)]));
    }
    // As a screen asks: to the end of the hour, so that the question stays the same.
    let asked = query(&SPENT_METRICS, span(0, 3600), 1);
    let told = |now| spent(&store.past_as_of(&asked, &whose(), now).unwrap());
    let found = told(at(605));
    assert_eq!(found.seen, Duration::from_secs(606), "the second has begun");
    assert_eq!(found.total, Usd::from_f64(0.606));
    // What was not seen after the newest sample stays so.
    assert_eq!(told(at(1200)).seen, Duration::from_secs(645));
}

#[test]
fn what_groups_do_all_day_pushes_out_no_interruption() {
    let mut store = Store::in_memory().unwrap();
    let other = PoolKey::new(SCOPE, "other");
    let marker = |secs: i64, pool: &PoolKey, kind, what: &str| {
        let marker = Marker {
            at: at(secs),
            pool: Some(pool.clone()),
            kind,
            what: what.to_owned(),
        };
        (
            ACCOUNT.to_owned(),
            format!("{kind:?} {secs} {pool}"),
            marker,
        )
    };
    keep(&mut store, &in_service(0, 1.0));
    let lost = "spot took back i-1 (c7i, a), 30 job-minutes lost";
    let mut marks = vec![marker(0, &workhorse(), MarkerKind::Interruption, lost)];
    marks.extend((1..6000).map(|it| marker(it, &other, MarkerKind::Activity, "Launching")));
    let elsewhere = PoolKey::new("prod/eu-west-1", "workhorse");
    marks.push(marker(9, &elsewhere, MarkerKind::Interruption, lost));
    store.mark(&marks).unwrap();
    for pool in [Some(workhorse()), None] {
        let asked = PastQuery {
            pool: pool.clone(),
            ..query(&[Metric::InService], span(0, 7000), 10)
        };
        let past = store.past(&asked, &whose()).unwrap();
        let is_taken = |it: &&Marker| it.kind == MarkerKind::Interruption;
        let taken: Vec<_> = past.markers.iter().filter(is_taken).collect();
        assert_eq!(taken.len(), 1, "{pool:?}: what is elsewhere is not ours");
        assert_eq!(taken[0].pool, Some(workhorse()));
        let is_cut = past.notes.iter().any(|it| it.contains("only the newest"));
        assert_eq!(is_cut, pool.is_none(), "{:?}", past.notes);
    }
}

#[test]
fn trends_of_many_pools_are_those_of_each() {
    let mut store = Store::in_memory().unwrap();
    let names: Vec<String> = (0..7).map(|it| format!("pool-{it}")).collect();
    // Half of the pools flap, all through a day; the newest of it is not in blocks yet.
    for secs in (0..86_400).step_by(300) {
        let values = |flaps: bool| {
            let n = if flaps && secs % 1200 == 0 { 8.0 } else { 4.0 };
            Values::from_iter([(Metric::Desired, n), (Metric::InService, 4.0)])
        };
        let pools = names.iter().enumerate();
        let pools = pools.map(|(idx, it)| (it.as_str().into(), values(idx % 2 == 0)));
        let sample = Sample {
            good_for: Duration::from_mins(5),
            pools: pools.collect(),
            ..in_service(secs, 28.0)
        };
        keep(&mut store, &sample);
    }
    tidy(&mut store, at(86_400));
    let pools: Vec<PoolKey> = names
        .iter()
        .map(|it| PoolKey::new(SCOPE, it.as_str()))
        .collect();
    let all = store.trends(&pools, &whose(), at(86_400));
    let flapping: Vec<&str> = all.iter().map(|it| it.pool.name.as_str()).collect();
    assert_eq!(flapping, ["pool-0", "pool-2", "pool-4", "pool-6"]);
    for pool in &pools {
        let asked = PastQuery {
            pool: Some(pool.clone()),
            metrics: TREND_METRICS.to_vec(),
            span: span(0, 86_400),
            n_points: 288,
        };
        let alone = trends(&store.past(&asked, &whose()).unwrap());
        let its: Vec<_> = all.iter().filter(|it| it.pool == *pool).cloned().collect();
        assert_eq!(its, alone);
    }
}
