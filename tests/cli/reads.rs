//! Listings, in every format.

use snapbox::str;

use crate::sandbox::check;

#[test]
fn pools_are_a_table() {
    check(
        "pools --demo --speed 0",
        str![[r#"
$ pooldeck pools --demo --speed 0
POOL       SCOPE           DESIRED  MIN  MAX  INSVC  PEND  TERM  STBY  BUSY  IDLE  QUEUE  OLD
arm-linux  demo/eu-west-1       14    4   30     13     1     0     0     8     5      0    0
browsers   demo/eu-west-1       12    4   20     12     0     0     1     9     3      0    0
gpu        demo/us-east-1        6    0    8      3     0     0     0     3     0     16    0
ios        demo/us-east-1        -    -    -      0     0     0     0     4     0      0    0
release    demo/us-east-1        8    4   12      8     0     1     0     4     5      0    3
windows    demo/us-east-1        7    2   10      7     0     0     0     6     0      0    0
workhorse  demo/us-east-1       20    6   40     18     2     1     0     9    11      0    0

"#]],
    );
}

#[test]
fn instances_of_a_pool_are_filtered_sorted_and_have_the_columns_asked_for() {
    check(
        "instances workhorse --demo --speed 0 --filter 'work=busy age>3h' --sort=-age --columns id,age,work,job",
        str![[r#"
$ pooldeck instances workhorse --demo --speed 0 --filter 'work=busy age>3h' --sort=-age --columns id,age,work,job
INSTANCE               AGE  WORK  JOB
i-05ac86bc010cc6222  9h53m  busy  web/build #2731
i-0bf848a60398be199  9h45m  busy  billing/nightly-replay #2409
i-097f08b5cdec73c50  9h20m  busy  billing/nightly-replay #2405
i-0d7c890e3d5d08b7f  6h16m  busy  billing/nightly-replay #2407
i-0845c82b97ed811fc  5h21m  busy  billing/nightly-replay #2406
i-0ec145c2341720f30  5h00m  busy  api/integration #6709
i-0b594412af3453c3f  4h20m  busy  web/build #2732

"#]],
    );
}

#[test]
fn columns_are_added_with_a_plus() {
    check(
        "pools release --demo --speed 0 --columns +image,+label",
        str![[r#"
$ pooldeck pools release --demo --speed 0 --columns +image,+label
POOL     SCOPE           DESIRED  MIN  MAX  INSVC  PEND  TERM  STBY  BUSY  IDLE  QUEUE  OLD  IMAGE                  LABEL
release  demo/us-east-1        8    4   12      8     0     1     0     4     5      0    3  ami-0f34c5ae932e6f0e4  release

"#]],
    );
}

#[test]
fn a_pattern_names_several_pools() {
    check(
        "pools 'r*' 'demo/us-east-1/w*' --demo --speed 0 --columns name,desired",
        str![[r#"
$ pooldeck pools 'r*' 'demo/us-east-1/w*' --demo --speed 0 --columns name,desired
POOL       DESIRED
release          8
windows          7
workhorse       20

"#]],
    );
}

#[test]
fn activities_of_one_pool() {
    check(
        "activities gpu --demo --speed 0 --no-headers --columns started_at,pool,status --filter 'age<30m'",
        str![[r#"
$ pooldeck activities gpu --demo --speed 0 --no-headers --columns started_at,pool,status --filter 'age<30m'
2026-03-02T09:27:01Z  gpu  Failed
2026-03-02T09:16:21Z  gpu  Failed
2026-03-02T09:05:41Z  gpu  Failed

"#]],
    );
}

#[test]
fn executors_of_one_pool() {
    check(
        "executors release --demo --speed 0 --columns name,work,cordoned,slots,job --filter work=busy",
        str![[r#"
$ pooldeck executors release --demo --speed 0 --columns name,work,cordoned,slots,job --filter work=busy
EXECUTOR                     WORK  CORDON  SLOTS  JOB
release-i-02b7f88de473c3462  busy  no        1/1  release/sign-and-publish #6007
release-i-020c7488397887da5  busy  no        1/1  release/sign-and-publish #6011
release-i-074f88179e5154cc0  busy  no        1/1  release/sign-and-publish #6010
release-i-0959caf2b84a69fa8  busy  no        1/1  release/sign-and-publish #6009

"#]],
    );
}

#[test]
fn jobs_come_with_the_oldest_first() {
    check(
        "jobs release windows --demo --speed 0 --columns name,pool,age,ends_in",
        str![[r#"
$ pooldeck jobs release windows --demo --speed 0 --columns name,pool,age,ends_in
JOB                             POOL       AGE   ENDS
release/sign-and-publish #6007  release    25m  9m23s
release/sign-and-publish #6009  release  4m52s    30m
release/sign-and-publish #6010  release  4m52s    30m
release/sign-and-publish #6011  release  4m52s    30m
desktop/msbuild #3761           windows    30m   late
desktop/installer #4132         windows    11m   late
desktop/msbuild #3764           windows    11m  8m10s
desktop/installer #4133         windows  2m04s  7m55s
desktop/installer #4134         windows  2m04s  7m55s
desktop/msbuild #3765           windows  2m04s    17m

"#]],
    );
}

#[test]
fn the_queue_says_why_the_oldest_waits() {
    check(
        "queue --demo --speed 0",
        str![[r#"
$ pooldeck queue --demo --speed 0
LABEL      CONTROLLER  QUEUED  OLDEST  WHY
arm-linux  jenkins-eu       0       -  -
browsers   jenkins-eu       0       -  -
freebsd    jenkins-us       2     45m  There are no nodes with the label ‘freebsd’
gpu        jenkins-us      16     45m  Waiting for next available executor on ‘gpu’
ios        jenkins-us       0       -  -
release    jenkins-us       0       -  -
windows    jenkins-us       0       -  -
workhorse  jenkins-us       0       -  -

"#]],
    );
}

#[test]
fn strays_say_what_was_expected() {
    check(
        "strays --demo --speed 0 --columns kind,name,instance,why",
        str![[r#"
$ pooldeck strays --demo --speed 0 --columns kind,name,instance,why
KIND                    NAME                 INSTANCE             WHY
agent_outside_groups    i-0ec145c2341720f30  i-0ec145c2341720f30  its instance i-0ec145c2341720f30 belongs to no Auto Scaling group
instance_without_agent  arm-linux            i-004d4ca33a7fb4737  launched 12m ago, and no agent of jenkins-eu registered within 10m
agent_without_instance  i-0ab401e383f61c303  -                    no instance was found for it: it names i-0ab401e383f61c303, which is in no scope

"#]],
    );
}

#[test]
fn executors_of_an_unknown_pool_are_no_empty_list() {
    check(
        "executors relaese --demo --speed 0",
        str![[r#"
$ pooldeck executors relaese --demo --speed 0
--- stderr
error: no pool is called `relaese`
hint: did you mean `release`?
--- exit code 3

"#]],
    );
}

#[test]
fn an_instance_is_explained_in_words() {
    check(
        "explain i-020c7488397887da5 --demo --speed 0",
        str![[r#"
$ pooldeck explain i-020c7488397887da5 --demo --speed 0
i-020c7488397887da5: pool release, demo/us-east-1, InService for 7h59m or longer
  EC2 says running
  protected from scale-in
agent release-i-020c7488397887da5 of jenkins-us: busy
  joined: rule `name` matched "release-i-020c7488397887da5"
  job: release/sign-and-publish #6011, 4m52s so far https://jenkins-us.demo.example/job/release/job/sign-and-publish/6011/
  evidence: jenkins-us said at 2026-03-02T09:30:00Z (0s ago): 1 of 1 slots busy
missing for a proof of idleness
  release-i-020c7488397887da5 runs a job
  release-i-020c7488397887da5 is not cordoned and may get a job any moment
  one reading is none: 3 readings over 1m00s after the cordon, the last not older than 45s

"#]],
    );
}

#[test]
fn an_instance_without_an_agent_is_not_idle() {
    check(
        "explain i-004d4ca33a7fb4737 --demo --speed 0",
        str![[r#"
$ pooldeck explain i-004d4ca33a7fb4737 --demo --speed 0
i-004d4ca33a7fb4737: pool arm-linux, demo/eu-west-1, Pending:Wait for 11m or longer
  EC2 says running
missing for a proof of idleness
  no agent of jenkins-eu was found for it, by name, host, address or tag; that is not idle
  one reading is none: 3 readings over 1m00s after the cordon, the last not older than 45s
it and its pool wait for
  Pending:Wait: hook wait-for-agent has 30m from its last heartbeat, then it is terminated
where EC2 and the controllers disagree
  instance_without_agent: launched 12m ago, and no agent of jenkins-eu registered within 10m

"#]],
    );
}

#[test]
fn an_unknown_instance_is_refused() {
    check(
        "explain i-004d4ca33a7fb4738 --demo --speed 0",
        str![[r#"
$ pooldeck explain i-004d4ca33a7fb4738 --demo --speed 0
--- stderr
error: no instance is called `i-004d4ca33a7fb4738`
hint: did you mean `i-004d4ca33a7fb4737`?
--- exit code 3

"#]],
    );
}

#[test]
fn scopes_say_who_we_are() {
    check(
        "scopes --demo --speed 0 --columns id,account,role,environment,read_at",
        str![[r#"
$ pooldeck scopes --demo --speed 0 --columns id,account,role,environment,read_at
SCOPE           ACCOUNT       ROLE         ENVIRONMENT  READ
demo/eu-west-1  123456789012  ci-operator  staging      2026-03-02T09:30:00Z
demo/us-east-1  123456789012  ci-operator  production   2026-03-02T09:30:00Z

"#]],
    );
}

#[test]
fn csv_has_plain_values() {
    check(
        "instances release --demo --speed 0 -o csv --columns id,age,protected,market,job --sort age",
        str![[r#"
$ pooldeck instances release --demo --speed 0 -o csv --columns id,age,protected,market,job --sort age
id,age,protected,market,job
i-0830c0b23cf999c42,234,true,on-demand,
i-020c7488397887da5,28882,true,on-demand,release/sign-and-publish #6011
i-074f88179e5154cc0,32460,true,on-demand,release/sign-and-publish #6010
i-0441e07b88e15fa06,32535,true,on-demand,
i-02b7f88de473c3462,36346,true,on-demand,release/sign-and-publish #6007
i-0537b4de9577638e8,38040,true,on-demand,
i-0f891058866c2dfaf,116531,true,on-demand,
i-0959caf2b84a69fa8,333784,true,on-demand,release/sign-and-publish #6009
i-0297f91f780a41edd,365512,true,on-demand,

"#]],
    );
}

#[test]
fn a_row_per_line() {
    check(
        "scopes --demo --speed 0 -o ndjson",
        str![[r#"
$ pooldeck scopes --demo --speed 0 -o ndjson
{"id":"demo/eu-west-1","profile":"demo","region":"eu-west-1","alias":"demo","environment":"staging","read_only":false,"account":"123456789012","arn":"arn:aws:sts::123456789012:assumed-role/ci-operator/demo","role":"ci-operator","expires_at":null,"read_at":"2026-03-02T09:30:00Z","liveness":"live","calls_per_minute":3,"failure":null}
{"id":"demo/us-east-1","profile":"demo","region":"us-east-1","alias":"demo","environment":"production","read_only":false,"account":"123456789012","arn":"arn:aws:sts::123456789012:assumed-role/ci-operator/demo","role":"ci-operator","expires_at":null,"read_at":"2026-03-02T09:30:00Z","liveness":"live","calls_per_minute":3,"failure":null}

"#]],
    );
}

#[test]
fn an_empty_answer_is_not_an_error() {
    check(
        "instances --demo --speed 0 --filter 'type=x9.huge'",
        str![[r#"
$ pooldeck instances --demo --speed 0 --filter 'type=x9.huge'
--- stderr
No instances pass the filter.

"#]],
    );
}
