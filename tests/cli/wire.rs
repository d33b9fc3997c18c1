//! The main job headless, on real input: the binary against Auto Scaling groups
//! that a server serves over HTTP.

use serde_json::{Value, json};

use crate::{
    common::{Moto, python_program},
    sandbox::Sandbox,
};

/// Two pools in `us-east-1`: `workhorse` wants three instances, `mac` one.
pub(crate) struct Region {
    pub(crate) moto: Moto,
    sandbox: Sandbox,
}

const SETUP: &str = r"
import boto3, sys
at = dict(region_name='us-east-1', endpoint_url=sys.argv[1],
          aws_access_key_id='test', aws_secret_access_key='test')
ec2, scaling = boto3.client('ec2', **at), boto3.client('autoscaling', **at)
image = ec2.describe_images()['Images'][0]['ImageId']
for name, desired in [('workhorse', 3), ('mac', 1)]:
    ec2.create_launch_template(LaunchTemplateName=name,
        LaunchTemplateData={'ImageId': image, 'InstanceType': 'm5.large'})
    scaling.create_auto_scaling_group(AutoScalingGroupName=name, MinSize=0, MaxSize=10,
        DesiredCapacity=desired, AvailabilityZones=['us-east-1a'],
        LaunchTemplate={'LaunchTemplateName': name, 'Version': '$Latest'})
";

impl Region {
    pub(crate) fn start() -> Self {
        let moto = Moto::start();
        let mut setup = python_program("python");
        setup.args(["-c", SETUP, moto.endpoint()]);
        assert!(setup.status().unwrap().success());
        let region = Self {
            moto,
            sandbox: Sandbox::new(),
        };
        while region.counts("workhorse") != json!(3) || region.counts("mac") != json!(1) {
            // Each look takes the time that a launch needs.
        }
        region
    }

