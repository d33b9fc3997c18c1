//! How wide each column is, and which go first when there is no room.
//!
//! Widths do not follow the rows on the screen: a table that shifts with every
//! reading cannot be read, and repaints itself.

use crate::{
    fleet::{Align, Field, Observation},
    tui::{
        app::{List, Noun},
        widget::{Column, width_of},
    },
};

/// The column that is no field: the lifecycle bar of a pool.
pub(super) const BAR: &str = "bar";

/// What matters most on a narrow screen, by kind of list.
fn order(noun: Noun) -> &'static [&'static str] {
    match noun {
        Noun::Pools => &[
            "name",
            "desired",
            "in_service",
            "pending",
            "terminating",
            "busy",
            "queued",
            "idle",
            BAR,
            "outdated",
            "scope",
            "max",
            "min",
            "standby",
            "usd_per_hour",
        ],
        Noun::Instances => &[
            "id",
            "lifecycle",
            "work",
            "age",
            "az",
            "type",
            "pool",
            "market",
            "template_version",
            "protected",
        ],
        Noun::Executors => &[
            "name",
            "work",
            "for",
            "job",
            "ends_in",
            "cordoned",
            "seen",
            "pool",
            "instance",
            "slots",
            "controller",
        ],
        Noun::Queues => &["label", "length", "oldest", "why", "controller"],
        Noun::Findings => &["pool", "severity", "finding", "evidence", "fix"],
        Noun::Strays => &["kind", "name", "why", "for", "instance", "pool"],
        Noun::Activities => &["description", "started_at", "status", "pool", "message"],
        Noun::Operations => &[
            "kind",
            "pool",
            "state",
            "done",
            "why",
            "operation",
            "ends_in",
            "cost",
            "owner",
        ],
        Noun::Waiting | Noun::Messages | Noun::Sources => &[],
    }
}

