//! Actions from the command line: plans, refusals, results and their codes.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use snapbox::{IntoData as _, str};

use crate::sandbox::{Sandbox, check};

#[test]
fn a_dry_run_shows_the_plan_and_does_nothing() {
    let sandbox = Sandbox::new();
    let said = sandbox.run("scale release +5 --max 20 --dry-run --demo --speed 0");
    snapbox::assert_data_eq!(
        said,
        str![[r#"
$ pooldeck scale release +5 --max 20 --dry-run --demo --speed 0
scale release +5 --max 20
  pool      demo/us-east-1/release, account 123456789012 as ci-operator, production
  change    max 12 -> 20
  change    desired 8 -> 13
  cost      +$1.01 an hour, from $1.81 to $2.82
  call      autoscaling:UpdateAutoScalingGroup group=release max=20
  call      autoscaling:SetDesiredCapacity group=release desired=13

"#]]
        .raw()
    );
    assert!(
        !sandbox
            .home()
            .join(".local/state/pooldeck/demo/audit.jsonl")
            .exists()
    );
}

#[test]
fn a_dry_run_in_json() {
    check(
        "protect i-09d55893f9cc10228 --dry-run -o json --demo --speed 0",
        str![[r#"
$ pooldeck protect i-09d55893f9cc10228 --dry-run -o json --demo --speed 0
{
  "version": 1,
  "at": "2026-03-02T09:30:00Z",
  "command_line": "protect i-09d55893f9cc10228",
  "reason": null,
  "outcome": "planned",
  "exit_code": 0,
  "why": [],
  "plan": {
    "command_line": "protect i-09d55893f9cc10228",
    "verb": "protect",
    "calls": [
      {
        "operation": "autoscaling:SetInstanceProtection",
        "parameters": "group=workhorse instances=i-09d55893f9cc10228 protected=true",
        "source": "demo/us-east-1",
        "instances": [
          "i-09d55893f9cc10228"
        ]
      }
    ],
    "conditional_calls": [],
    "targets": [
      {
        "pool": "workhorse",
        "scope": "demo/us-east-1",
        "instances": [
          "i-09d55893f9cc10228"
        ]
      }
    ],
    "changes": [
      {
        "pool": "workhorse",
        "scope": "demo/us-east-1",
        "what": "protected",
        "from": "false",
        "to": "true"
      }
    ],
    "usd_per_hour": null,
    "jobs_at_risk": [],
    "warnings": [],
    "destructive": false,
    "confirmation": "yes-no",
    "guardrail": null
  },
  "calls": [],
  "instances": [],
  "operation": null,
  "operation_at_end": null
}

"#]],
    );
}

#[test]
fn without_a_terminal_nothing_is_done_unasked() {
    check(
        "scale release 9 --demo --speed 0",
        str![[r#"
$ pooldeck scale release 9 --demo --speed 0
--- stderr
error: scale asks before it acts, and there is no terminal to ask on
hint: look at the plan with --dry-run, then add --yes
--- exit code 2

"#]],
    );
    // Who only looks on is not asked.
    check(
        "refresh follow gpu --demo --speed 0",
        str![[r#"
$ pooldeck refresh follow gpu --demo --speed 0
--- stderr
error: no refresh of demo/us-east-1/gpu is under way
--- exit code 3

"#]],
    );
}

#[test]
fn a_call_is_made_and_written_down() {
    let sandbox = Sandbox::new();
    let said =
        sandbox.run("suspend release AZRebalance --yes --reason 'release day' --demo --speed 0");
    snapbox::assert_data_eq!(
        said,
        str![[r#"
$ pooldeck suspend release AZRebalance --yes --reason 'release day' --demo --speed 0
RESULT   CALL                                                              REQUEST
applied  autoscaling:SuspendProcesses group=release processes=AZRebalance  [REQUEST]
--- stderr
Done: suspend release AZRebalance

"#]]
        .raw()
    );
    let log = sandbox
        .home()
        .join(".local/state/pooldeck/demo/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(
        log.lines()
            .all(|it| it.contains(r#""reason":"release day""#)),
        "{log}"
    );
    assert!(log.contains(r#""user":"tester""#), "{log}");
}

#[test]
fn a_plan_that_may_not_be_is_refused() {
    check(
        "scale release 2 --yes --demo --speed 0",
        str![[r#"
$ pooldeck scale release 2 --yes --demo --speed 0
--- stderr
error: demo/us-east-1/release wants 2, below min 4; ask for 4 or more
--- exit code 3

"#]],
    );
    check(
        "scale wrkhorse 30 --yes --demo --speed 0",
        str![[r#"
$ pooldeck scale wrkhorse 30 --yes --demo --speed 0
--- stderr
error: no pool is called `wrkhorse`; did you mean `workhorse`?
--- exit code 3

"#]],
    );
    check(
        "launch ios --yes --demo --speed 0",
        str![[r#"
$ pooldeck launch ios --yes --demo --speed 0
--- stderr
error: demo/us-east-1/ios is static: no Auto Scaling group stands behind it, so there is nothing to launch
--- exit code 3

"#]],
    );
    check(
        "scale release 9 --yes --read-only --demo --speed 0",
        str![[r#"
$ pooldeck scale release 9 --yes --read-only --demo --speed 0
--- stderr
error: demo/us-east-1 is read-only (this session was started read-only); start with --write, or change `read_only` in the configuration
--- exit code 3

"#]],
    );
}

#[test]
fn what_is_so_already_is_no_failure() {
    check(
        "scale release 8 --yes -o json --demo --speed 0",
        str![[r#"
$ pooldeck scale release 8 --yes -o json --demo --speed 0
{
  "version": 1,
  "at": "2026-03-02T09:30:00Z",
  "command_line": "scale release 8",
  "reason": null,
  "outcome": "already_so",
  "exit_code": 0,
  "why": [
    "nothing to do: demo/us-east-1/release already wants 8, between 4 and 12"
  ],
  "plan": null,
  "calls": [],
  "instances": [],
  "operation": null,
  "operation_at_end": null
}
--- stderr
Nothing to do: demo/us-east-1/release already wants 8, between 4 and 12

"#]],
    );
}

#[test]
fn a_guardrail_refuses_and_says_why() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[[guardrail]]\nenvironment = \"production\"\nactions = [\"scale\"]\nmax_instances = 3\nreason = \"page the build team first\"\n",
    );
    let said = sandbox.run("scale release +4 --yes --demo --speed 0");
    snapbox::assert_data_eq!(said, str![[r#"
$ pooldeck scale release +4 --yes --demo --speed 0
--- stderr
error: scale would touch 4 of 9 instances of release, and a guardrail allows 3 (page the build team first)
--- exit code 3

"#]].raw());
}

#[test]
fn what_cannot_be_written_down_is_not_done() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.home().join("file"), "").unwrap();
    let said = sandbox.run("scale release 9 --yes --state-dir file --demo --speed 0");
    snapbox::assert_data_eq!(said, str![[r#"
$ pooldeck scale release 9 --yes --state-dir file --demo --speed 0
--- stderr
error: the audit log cannot be written, so nothing more is done: file/demo: Not a directory (os error 20)
--- exit code 1

"#]].raw());
}

/// A region of the demo ends with its process, and nobody goes on with what was done to it.
#[test]
fn an_operation_of_an_ended_demo_is_forgotten() {
    let sandbox = Sandbox::new();
    let mut frozen = sandbox.command("--demo freeze release --for 1h --yes");
    frozen.stderr(Stdio::piped());
    let mut frozen = frozen.spawn().unwrap();
    let mut lines = BufReader::new(frozen.stderr.take().unwrap()).lines();
    lines.find(|it| {
        it.as_ref()
            .is_ok_and(|it| it.contains("waits for its thaw"))
    });
    let listed = sandbox.run("--demo ops -o json");
    assert!(listed.contains("\"freeze\""), "it is driven: {listed}");
    frozen.kill().unwrap();
    frozen.wait().unwrap();
    let listed = sandbox.run("--demo ops -o json");
    assert!(listed.contains("\"operations\": []"), "{listed}");
}
