//! From a profile and a region to the clients of the SDK; nothing here waits for the network.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, default_provider::credentials::DefaultCredentialsChain,
    identity::IdentityCache, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
pub use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
pub use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::{SdkConfig, region::Region};

use super::watch::{Expiry, Watch, Watched};
use crate::fleet::Scope;

/// How to reach AWS. The default is the SDK's own chain, files and endpoints.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Wins over `AWS_ENDPOINT_URL` and the profile's own.
    pub endpoint: Option<String>,
    /// Win over every other source of credentials.
    pub credentials: Option<Credentials>,
    /// Instead of `~/.aws/config` and `~/.aws/credentials`.
    pub profile_files: Option<EnvConfigFiles>,
    pub patience: Patience,
    /// Where the region was written; for messages.
    pub region_place: Option<String>,
}

/// How long we wait for AWS.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    pub attempt: Duration,
    /// A read with its retries; a write is one attempt.
    pub read: Duration,
    /// Attempts that a read may take.
    pub n_attempts_max: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            attempt: Duration::from_secs(10),
            read: Duration::from_secs(20),
            n_attempts_max: 3,
        }
    }
}

/// The price list and the bill of every region are served here, and hardly anywhere else.
const PRICE_LIST_REGION: &str = "us-east-1";

/// The clients of one scope, for reads; they share the credentials.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) scaling: aws_sdk_autoscaling::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) pricing: aws_sdk_pricing::Client,
    pub(super) metrics: aws_sdk_cloudwatch::Client,
    pub(super) writers: Writers,
    pub(super) expiry: Expiry,
}

/// Clients that send everything exactly once: what changes something, and what costs a cent.
#[derive(Debug)]
pub(super) struct Writers {
    pub(super) bills: aws_sdk_costexplorer::Client,
    pub(super) scaling: aws_sdk_autoscaling::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) metrics: aws_sdk_cloudwatch::Client,
}

impl Clients {
    /// Reads the files and makes the clients; the first request fetches the credentials.
    pub(super) async fn open(scope: &Scope, connection: &Connection, watch: &Watch) -> Self {
        let expiry = Expiry::default();
        let config = sdk_config(scope, connection, &expiry).await;
        let scaling =
            aws_sdk_autoscaling::config::Builder::from(&config).interceptor(watch.clone());
        let ec2 = aws_sdk_ec2::config::Builder::from(&config).interceptor(watch.clone());
        let sts = aws_sdk_sts::config::Builder::from(&config).interceptor(watch.clone());
        let pricing = aws_sdk_pricing::config::Builder::from(&config)
            .region(Region::new(PRICE_LIST_REGION))
            .interceptor(watch.clone());
        let once = RetryConfig::disabled();
        let metrics = aws_sdk_cloudwatch::config::Builder::from(&config).interceptor(watch.clone());
        let bills = aws_sdk_costexplorer::config::Builder::from(&config)
            .region(Region::new(PRICE_LIST_REGION))
            .interceptor(watch.clone());
        let writers = Writers {
            bills: aws_sdk_costexplorer::Client::from_conf(
                bills.retry_config(once.clone()).build(),
            ),
            scaling: aws_sdk_autoscaling::Client::from_conf(
                scaling.clone().retry_config(once.clone()).build(),
            ),
            ec2: aws_sdk_ec2::Client::from_conf(ec2.clone().retry_config(once.clone()).build()),
            metrics: aws_sdk_cloudwatch::Client::from_conf(
                metrics.clone().retry_config(once).build(),
            ),
        };
        Self {
            scaling: aws_sdk_autoscaling::Client::from_conf(scaling.build()),
            ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            pricing: aws_sdk_pricing::Client::from_conf(pricing.build()),
            metrics: aws_sdk_cloudwatch::Client::from_conf(metrics.build()),
            writers,
            expiry,
        }
    }
}

async fn sdk_config(scope: &Scope, connection: &Connection, expiry: &Expiry) -> SdkConfig {
    let patience = connection.patience;
    let region = Region::new(scope.region.to_string());
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(patience.n_attempts_max))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(patience.connect)
                .operation_attempt_timeout(patience.attempt)
                .operation_timeout(patience.read)
                .build(),
        )
        // A credential process or a token refresh may take its time.
        .identity_cache(IdentityCache::lazy().load_timeout(patience.attempt).build())
        .credentials_provider(Watched {
            inner: provider(scope, connection, region).await,
            expiry: expiry.clone(),
        });
    if let Some(profile) = &scope.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(files) = &connection.profile_files {
        loader = loader.profile_files(files.clone());
    }
    if let Some(endpoint) = &connection.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// Chooses where the credentials come from.
///
/// A profile that the operator named is the only source: the SDK's chain would
/// prefer keys in the environment, which may belong to another account.
async fn provider(
    scope: &Scope,
    connection: &Connection,
    region: Region,
) -> SharedCredentialsProvider {
    if let Some(credentials) = &connection.credentials {
        return SharedCredentialsProvider::new(credentials.clone());
    }
    let config = ProviderConfig::without_region().with_region(Some(region.clone()));
    match &scope.profile {
        Some(profile) => {
            let mut builder = ProfileFileCredentialsProvider::builder()
                .configure(&config)
                .profile_name(profile);
            if let Some(files) = &connection.profile_files {
                builder = builder.profile_files(files.clone());
            }
            SharedCredentialsProvider::new(builder.build())
        }
        // The instance metadata comes last in it, with a second to connect.
        None => SharedCredentialsProvider::new(
            DefaultCredentialsChain::builder()
                .configure(config)
                .region(region)
                .build()
                .await,
        ),
    }
}
