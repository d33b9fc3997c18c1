//! What each verb asks for: the region that it starts in, and its plan, as an operator gets it.

use std::time::Duration;

use pooldeck::{
    action::{self, ActionLine, Policy},
    fleet::{
        Call, Capacity, Hook, HookResult, HookTransition, InstanceId, LaunchSource, Process,
        TemplateVersion,
    },
    operation::Spec,
    sim::{Deed, ImageTrait, LoadSpec, PoolSpec, Project, Scenario, World},
};

use crate::{
    bench::Driver,
    case::{Case, Room, START, key},
};

pub(crate) const OLD: &str = "ami-0a1d50c6f1f6b9d20";
pub(crate) const NEW: &str = "ami-0feedfacecafebeef";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Replace,
    Drain,
    Scale,
    Terminate,
    Force,
    Surge,
    TerminateFirst,
    /// One goes first and is watched, and the group names its template version.
    Canary,
    /// In stages, terminating first, and without a way back of its own.
    Staged,
    Rollback,
    Freeze,
    Refresh,
}

pub(crate) const VERBS: [(&str, Verb); 12] = [
    ("replace", Verb::Replace),
    ("drain", Verb::Drain),
    ("scale", Verb::Scale),
    ("terminate", Verb::Terminate),
    ("force", Verb::Force),
    ("surge", Verb::Surge),
    ("terminate-first", Verb::TerminateFirst),
    ("canary", Verb::Canary),
    ("staged", Verb::Staged),
    ("rollback", Verb::Rollback),
    ("freeze", Verb::Freeze),
    ("refresh", Verb::Refresh),
];

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        let named = VERBS.iter().find(|it| it.1 == self);
        named.expect("every verb has a name").0
    }

    pub(crate) fn is_roll(self) -> bool {
        matches!(
            self,
            Self::Surge | Self::TerminateFirst | Self::Canary | Self::Staged | Self::Rollback
        )
    }

    /// Returns whether it goes by the names of instances.
    pub(crate) fn is_drain(self) -> bool {
        !self.is_roll() && !matches!(self, Self::Freeze | Self::Refresh)
    }
}

impl Case {
    pub(crate) fn world(&self) -> World {
        // All members of a roll go, so fewer make as many steps.
        let desired = if self.verb.is_roll() { 4 } else { 6 };
        let capacity = Capacity {
            desired,
            min: 1,
            max: match self.room {
                Room::None => desired,
                Room::One => desired + 1,
                Room::Plenty => 12,
            },
        };
        let mut pool = PoolSpec::group("linux", "us-east-1", capacity);
        pool.is_spot = self.has("spot");
        if self.faults.is_empty() && self.verb.is_drain() {
            // Zones even out by themselves, now or later; calm cases are compared with each other.
            pool.suspended.push(Process::AzRebalance);
        }
        if matches!(self.verb, Verb::Rollback | Verb::Refresh) {
            pool.images = vec![OLD.into(), NEW.into()];
        }
        if self.verb == Verb::Refresh {
            pool.n_outdated = desired;
            pool.host.answers_hooks = true;
        }
        if self.has_hook {
            let timeout = Duration::from_mins(5);
            let transition = HookTransition::Terminating;
            pool.hooks
                .push(Hook::new("drain", transition, timeout, HookResult::Abandon));
        }
        let load = LoadSpec {
            label: "linux".to_owned(),
            projects: vec![Project::new("api/tests", 60, 1200)],
            jobs_per_hour: 30,
            night_percent: 100,
            ..LoadSpec::default()
        };
        pool.host.n_agents = self.n_agents;
        let mut scenario = Scenario::of(vec![pool], vec![load]);
        for controller in &mut scenario.controllers {
            controller.grade = self.grade;
        }
        let mut world = World::new(self.seed, scenario, START);
        world.advance(Duration::from_mins(20));
        if self.has("mute-image") {
            world.set_image(NEW.into(), ImageTrait::NeverRegisters);
        }
        if self.has("lost-image") {
            world.set_image(NEW.into(), ImageTrait::Gone);
        }
        if self.verb == Verb::Canary {
            names_its_version(&mut world);
        }
        world
    }

    /// Plans the verb as an operator would, on a reading of the calm world.
    pub(crate) fn spec(&self, world: World) -> (World, Spec) {
        let placeholder = Spec::Drain(crate::drains::drain(Vec::new(), true));
        let mut reader = Driver::new(world, placeholder, 0);
        let fleet = reader.read();
        let world = reader.world;
        let line: ActionLine = self.line(&world).parse().unwrap();
        let policy = Policy::default();
        let plan = action::plan(&line.action, line.reason.as_deref(), &fleet, &policy);
        let spec = plan.unwrap().operation.unwrap();
        (world, spec)
    }

    /// Returns what an operator types.
    fn line(&self, world: &World) -> String {
        let pool = key();
        let counted = world.members(&pool).filter(|it| it.is_counted());
        let members: Vec<InstanceId> = counted.map(|it| it.id().clone()).collect();
        let idle = members.iter().filter(|it| world.jobs_on(it).is_empty());
        let idle: Vec<&InstanceId> = idle.collect();
        let all: Vec<&InstanceId> = members.iter().collect();
        let n = self.n_targets;
        let named = |ids: &[&InstanceId]| {
            let ids = ids.iter().take(n).map(ToString::to_string);
            ids.collect::<Vec<_>>().join(" ")
        };
        match self.verb {
            Verb::Replace => format!("drain {} --replace", named(&all)),
            Verb::Terminate if !idle.is_empty() => format!("terminate {}", named(&idle)),
            Verb::Drain | Verb::Terminate => format!("drain {}", named(&all)),
            Verb::Scale => format!("scale linux {}", 6 - n),
            Verb::Force => format!("terminate {} --force --reason test", named(&all)),
            Verb::Surge => format!("reami linux {NEW} --canary 0 --batch {n}"),
            Verb::TerminateFirst => {
                format!("reami linux {NEW} --strategy terminate-first --canary 0 --batch {n}")
            }
            Verb::Canary => format!("reami linux {NEW} --canary 1 --bake 5m --batch {n}"),
            Verb::Staged => format!(
                "reami linux {NEW} --strategy terminate-first --on-failure hold --canary 1 --bake 2m --batch {n} \
                 --checkpoints 50,100 --checkpoint-delay 10m"
            ),
            Verb::Rollback => format!("rollback linux --to 1 --bake 3m --batch {n}"),
            Verb::Freeze => format!("freeze linux --for {}m", 10 * n),
            Verb::Refresh => {
                let force = if self.has_hook {
                    ""
                } else {
                    " --force --reason test"
                };
                let stages = if n == 1 {
                    ""
                } else {
                    " --checkpoints 50,100 --checkpoint-delay 5m"
                };
                format!(
                    "refresh start linux --template-version 2 --min-healthy 50 --protected ignore \
                     --standby ignore{stages}{force}"
                )
            }
        }
    }
}

/// A group that says a number instead of `$Latest` has to be pointed at a new version.
fn names_its_version(world: &mut World) {
    let version = TemplateVersion {
        id: None,
        name: "linux".to_owned(),
        version: "1".to_owned(),
    };
    let source = LaunchSource::Template(version);
    let call = Call::LaunchFrom {
        pool: key(),
        source,
    };
    world.meddle(&Deed::Call(call)).unwrap();
}
