//! What is typed wrong is answered by name, before anything is read.

use snapbox::str;

use crate::sandbox::{Sandbox, check};

#[test]
fn an_unknown_command() {
    check(
        "instnces --demo",
        str![[r#"
$ pooldeck instnces --demo
--- stderr
error: unrecognized subcommand 'instnces'

  tip: a similar subcommand exists: 'instances'

Usage: pooldeck [OPTIONS] [COMMAND]

For more information, try '--help'.
--- exit code 2

"#]],
    );
}

#[test]
fn an_unknown_column() {
    check(
        "pools --demo --columns name,desird",
        str![[r#"
$ pooldeck pools --demo --columns name,desird
--- stderr
error: --columns: a pool has no field `desird`; did you mean `desired`?
hint: the fields of a pool are name, scope, kind, desired, min, max, in_service, pending, terminating, standby, waiting, busy, idle, queued, outdated, image, template, type, zones, suspended, frozen, label, account, region, production, usd_per_hour, waste_usd_per_hour, price_source
--- exit code 2

"#]],
    );
}

#[test]
fn an_unknown_field_to_sort_by() {
    check(
        "instances --demo --sort lanched_at",
        str![[r#"
$ pooldeck instances --demo --sort lanched_at
--- stderr
error: --sort: an instance has no field `lanched_at`; did you mean `launched_at`?
hint: the fields of an instance are id, pool, scope, lifecycle, state, machine, health, work, job, type, az, market, image, template_version, age, in_state, launched_at, address, public_address, name, protected, outdated, spot, cordoned, waiting, checks, event, region, platform, usd_per_hour, waste_usd_per_hour, use, price_source, price_at
--- exit code 2

"#]],
    );
}

#[test]
fn a_filter_that_makes_no_sense() {
    check(
        "instances --demo --filter 'age>old'",
        str![[r#"
$ pooldeck instances --demo --filter 'age>old'
--- stderr
error: filter `age>old`: `old` cannot be ordered; give a number, an age such as 2h, or a time such as 2026-01-31T12:00:00Z
hint: the fields of an instance are id, pool, scope, lifecycle, state, machine, health, work, job, type, az, market, image, template_version, age, in_state, launched_at, address, public_address, name, protected, outdated, spot, cordoned, waiting, checks, event, region, platform, usd_per_hour, waste_usd_per_hour, use, price_source, price_at
--- exit code 2

"#]],
    );
}

#[test]
fn a_pool_that_does_not_exist() {
    check(
        "instances wrkhorse --demo --speed 0",
        str![[r#"
$ pooldeck instances wrkhorse --demo --speed 0
--- stderr
error: no pool is called `wrkhorse`
hint: did you mean `workhorse`?
--- exit code 3

"#]],
    );
}

#[test]
fn a_pattern_that_matches_nothing() {
    check(
        "pools 'zz*' --demo --speed 0",
        str![[r#"
$ pooldeck pools 'zz*' --demo --speed 0
--- stderr
error: no pool is called `zz*`
hint: there are arm-linux, browsers, gpu, ios, release, windows, workhorse
--- exit code 3

"#]],
    );
}

#[test]
fn flags_that_do_not_go_together() {
    check(
        "pools --seed 3",
        str![[r#"
$ pooldeck pools --seed 3
--- stderr
error: --seed and --speed belong to --demo

Usage: pooldeck [OPTIONS] [COMMAND]

For more information, try '--help'.
--- exit code 2

"#]],
    );
    check(
        "pools --demo --read-only --write",
        str![[r#"
$ pooldeck pools --demo --read-only --write
--- stderr
error: --read-only and --write exclude each other

Usage: pooldeck [OPTIONS] [COMMAND]

For more information, try '--help'.
--- exit code 2

"#]],
    );
    check(
        "pools --demo -o json --columns name",
        str![[r#"
$ pooldeck pools --demo -o json --columns name
--- stderr
error: --columns is for -o table and -o csv
hint: json always has every field; pick some with a tool such as jq
--- exit code 2

"#]],
    );
    check(
        "pools --demo -o csv --watch",
        str![[r#"
$ pooldeck pools --demo -o csv --watch
--- stderr
error: csv cannot be watched: it has no end of a reading
hint: -o ndjson --watch writes one line per change
--- exit code 2

"#]],
    );
}

#[test]
fn an_action_without_its_words() {
    check(
        "scale --demo",
        str![[r#"
$ pooldeck scale --demo
--- stderr
error: scale needs a pool; name it, or select one
hint: `pooldeck scale --help` shows how it is written
--- exit code 2

"#]],
    );
    check(
        "protect i-xyz --demo",
        str![[r#"
$ pooldeck protect i-xyz --demo
--- stderr
error: invalid value 'i-xyz' for '[INSTANCE]...': `i-xyz` is not an instance id; it looks like i-0123456789abcdef0

For more information, try '--help'.
--- exit code 2

"#]],
    );
}

#[test]
fn a_page_that_does_not_exist() {
    check(
        "man scael",
        str![[r#"
$ pooldeck man scael
--- stderr
error: there is no command `scael`
hint: did you mean `scale`?
--- exit code 2

"#]],
    );
}

/// Runs `pools --demo` with a configuration, and calls the home directory `~`.
#[track_caller]
fn check_configured(text: &str, line: &str, expected: impl snapbox::IntoData) {
    let sandbox = Sandbox::new();
    sandbox.configure(text);
    let said = sandbox.run(line);
    let said = said.replace(&sandbox.home().display().to_string(), "~");
    snapbox::assert_data_eq!(said, expected.into_data().raw());
}

#[test]
fn a_configuration_is_wrong_by_file_line_and_key() {
    check_configured(
        "\nthem = \"dark\"\n",
        "pools --demo",
        str![[r#"
$ pooldeck pools --demo
--- stderr
error: ~/.config/pooldeck/config.toml:2: unknown field `them`, expected one of `theme`, `keymap`, `refresh`, `on_quit`, `scope`, `controller`, `pool`, `guardrail`, `proof`, `cost`, `history`, `metrics`; did you mean `theme`?
    them = "dark"
--- exit code 2

"#]],
    );
    check_configured(
        "[[guardrail]]\nactions = [\"scael\"]\n",
        "pools --demo",
        str![[r#"
$ pooldeck pools --demo
--- stderr
error: ~/.config/pooldeck/config.toml:2: no action is called `scael`; did you mean `scale`?
    actions = ["scael"]
--- exit code 2

"#]],
    );
    check_configured(
        "",
        "pools --demo --config nowhere.toml",
        str![[r#"
$ pooldeck pools --demo --config nowhere.toml
--- stderr
error: nowhere.toml: cannot be read: No such file or directory (os error 2)
--- exit code 2

"#]],
    );
}

#[test]
fn a_theme_or_keymap_that_is_not_there() {
    check_configured(
        "theme = \"drak\"",
        "--demo",
        str![[r#"
$ pooldeck --demo
--- stderr
error: ~/.config/pooldeck/config.toml:1: theme: no theme is called `drak`; did you mean `dark`?
--- exit code 2

"#]],
    );
    check_configured(
        "keymap = \"vmi-like\"",
        "info",
        str![[r#"
$ pooldeck info
--- stderr
error: ~/.config/pooldeck/config.toml:1: keymap: no keymap is called `vmi-like`; did you mean `vim-like`?
--- exit code 2

"#]],
    );
    check_configured(
        "theme = \"light\"",
        "--demo --theme drak",
        str![[r#"
$ pooldeck --demo --theme drak
--- stderr
error: --theme: no theme is called `drak`; did you mean `dark`?
--- exit code 2

"#]],
    );
}
