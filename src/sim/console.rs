//! The boot log that EC2 keeps of a machine.

use std::{fmt::Write, time::Duration};

use super::machine::Machine;
use crate::fleet::{Timestamp, short_duration};

/// EC2's copy of the console lags behind the machine.
const LAG: Duration = Duration::from_secs(40);

/// One line of a boot, and how many seconds after the launch it appears.
type Line = (u64, String);

/// Returns what EC2 kept, and when it took it; nothing for a machine that just came up.
pub(super) fn console(
    machine: &Machine,
    is_windows: bool,
    now: Timestamp,
) -> (String, Option<Timestamp>) {
    let Some(launched_at) = machine.row.launched_at.filter(|it| LAG < now.since(*it)) else {
        return (String::new(), None);
    };
    let taken_at = now - LAG;
    let mut lines = if is_windows {
        windows(machine, launched_at)
    } else {
        linux(machine)
    };
    lines.extend(agent(machine));
    let mut text = String::new();
    for (after, line) in lines {
        let at = launched_at + Duration::from_secs(4 + after);
        if at <= taken_at {
            writeln!(text, "{line}").expect("a String takes every line");
        }
    }
    if let Some(died_at) = machine.died_at.filter(|it| *it <= taken_at) {
        let up = short_duration(died_at.since(launched_at));
        writeln!(text, "[  OK  ] Reached target shutdown.target, up {up}")
            .expect("a String takes every line");
    }
    (text, Some(taken_at))
}

fn linux(machine: &Machine) -> Vec<Line> {
    let row = &machine.row;
    let host = row.private_dns.as_deref().unwrap_or("localhost");
    let image = row.image.as_ref().map_or("?", |it| it.as_str());
    let version = row.template_version.as_deref().unwrap_or("?");
    let line = |after, text: &str| (after, text.to_owned());
    vec![
        line(
            0,
            "[    0.000000] Linux version 6.8.0-1021-aws (buildd@lcy02) #23-Ubuntu SMP",
        ),
        (
            0,
            format!(
                "[    0.000000] DMI: Amazon EC2 {}/, BIOS 1.0 10/16/2017",
                row.instance_type
            ),
        ),
        line(
            1,
            "[    1.204331] EXT4-fs (nvme0n1p1): mounted filesystem with ordered data mode",
        ),
        (
            3,
            format!("[    3.871102] systemd[1]: Hostname set to <{host}>."),
        ),
        line(
            8,
            "cloud-init[612]: Cloud-init v. 24.4 running 'init-local'",
        ),
        (
            11,
            format!(
                "cloud-init[688]: instance {} image {image} template version {version}",
                row.id
            ),
        ),
        line(
            14,
            "cloud-init[731]: running 'modules:final': user-data begins with #!",
        ),
        line(
            16,
            "user-data: bootstrap 2025.11 from the pool's bucket, digest verified",
        ),
        line(24, "user-data: docker 27.3.1 is up"),
    ]
}

fn windows(machine: &Machine, launched_at: Timestamp) -> Vec<Line> {
    let row = &machine.row;
    let image = row.image.as_ref().map_or("?", |it| it.as_str());
    let stamped = |after: u64, text: String| {
        (
            after,
            format!("{}: {text}", launched_at + Duration::from_secs(4 + after)),
        )
    };
    vec![
        stamped(20, "EC2 Agent: Ec2Launch v2 service".to_owned()),
        stamped(21, "OS: Microsoft Windows NT 10.0.20348".to_owned()),
        stamped(40, format!("Launch: instance {} image {image}", row.id)),
        stamped(90, "Launch: Sys-prep in progress, one restart".to_owned()),
        stamped(200, "Message: Windows is Ready to use".to_owned()),
    ]
}

/// What the agent wrote: that it connected, or why it gave up.
fn agent(machine: &Machine) -> Vec<Line> {
    let line = |after, text: &str| (after, text.to_owned());
    if !machine.agents.is_empty() {
        return vec![
            line(
                38,
                "ci-agent: connected to the controller, waiting for jobs",
            ),
            line(39, "user-data: finished"),
        ];
    }
    if !machine.is_dud {
        return Vec::new();
    }
    let attempt = |n: u64| {
        (
            30 * n,
            format!("ci-agent: attempt {n}: controller answered 403 Forbidden, waiting 30s"),
        )
    };
    let mut lines: Vec<Line> = (1..=5).map(attempt).collect();
    lines.push(line(
        160,
        "user-data: the agent did not register, giving up (exit 1)",
    ));
    lines.push(line(160, "cloud-init[731]: part-001 failed: exit status 1"));
    lines
}