/// Returns the columns of a list whose rows have no fields to choose from.
pub(super) fn plain_columns(list: &List, observation: &Observation, width: u16) -> Vec<Column> {
    let pool_width = observation
        .fleet
        .pools
        .keys()
        .map(|it| width_of(it.name.as_str()));
    let pool_width = pool_width.max().unwrap_or(8).clamp(8, 28);
    let parts: &[(&'static str, &str, u16)] = match list.noun {
        Noun::Waiting if list.within.is_some() => &[
            ("until", "ENDS IN", 7),
            ("instance", "INSTANCE", 19),
            ("why", "WHY", 30),
        ],
        Noun::Waiting => &[
            ("until", "ENDS IN", 7),
            ("pool", "POOL", pool_width),
            ("instance", "INSTANCE", 19),
            ("why", "WHY", 30),
        ],
        Noun::Sources => &[
            ("source", "SOURCE", 22),
            ("state", "STATE", 11),
            ("read", "READ", 8),
            ("age", "AGE", 6),
            ("every", "EVERY", 6),
            ("calls", "CALLS/MIN", 9),
            ("failure", "WHAT FAILS, AND WHEN IT IS TRIED AGAIN", 20),
        ],
        Noun::Messages => &[("at", "TIME", 8), ("text", "WHAT", 30)],
        Noun::Pools
        | Noun::Instances
        | Noun::Operations
        | Noun::Executors
        | Noun::Queues
        | Noun::Strays
        | Noun::Findings
        | Noun::Activities => &[],
    };
    let columns = parts.iter().map(|(name, title, width)| Column {
        name,
        title: (*title).to_owned(),
        width: *width,
        align: if matches!(*name, "until" | "age" | "every" | "calls") {
            Align::Right
        } else {
            Align::Left
        },
    });
    let order = match list.noun {
        Noun::Waiting => &["why", "pool", "until", "instance"][..],
        Noun::Sources => &["source", "state", "age", "failure", "read"][..],
        _ => &["text", "at"][..],
    };
    let mut columns = crate::tui::widget::fit(columns.collect(), width, order);
    stretch(&mut columns, width);
    columns
}

/// Returns the columns of a list that fit into `width` cells.
pub(super) fn columns(
    list: &List,
    names: &[&'static str],
    observation: &Observation,
    width: u16,
) -> Vec<Column> {
    let fields = list.noun.fields();
    let mut columns: Vec<Column> = names
        .iter()
        .filter_map(|name| fields.iter().find(|it| it.name == *name))
        .filter(|it| !is_plain_repetition(list, it, observation))
        .map(|it| column(it, list, observation))
        .collect();
    if list.noun == Noun::Pools {
        let at = columns
            .iter()
            .position(|it| it.name == "in_service")
            .map_or(columns.len(), |it| it + 1);
        columns.insert(
            at,
            Column {
                name: BAR,
                title: "LIFECYCLE".to_owned(),
                width: 12,
                align: Align::Left,
            },
        );
    }
    for column in &mut columns {
        if let Some(width) = width_where(list.noun, column, width) {
            column.width = width;
        }
    }
    let mut columns = crate::tui::widget::fit(columns, width, order(list.noun));
    stretch(&mut columns, width);
    columns
}

/// Returns how wide a column is on a screen of this width, where that is not what it is elsewhere.
fn width_where(noun: Noun, column: &Column, width: u16) -> Option<u16> {
    let at_most = |most: u16| Some(column.width.min(most));
    match (noun, column.name, width) {
        // A description is worth its place even when it is cut.
        (_, "description", 0..100) => Some(24),
        // Who it is must be there, even cut; why comes next, and needs the rest.
        (Noun::Strays, "name", 0..60) => at_most(13),
        (Noun::Strays, "name", 60..100) => at_most(20),
        // What is done where has to be there, and which one it is before all of its reason.
        (Noun::Operations, "pool" | "state", 0..60) | (Noun::Findings, "pool", 0..60) => {
            at_most(11)
        }
        (Noun::Operations, "pool", 60..100) => at_most(12),
        (Noun::Operations, "why", 0..100) | (Noun::Findings, "finding", 0..60) => at_most(16),
        (Noun::Operations, "why", 100..140) => at_most(24),
        // A command line is read whole or not at all.
        (Noun::Findings, "fix", 140..) => Some(44),
        _ => None,
    }
}

/// A column that would say the same in every row.
fn is_plain_repetition(list: &List, field: &Field, observation: &Observation) -> bool {
    match field.name {
        "pool" => list.within.is_some(),
        "scope" => list.noun == Noun::Pools && observation.fleet.scopes.len() < 2,
        _ => false,
    }
}

fn column(field: &Field, list: &List, observation: &Observation) -> Column {
    let longest = |texts: &mut dyn Iterator<Item = u16>, least: u16, most: u16| {
        texts.max().unwrap_or(least).clamp(least, most)
    };
    let fleet = &observation.fleet;
    let width = match field.name {
        "name" if list.noun != Noun::Pools => longest(
            &mut fleet.executors.iter().map(|it| width_of(&it.name)),
            8,
            30,
        ),
        "controller" => longest(
            &mut fleet
                .controllers
                .iter()
                .map(|it| width_of(it.name.as_str())),
            8,
            16,
        ),
        "name" | "pool" => longest(
            &mut fleet.pools.keys().map(|it| width_of(it.name.as_str())),
            8,
            28,
        ),
        "scope" => longest(
            &mut fleet.scopes.iter().map(|it| width_of(it.id.as_str())),
            6,
            20,
        ),
        "kind" if list.noun == Noun::Operations => 8,
        "state" if list.noun == Noun::Operations => 14,
        name => fixed_width(name),
    };
    let sorted = list.sort.filter(|it| it.field == field.name);
    let mark = sorted.map_or("", |it| if it.is_descending { "↓" } else { "↑" });
    let title = format!("{}{mark}", field.title);
    Column {
        name: field.name,
        width: width.max(width_of(&title)),
        title,
        align: field.align,
    }
}

/// Widths of what AWS writes; names of the operator's own are measured instead.
fn fixed_width(field: &str) -> u16 {
    match field {
        "description" => 51,
        "message" | "cause" | "why" | "evidence" | "note" | "url" => 30,
        "kind" => 24,
        "image" => 21,
        "operation" => 17,
        "done" => 5,
        "launched_at" | "ended_at" | "finding" | "fix" => 20,
        "id" | "instance" => 19,
        "status" | "template" | "labels" | "joined" | "suspended" | "zones" | "job" | "label" => 18,
        "lifecycle" | "state" | "owner" => 16,
        "address" | "public_address" => 15,
        "az" | "region" => 14,
        "account" => 12,
        "type" => 11,
        "machine" | "health" | "market" | "work" => 9,
        "started_at" | "usd_per_hour" | "waste_usd_per_hour" | "cost" => 8,
        "age" | "in_state" | "for" | "ends_in" | "seen" | "oldest" | "cordoned" | "length" => 6,
        _ => 4,
    }
}

/// Gives what is left to the column that has most to say.
fn stretch(columns: &mut [Column], width: u16) {
    let taken: u16 = columns.iter().map(|it| it.width + 1).sum::<u16>() + 1;
    let Some(left) = width.checked_sub(taken) else {
        return;
    };
    let hungry = [
        "message",
        "description",
        "cause",
        "job",
        "why",
        "evidence",
        "failure",
        "text",
        BAR,
    ];
    let found = hungry
        .iter()
        .find_map(|name| columns.iter().position(|it| it.name == *name));
    if let Some(column_idx) = found {
        let column = &mut columns[column_idx];
        column.width += if column.name == BAR {
            left.min(12)
        } else {
            left
        };
    }
}
