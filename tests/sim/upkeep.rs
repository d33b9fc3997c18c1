//! The writes about what a group does by itself: hooks, protection, retention, tags, refresh.

use std::time::Duration;

use pooldeck::{
    fleet::{
        Call, FailureKind, Hook, HookResult, HookTransition, Lifecycle, Pool, RefreshStatus,
        RefreshTerms, Reluctance, TemplateVersion,
    },
    sim::World,
};

use crate::common::{first, key, lifecycle, n_in, path, quiet, wait_for};

fn row(world: &World) -> &Pool {
    &world.group(&key()).unwrap().row
}

fn terminating(timeout: Duration) -> Call {
    let transition = HookTransition::Terminating;
    Call::PutHook {
        pool: key(),
        hook: Hook::new("down", transition, timeout, HookResult::Abandon),
    }
}

#[test]
fn a_pool_that_was_hardened_keeps_what_it_would_have_lost() {
    let mut world = quiet(|_| ());
    for call in [
        terminating(Duration::from_mins(5)),
        Call::RetainAbandoned {
            pool: key(),
            retain: true,
        },
        Call::ProtectNewInstances {
            pool: key(),
            protected: true,
        },
    ] {
        world.apply(&call).unwrap();
    }
    let id = first(&world);
    let terminate = Call::TerminateInstance {
        pool: key(),
        instance: id.clone(),
        decrement: false,
    };
    world.apply(&terminate).unwrap();
    let states = path(&mut world, &id, 3600);
    assert_eq!(
        states,
        ["Terminating", "Terminating:Wait", "Terminating:Retained"]
    );
    let is_new = |it: &&pooldeck::sim::Machine| it.row.protected;
    assert_eq!(
        world.members(&key()).filter(is_new).count(),
        1,
        "the replacement"
    );
    assert_eq!(n_in(&world, &Lifecycle::InService), 6);
}

#[test]
fn a_hook_that_is_deleted_lets_go_of_who_it_held() {
    let mut world = quiet(|_| ());
    world.apply(&terminating(Duration::from_hours(1))).unwrap();
    let id = first(&world);
    let terminate = Call::TerminateInstance {
        pool: key(),
        instance: id.clone(),
        decrement: true,
    };
    world.apply(&terminate).unwrap();
    wait_for(&mut world, 600, "the wait", |it| {
        lifecycle(it, &id) == Some(Lifecycle::TerminatingWait)
    });
    let delete = Call::DeleteHook {
        pool: key(),
        hook: "down".to_owned(),
    };
    world.apply(&delete).unwrap();
    wait_for(&mut world, 600, "its end", |it| {
        lifecycle(it, &id).is_none()
    });
    assert!(row(&world).hooks.is_empty());
    let error = world.apply(&delete).unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid, "{error}");
    let error = world.apply(&terminating(Duration::from_secs(5)));
    assert!(error.unwrap_err().what.contains("between 30 and 7200"));
}

#[test]
fn a_tag_of_a_pool_is_taken_away_again() {
    let mut world = quiet(|_| ());
    let tag = Call::TagPool {
        pool: key(),
        key: "owner".to_owned(),
        value: "build".to_owned(),
        propagate: false,
    };
    let untag = Call::UntagPool {
        pool: key(),
        key: "owner".to_owned(),
    };
    world.apply(&tag).unwrap();
    assert_eq!(row(&world).tags["owner"], "build");
    world.apply(&untag).unwrap();
    assert!(!row(&world).tags.contains_key("owner"));
    world.apply(&untag).unwrap();
}

#[test]
fn a_refresh_is_started_turned_round_and_cancelled_by_calls() {
    let mut world = quiet(|it| {
        it.images = vec!["ami-1".into(), "ami-2".into()];
        it.n_outdated = 6;
    });
    let start = |version: &str| Call::StartRefresh {
        pool: key(),
        terms: Box::new(RefreshTerms {
            template: Some(TemplateVersion {
                id: None,
                name: "linux".to_owned(),
                version: version.to_owned(),
            }),
            protected: Reluctance::Ignore,
            skip_matching: true,
            ..RefreshTerms::default()
        }),
    };
    for unknown in ["9", "$Latest"] {
        let error = world.apply(&start(unknown)).unwrap_err();
        assert!(error.what.contains("does not exist"), "{error}");
    }
    world.apply(&start("2")).unwrap();
    let refresh = row(&world).refresh.clone().unwrap();
    assert_eq!(refresh.version.as_deref(), Some("2"));
    assert_eq!(refresh.on_protected, Some(Reluctance::Ignore));
    let error = world.apply(&start("2")).unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict, "{error}");

    let rolls = |it: &World| row(it).refresh.as_ref().unwrap().percent_complete > Some(30);
    wait_for(&mut world, 3600, "a third", rolls);
    world.apply(&Call::RollbackRefresh { pool: key() }).unwrap();
    let status = |it: &World| row(it).refresh.as_ref().unwrap().status.clone();
    wait_for(&mut world, 7200, "the way back", |it| {
        status(it) == RefreshStatus::RollbackSuccessful
    });
    world.apply(&start("2")).unwrap();
    world.apply(&Call::CancelRefresh { pool: key() }).unwrap();
    wait_for(&mut world, 3600, "the end", |it| {
        status(it) == RefreshStatus::Cancelled
    });
    let error = world.apply(&Call::CancelRefresh { pool: key() });
    assert_eq!(error.unwrap_err().kind, FailureKind::NotFound);
}