    pub(crate) fn run(&self, line: &str) -> (i32, String, String) {
        let mut command = self.sandbox.command(line);
        command
            .env("AWS_ENDPOINT_URL", self.moto.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1");
        let output = command.output().unwrap();
        let text = |it| String::from_utf8(it).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Value {
        let (code, stdout, stderr) = self.run(line);
        assert_eq!(code, 0, "{line}: {stdout}{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    fn counts(&self, pool: &str) -> Value {
        let document = self.json(&format!("pools {pool} -o json"));
        document["pools"][0]["counts"]["in_service"].clone()
    }

    /// Returns the calls that changed something, in their order.
    fn writes(&self) -> Vec<String> {
        let requests = self.moto.requests().into_iter();
        // The setup signs as the command does, but it came first.
        let writes = requests.filter(|it| it.mutating).map(|it| it.action);
        writes.skip_while(|it| it.starts_with("Create")).collect()
    }
}

#[test]
fn a_listing_asks_only_for_what_it_shows() {
    let region = Region::start();
    let asks = |line: &str| {
        let n_before = region.moto.requests().len();
        assert_eq!(region.run(line).0, 0, "{line}");
        let asked = region.moto.requests().split_off(n_before);
        ["DescribeInstances", "DescribeScalingActivities"]
            .map(|action| asked.iter().any(|it| it.action == action))
    };
    assert_eq!(asks("pools -o json"), [false, true]);
    assert_eq!(asks("pools -c +usd_per_hour -o csv"), [true, true]);
    assert_eq!(asks("instances -o json"), [true, false]);
    assert_eq!(asks("activities -o json"), [true, true]);
}

#[test]
fn a_pool_is_read_grown_protected_and_its_processes_suspended() {
    let region = Region::start();
    let launched = region.json("launch workhorse --count 2 --yes -o json");
    assert_eq!(launched["outcome"], "done");
    assert_eq!(launched["instances"][1]["state"], "in_service");
    assert_eq!(region.counts("workhorse"), 5);

    let id = region.json("instances mac -o json")["instances"][0]["id"].clone();
    let id = id.as_str().unwrap();
    region.json(&format!("protect {id} --yes -o json"));
    region.json("suspend mac AZRebalance --yes -o json --reason why");
    region.json("scale mac --max 12 --yes -o json");
    region.json("tag owner=build --pool mac --propagate --yes -o json");

    let instance = &region.json("instances mac -o json")["instances"][0];
    assert_eq!(instance["protected"], true);
    let pool = &region.json("pools mac -o json")["pools"][0];
    assert_eq!(pool["suspended"], json!(["AZRebalance"]));
    assert_eq!(
        (&pool["max"], &pool["tags"]["owner"]),
        (&json!(12), &json!("build"))
    );
    assert_eq!(
        region.writes(),
        [
            "SetDesiredCapacity",
            "SetInstanceProtection",
            "SuspendProcesses",
            "UpdateAutoScalingGroup",
            "CreateOrUpdateTags",
        ]
    );
    let log = region
        .sandbox
        .home()
        .join(".local/state/pooldeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let records: Vec<Value> = log
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let applied = records.iter().filter(|it| it["event"] == "applied");
    let request_ids = applied.filter(|it| it["request_id"].is_string());
    assert_eq!((records.len(), request_ids.count()), (10, 5), "{log}");
}

#[test]
fn a_launch_whose_answer_is_lost_launches_what_was_asked_and_no_more() {
    let region = Region::start();
    let faults = json!({ "lost_reply": 1, "only": ["SetDesiredCapacity"] });
    region.moto.set_faults(&faults);
    let launched = region.json("launch workhorse --count 2 --yes -o json");
    assert_eq!(launched["outcome"], "done", "{launched}");
    assert_eq!(launched["calls"][0]["result"], "applied", "{launched}");
    assert_eq!(launched["instances"][1]["state"], "in_service");
    assert_eq!(region.counts("workhorse"), 5);
    assert_eq!(region.writes(), ["SetDesiredCapacity"], "sent once");
}

#[test]
fn the_weather_of_the_server_decides_the_exit_code() {
    let region = Region::start();
    for (faults, line, code, words) in [
        (json!({ "throttle": 1 }), "pools", 6, "Throttling"),
        (json!({ "html": true }), "pools", 6, "login page"),
        (json!({ "truncated": true }), "pools", 6, "broke off"),
        (json!({ "error500": 1 }), "pools", 6, "InternalFailure"),
        (
            json!({ "latency": 5 }),
            "pools --timeout 1s",
            6,
            "no answer within 1s",
        ),
        (json!({ "expired": true }), "pools", 7, "ExpiredToken"),
        (json!({ "denied": true }), "pools", 7, "AccessDenied"),
        (
            json!({ "denied": true, "only": ["SetDesiredCapacity"] }),
            "scale mac 2 --yes",
            7,
            "AccessDenied",
        ),
        (
            json!({ "denied": true, "only": ["SetDesiredCapacity"] }),
            "scale mac 20 --max 20 --yes",
            5,
            "1 of 2 calls were not made",
        ),
        (
            json!({ "lost_reply": 1, "only": ["SuspendProcesses"] }),
            "suspend mac AZRebalance --yes",
            1,
            "SuspendProcesses",
        ),
    ] {
        region.moto.set_faults(&faults);
        let (found, stdout, stderr) = region.run(line);
        assert_eq!(found, code, "{faults} {line}: {stdout}{stderr}");
        assert!(stderr.contains(words), "{faults} {line}: {stderr}");
    }
}

#[test]
fn a_profile_or_region_that_is_not_there_is_2_and_named() {
    let sandbox = Sandbox::new();
    let said = sandbox.run("pools --profile nosuch");
    assert!(said.contains("--profile: no profile `nosuch`"), "{said}");
    assert!(said.ends_with("--- exit code 2\n"), "{said}");
    sandbox.configure("theme = \"dark\"\n[[scope]]\nprofile = \"nosuch\"\n");
    let said = sandbox.run("pools");
    assert!(
        said.contains("config.toml:3: profile: no profile `nosuch`"),
        "{said}"
    );
    sandbox.configure("");
    let said = sandbox.run("pools");
    assert!(said.contains("no region"), "{said}");
    assert!(said.ends_with("--- exit code 2\n"), "{said}");
}

#[test]
fn a_region_that_nobody_knows_is_doubted_where_it_was_written() {
    let sandbox = Sandbox::new();
    sandbox
        .configure("[[scope]]\nregions = [\"eu-wets-1\"]\nendpoint_url = \"http://127.0.0.1:1\"\n");
    let mut command = sandbox.command("pools");
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let doubt =
        "config.toml:2: regions: no region is known as `eu-wets-1`; did you mean `eu-west-1`?";
    assert!(said.contains(doubt), "{said}");
    assert_eq!(output.status.code(), Some(6), "{said}");
}

#[test]
fn a_controller_without_its_token_is_7_and_the_pools_are_there() {
    let region = Region::start();
    region.sandbox.configure(
        "[[controller]]\nname = \"main\"\nkind = \"jenkins\"\nurl = \"http://127.0.0.1:1/\"\n\
         token = { env = \"NO_SUCH\" }\n[[pool]]\nmatch = \"work*\"\ncontroller = \"main\"\n",
    );
    let (code, stdout, stderr) = region.run("pools -o json");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 7, "{stderr}");
    assert!(
        stderr.contains("main: the variable NO_SUCH is not set"),
        "{stderr}"
    );
    assert_eq!(document["errors"][0]["source"], "main");
    let pool = &document["pools"][1];
    assert_eq!(pool["executors"]["label"], "workhorse");
    assert!(pool["executors"]["busy"].is_null(), "{pool}");
}

#[test]
fn a_damaged_history_is_moved_aside_and_a_command_says_so_once() {
    let region = Region::start();
    let home = region.sandbox.home();
    std::fs::create_dir(home.join("state")).unwrap();
    std::fs::write(home.join("state/history.sqlite"), "damaged".repeat(3_000)).unwrap();
    let line = "history workhorse --since 1h --state-dir state";
    let (code, _, said) = region.run(line);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("history.sqlite.damaged-"), "{said}");
    assert!(said.contains("a new history begins"), "{said}");
    let (_, _, said) = region.run(line);
    assert!(!said.contains("damaged"), "{said}");
}
