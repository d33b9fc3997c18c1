//! What EC2 says of the machines: asked by filter, only for those that are unknown or in motion.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_ec2::types::{Filter, Instance};
use futures_util::{StreamExt, stream};

use super::{
    errors::refuse,
    groups::Member,
    open::Clients,
    pages::{Page, Walk, walk},
    words::{tags, text, timestamp},
};
use crate::{
    cloud::Error,
    fleet::{Health, ImageId, InstanceId, Lifecycle, MachineState, Market, Timestamp},
};

/// EC2 takes this many values in one filter.
const N_IDS_PER_CALL: usize = 200;
const PAGE_SIZE: i32 = 1000;
const N_PARALLEL: usize = 8;
/// A machine that rests is looked at again after this: someone may have tagged it.
const MAX_AGE: Duration = Duration::from_mins(10);

/// After a write of ours a machine is looked at in each reading for this long.
const SETTLE: Duration = Duration::from_secs(15);

/// The tag that Auto Scaling puts on the members of a group.
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// A machine as EC2 says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Machine {
    pub(super) state: MachineState,
    pub(super) state_reason: Option<String>,
    pub(super) instance_type: String,
    pub(super) zone: String,
    pub(super) market: Market,
    pub(super) platform: Option<String>,
    pub(super) image: Option<ImageId>,
    pub(super) launched_at: Option<Timestamp>,
    pub(super) private_address: Option<String>,
    pub(super) public_address: Option<String>,
    pub(super) private_dns: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

impl Machine {
    pub(super) fn is_member(&self) -> bool {
        self.tags.contains_key(GROUP_TAG)
    }
}

/// The machines that we know, and for which state of their membership we read them.
#[derive(Debug, Default)]
pub(super) struct Machines {
    known: HashMap<InstanceId, Known>,
    /// Machines that we wrote to, and until when EC2 may still show them as they were.
    settling: HashMap<InstanceId, Timestamp>,
}

#[derive(Debug)]
struct Known {
    machine: Machine,
    read_at: Timestamp,
    /// What the group said when EC2 was asked.
    read_for: Option<(Lifecycle, Option<Health>)>,
}

impl Machines {
    pub(super) fn get(&self, id: &InstanceId) -> Option<&Machine> {
        self.known.get(id).map(|it| &it.machine)
    }

    /// Asks for these again for a while: EC2's reads lag behind its writes.
    pub(super) fn settle(&mut self, ids: Vec<InstanceId>, now: Timestamp) {
        self.settling.retain(|_, until| now < *until);
        let until = now + SETTLE;
        self.settling.extend(ids.into_iter().map(|it| (it, until)));
    }

    pub(super) fn retain(&mut self, is_wanted: impl Fn(&InstanceId) -> bool) {
        self.known.retain(|id, _| is_wanted(id));
    }

    /// Returns whether EC2 may say something else of this member than it last did.
    pub(super) fn is_changing(&self, member: &Member, now: Timestamp) -> bool {
        let Some(known) = self.known.get(&member.id) else {
            return true;
        };
        if self.settling.get(&member.id).is_some_and(|it| now < *it) {
            return true;
        }
        let says = (member.lifecycle.clone(), member.health.clone());
        known.read_for.as_ref() != Some(&says) || !is_at_rest(member, &known.machine.state)
    }

    /// Returns the members at rest that were not looked at for long, the oldest first.
    pub(super) fn oldest<'a>(
        &self,
        members: impl Iterator<Item = &'a Member>,
        now: Timestamp,
    ) -> Vec<&'a Member> {
        let mut old: Vec<(Timestamp, &Member)> = members
            .filter_map(|it| Some((self.known.get(&it.id)?.read_at, it)))
            .filter(|(read_at, _)| MAX_AGE <= now.since(*read_at))
            .collect();
        old.sort_by_key(|(read_at, _)| *read_at);
        old.truncate(N_IDS_PER_CALL);
        old.into_iter().map(|(_, it)| it).collect()
    }

    /// Asks EC2 for these members. One that it does not show (yet) keeps its last facts.
    pub(super) async fn read(
        &mut self,
        clients: &Clients,
        members: &[Member],
        now: Timestamp,
    ) -> Vec<Error> {
        let mut errors = Vec::new();
        let by_id: HashMap<&InstanceId, &Member> = members.iter().map(|it| (&it.id, it)).collect();
        let ids = |it: &[Member]| it.iter().map(|it| it.id.to_string()).collect();
        let chunks: Vec<Vec<String>> = members.chunks(N_IDS_PER_CALL).map(ids).collect();
        let mut walks = stream::iter(chunks)
            .map(|ids| describe(clients, vec![filter("instance-id", ids)]))
            .buffer_unordered(N_PARALLEL);
        while let Some(walk) = walks.next().await {
            for (id, machine) in walk.rows {
                let read_for = by_id.get(&id);
                let read_for = read_for.map(|it| (it.lifecycle.clone(), it.health.clone()));
                self.keep(id, machine, read_for, now);
            }
            errors.extend(walk.failure);
        }
        errors
    }

    /// Takes what a walk by tag saw; it refreshes members too.
    pub(super) fn take(&mut self, rows: Vec<(InstanceId, Machine)>, now: Timestamp) {
        for (id, machine) in rows {
            let read_for = self.known.get(&id).and_then(|it| it.read_for.clone());
            self.keep(id, machine, read_for, now);
        }
    }

    fn keep(
        &mut self,
        id: InstanceId,
        machine: Machine,
        read_for: Option<(Lifecycle, Option<Health>)>,
        read_at: Timestamp,
    ) {
        let known = Known {
            machine,
            read_at,
            read_for,
        };
        self.known.insert(id, known);
    }
}

