//! Who we are: proven by STS, and proven again when the credentials change.

use std::{fs, path::Path};

use pooldeck::{
    cloud::{
        Cloud,
        aws::{Aws, Connection, Credentials, EnvConfigFiles, Selection},
    },
    fleet::{Call, FailureKind, Scope},
};
use serde_json::json;
use tempfile::TempDir;

use crate::region::{Region, credentials, key, observe, scope};

/// Opens a door whose credentials come from a profile in a file.
fn door_by_profile(region: &Region, profile: &str, file: &Path) -> Result<Aws, String> {
    let files = EnvConfigFiles::builder()
        .with_file(
            aws_runtime::env_config::file::EnvConfigFileKind::Credentials,
            file,
        )
        .build();
    let connection = Connection {
        endpoint: Some(region.moto.endpoint().to_owned()),
        profile_files: Some(files),
        ..Connection::default()
    };
    let scope = Scope {
        profile: Some(profile.to_owned()),
        ..scope()
    };
    Aws::open(scope, Selection::default(), connection).map_err(|it| it.what)
}

fn write_profile(file: &Path, credentials: &Credentials) {
    let token = credentials.session_token();
    let token = token.map_or(String::new(), |it| format!("aws_session_token = {it}\n"));
    let text = format!(
        "[ci-prod]\naws_access_key_id = {}\naws_secret_access_key = {}\n{token}",
        credentials.access_key_id(),
        credentials.secret_access_key(),
    );
    fs::write(file, text).unwrap();
}

/// Returns credentials that belong to another account.
async fn of_another_account(region: &Region) -> Credentials {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(credentials())
        .endpoint_url(region.moto.endpoint());
    let client = aws_sdk_sts::Client::from_conf(config.build());
    let request = client.assume_role().role_session_name("ci");
    let request = request.role_arn("arn:aws:iam::111111111111:role/ci-operator");
    let assumed = request.send().await.unwrap().credentials.unwrap();
    Credentials::new(
        assumed.access_key_id,
        assumed.secret_access_key,
        Some(assumed.session_token),
        None,
        "test",
    )
}

#[tokio::test]
async fn opening_asks_nobody_and_the_identity_is_proven_by_sts() {
    let region = Region::start();
    let door = region.door();
    assert_eq!(door.scope().identity, None);
    assert_eq!(door.n_requests(), 0);
    let identity = door.identify().await.unwrap();
    assert_eq!(identity.account, "123456789012");
    assert!(
        identity.arn.starts_with("arn:aws:sts::123456789012:"),
        "{}",
        identity.arn
    );
    assert_eq!(identity.expires_at, None, "these keys do not end");
    assert_eq!(door.scope().identity, Some(identity));
}

#[tokio::test]
async fn credentials_that_end_say_when() {
    let region = Region::start();
    let ends_at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
    let connection = Connection {
        endpoint: Some(region.moto.endpoint().to_owned()),
        credentials: Some(Credentials::new(
            "AKIDTEST",
            "x",
            None,
            Some(ends_at),
            "test",
        )),
        ..Connection::default()
    };
    let door = Aws::open(scope(), Selection::default(), connection).unwrap();
    let identity = door.identify().await.unwrap();
    assert_eq!(identity.expires_at.unwrap().as_millis(), 4_000_000_000_000);
}

#[tokio::test]
async fn a_profile_that_no_file_has_is_refused_before_any_request() {
    let region = Region::start();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("credentials");
    write_profile(&file, &credentials());
    let error = door_by_profile(&region, "ci-prd", &file).unwrap_err();
    assert!(error.contains("no profile `ci-prd`"), "{error}");
    assert!(error.contains("did you mean `ci-prod`?"), "{error}");
    assert_eq!(region.moto.requests(), []);
}

#[tokio::test]
async fn a_profile_without_credentials_is_a_sentence() {
    let region = Region::start();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("credentials");
    fs::write(&file, "[ci-prod]\nrole_arn = arn:aws:iam::1:role/x\n").unwrap();
    let door = door_by_profile(&region, "ci-prod", &file).unwrap();
    let error = door.identify().await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Credentials);
    assert!(
        error
            .what
            .starts_with("cannot prove who we are: the profile cannot give credentials"),
        "{error}"
    );
}

#[tokio::test]
async fn a_new_sign_in_is_seen_without_a_restart() {
    let region = Region::start();
    region.simple_group("workhorse", 1).await;
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("credentials");
    write_profile(&file, &Credentials::new("AKIDOLD", "x", None, None, "test"));
    let door = door_by_profile(&region, "ci-prod", &file).unwrap();
    door.identify().await.unwrap();
    region.observe_at_rest(&door).await;

    region.moto.set_faults(&json!({"expired": true}));
    let error = door.observe(crate::region::now()).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Credentials);
    assert_eq!(door.scope().identity, None, "not proven any more");

    write_profile(&file, &Credentials::new("AKIDNEW", "x", None, None, "test"));
    region.moto.set_faults(&json!({}));
    let seen = observe(&door).await;
    assert_eq!(seen.instances().len(), 1);
    assert!(door.scope().identity.is_some(), "proven again");
    let last = region.moto.requests().pop().unwrap();
    assert_eq!(last.key, "AKIDNEW");
}

#[tokio::test]
async fn rows_and_writes_never_cross_into_another_account() {
    let region = Region::start();
    region.simple_group("workhorse", 1).await;
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("credentials");
    write_profile(&file, &credentials());
    let door = door_by_profile(&region, "ci-prod", &file).unwrap();
    assert_eq!(door.identify().await.unwrap().account, "123456789012");
    region.observe_at_rest(&door).await;

    // The profile now leads elsewhere, and the old session ends.
    let other = of_another_account(&region).await;
    write_profile(&file, &other);
    region.moto.set_faults(&json!({"expired": true}));
    door.observe(crate::region::now()).await.unwrap_err();
    region.moto.set_faults(&json!({}));

    let write = Call::SetDesiredCapacity {
        pool: key("workhorse"),
        desired: 3,
    };
    let error = door.apply(&write).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
    assert!(error.what.contains("account 111111111111"), "{error}");
    let requests = region.moto.requests().into_iter();
    assert_eq!(
        requests
            .filter(|it| it.action == "SetDesiredCapacity")
            .count(),
        0
    );

    let seen = observe(&door).await;
    assert!(seen.pools.is_empty() && seen.instances().is_empty());
    assert_eq!(door.scope().identity.unwrap().account, "111111111111");
}
