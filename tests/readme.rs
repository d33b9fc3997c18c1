//! The parts of the README that are derived: keys, commands, exit codes, IAM.
//! `SNAPSHOTS=overwrite cargo test --test readme` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fmt::Write as _, process::Command};

fn pooldeck(args: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pooldeck"))
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Compares the block between two markers, or writes it anew.
#[track_caller]
fn check_block(name: &str, expected: &str) {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = readme
        .find(&begin)
        .unwrap_or_else(|| panic!("README.md lacks {begin}"))
        + begin.len();
    let stop = start + readme[start..].find(&end).unwrap();
    if readme[start..stop] == *expected {
        return;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the convention of the other goldens"
    )]
    let overwrites = std::env::var("SNAPSHOTS").is_ok_and(|it| it == "overwrite");
    assert!(
        overwrites,
        "the block `{name}` of README.md is out of date; it should be:\n{expected}"
    );
    let fresh = format!("{}{expected}{}", &readme[..start], &readme[stop..]);
    std::fs::write("README.md", fresh).unwrap();
}

#[test]
fn the_readme_is_what_the_program_says() {
    check_block("keys", &keys());
    check_block("commands", &commands());
    check_block("exit-codes", &exit_codes());
    check_block("iam", &iam());
}

/// The keys of the default keymap that hold on every screen, by what they do.
fn keys() -> String {
    let printed = pooldeck(&["info", "--print-keys"]);
    let mut keys_of: BTreeMap<usize, (String, Vec<String>)> = BTreeMap::new();
    let mut seen: Vec<String> = Vec::new();
    let on_every_screen = printed.lines().skip(1).take_while(|it| it.starts_with(' '));
    for line in on_every_screen {
        let (keys, command) = line.trim().split_once("  ").unwrap();
        let command = command.trim();
        let command_idx = seen.iter().position(|it| it == command).unwrap_or_else(|| {
            seen.push(command.to_owned());
            seen.len() - 1
        });
        let entry = keys_of
            .entry(command_idx)
            .or_insert_with(|| (command.to_owned(), Vec::new()));
        entry.1.push(format!("`{}`", keys.replace('|', "\\|")));
    }
    let mut table = "| keys | command | what it does |\n|---|---|---|\n".to_owned();
    for (command, keys) in keys_of.values() {
        let about = command.parse::<pooldeck::tui::Command>().unwrap().about();
        writeln!(table, "| {} | `{command}` | {about} |", keys.join(", ")).unwrap();
    }
    table
}

fn commands() -> String {
    let help = pooldeck(&["--help"]);
    // The groups stand between the usage and the options.
    let start = help.find("\nLook:\n").unwrap() + 1;
    let list = help[start..].split("Options:").next().unwrap();
    let rows: Vec<&str> = list.trim_end().lines().collect();
    format!("```text\n{}\n```\n", rows.join("\n"))
}

fn exit_codes() -> String {
    let mut table = "| code | meaning |\n|---|---|\n".to_owned();
    for line in pooldeck::cli::EXIT_CODES.lines().skip(1) {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        writeln!(table, "| {code} | {meaning} |").unwrap();
    }
    table
}

/// What the AWS door reads with.
const READS: [&str; 16] = [
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeLifecycleHooks",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeWarmPool",
    "cloudwatch:GetMetricData",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeSpotPriceHistory",
    "ec2:GetConsoleOutput",
    "pricing:GetProducts",
    "sts:GetCallerIdentity",
];

/// The writes are read off the calls; the reads are those of the AWS door.
fn iam() -> String {
    let calls = include_str!("../src/fleet/call.rs");
    let words = calls.split('"').skip(1).step_by(2);
    let is_write = |it: &&str| it.starts_with("autoscaling:") || it.starts_with("ec2:");
    let mut writes: Vec<&str> = words.filter(is_write).collect();
    writes.sort_unstable();
    writes.push("cloudwatch:PutMetricData");
    writes.dedup();
    let list = |words: &[&str]| {
        words
            .iter()
            .map(|it| format!("        \"{it}\""))
            .collect::<Vec<_>>()
            .join(",\n")
    };
    format!(
        "```json\n{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {{\n      \"Sid\": \"Look\",\n      \
         \"Effect\": \"Allow\",\n      \"Resource\": \"*\",\n      \"Action\": [\n{}\n      ]\n    }},\n    {{\n      \
         \"Sid\": \"Act\",\n      \"Effect\": \"Allow\",\n      \"Resource\": \"*\",\n      \"Action\": [\n{}\n      ]\n    }}\n  ]\n}}\n```\n",
        list(&READS),
        list(&writes)
    )
}