/// Decides whether nothing is under way: then only a slow look is worth a call.
fn is_at_rest(member: &Member, state: &MachineState) -> bool {
    match member.lifecycle {
        Lifecycle::InService | Lifecycle::Standby | Lifecycle::WarmedRunning => {
            *state == MachineState::Running
        }
        Lifecycle::WarmedStopped | Lifecycle::WarmedHibernated => *state == MachineState::Stopped,
        Lifecycle::TerminatingRetained | Lifecycle::WarmedTerminatingRetained => {
            !matches!(state, MachineState::Pending | MachineState::ShuttingDown)
        }
        _ => false,
    }
}

/// Lists the machines that carry the pool's tag and still exist, members or not.
pub(super) async fn tagged(clients: &Clients, tag: &str) -> Walk<(InstanceId, Machine)> {
    let states = ["pending", "running", "stopping", "stopped", "shutting-down"];
    let states = states.map(str::to_owned).to_vec();
    let filters = vec![
        filter("tag-key", vec![tag.to_owned()]),
        filter("instance-state-name", states),
    ];
    describe(clients, filters).await
}

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

async fn describe(clients: &Clients, filters: Vec<Filter>) -> Walk<(InstanceId, Machine)> {
    const WHAT: &str = "read the instances";
    walk(WHAT, |token| async {
        let request = clients
            .ec2
            .describe_instances()
            .set_filters(Some(filters.clone()))
            .max_results(PAGE_SIZE)
            .set_next_token(token);
        let answer = request.send().await.map_err(|error| refuse(WHAT, &error))?;
        // One reservation holds all instances of one launch.
        let reservations = answer.reservations.unwrap_or_default();
        let instances = reservations
            .iter()
            .flat_map(aws_sdk_ec2::types::Reservation::instances);
        Ok(Page {
            rows: instances.filter_map(machine).collect(),
            next: answer.next_token,
        })
    })
    .await
}

fn machine(it: &Instance) -> Option<(InstanceId, Machine)> {
    let id = InstanceId::from(it.instance_id()?);
    let state = it.state().and_then(|it| it.name())?;
    let reason = it.state_reason();
    let machine = Machine {
        state: MachineState::from(state.as_str()),
        state_reason: reason
            .and_then(|it| text(it.code()).or_else(|| text(it.message())))
            .or_else(|| text(it.state_transition_reason())),
        instance_type: it.instance_type().map_or("", |it| it.as_str()).to_owned(),
        zone: it
            .placement()
            .and_then(|it| it.availability_zone())
            .unwrap_or_default()
            .to_owned(),
        // EC2 leaves it out for on-demand.
        market: it
            .instance_lifecycle()
            .map_or(Market::OnDemand, |it| Market::from(it.as_str())),
        // `platform` is the older word: it says `windows`, or nothing.
        platform: text(it.platform_details()).or_else(|| {
            let is_windows = it.platform().is_some();
            Some(if is_windows { "Windows" } else { "Linux/UNIX" }.to_owned())
        }),
        image: text(it.image_id()).map(ImageId::from),
        launched_at: it.launch_time().and_then(timestamp),
        private_address: text(it.private_ip_address()),
        public_address: text(it.public_ip_address()),
        private_dns: text(it.private_dns_name()),
        tags: tags(it.tags().iter().map(|it| (it.key(), it.value()))),
    };
    Some((id, machine))
}
