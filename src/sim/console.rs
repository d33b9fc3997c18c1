//! The boot log that EC2 keeps of a machine.

use std::{fmt::Write, time::Duration};

use super::machine::Machine;
use crate::fleet::{Timestamp, short_duration};

/// EC2's copy of the console lags behind the machine.
const LAG: Duration = Duration::from_secs(40);

/// Returns what EC2 kept, and when it took it; nothing for a machine that just came up.
pub(super) fn console(machine: &Machine, now: Timestamp) -> (String, Option<Timestamp>) {
    let row = &machine.row;
    let Some(launched_at) = row.launched_at.filter(|it| LAG < now.since(*it)) else {
        return (String::new(), None);
    };
    let taken_at = now - LAG;
    let host = row.private_dns.as_deref().unwrap_or("localhost");
    let image = row.image.as_ref().map_or("?", |it| it.as_str());
    let version = row.template_version.as_deref().unwrap_or("?");
    let mut lines = vec![
        (
            0,
            "[    0.000000] Linux version 6.8.0-1021-aws (buildd@lcy02) #23-Ubuntu SMP".to_owned(),
        ),
        (
            0,
            format!(
                "[    0.000000] DMI: Amazon EC2 {}/, BIOS 1.0 10/16/2017",
                row.instance_type
            ),
        ),
        (
            1,
            "[    1.204331] EXT4-fs (nvme0n1p1): mounted filesystem with ordered data mode"
                .to_owned(),
        ),
        (
            3,
            format!("[    3.871102] systemd[1]: Hostname set to <{host}>."),
        ),
        (
            8,
            "cloud-init[612]: Cloud-init v. 24.4 running 'init-local'".to_owned(),
        ),
        (
            11,
            format!(
                "cloud-init[688]: instance {} image {image} template version {version}",
                row.id
            ),
        ),
        (
            14,
            "cloud-init[731]: running 'modules:final': user-data begins with #!".to_owned(),
        ),
        (
            16,
            "user-data: bootstrap 2025.11 from the pool's bucket, digest verified".to_owned(),
        ),
        (24, "user-data: docker 27.3.1 is up".to_owned()),
    ];
    if !machine.agents.is_empty() {
        lines.push((
            38,
            "ci-agent: connected to the controller, waiting for jobs".to_owned(),
        ));
        lines.push((
            39,
            "cloud-init[731]: finished, datasource DataSourceEc2Local".to_owned(),
        ));
    } else if machine.is_dud {
        for attempt in 1..=5_u64 {
            lines.push((
                30 * attempt,
                format!(
                    "ci-agent: attempt {attempt}: controller answered 403 Forbidden, waiting 30s"
                ),
            ));
        }
        lines.push((
            160,
            "user-data: the agent did not register, giving up (exit 1)".to_owned(),
        ));
        lines.push((
            160,
            "cloud-init[731]: part-001 failed: exit status 1".to_owned(),
        ));
    }
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
