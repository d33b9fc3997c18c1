//! The console output of a machine, as EC2 kept it.

use aws_sdk_ec2::operation::get_console_output::GetConsoleOutputOutput;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{errors::explain, open::Clients, words::timestamp};
use crate::{
    cloud::Error,
    fleet::{ConsoleOutput, FailureKind, InstanceId},
};

/// Reads the newest output that the machine's type can give.
pub(super) async fn read(clients: &Clients, instance: &InstanceId) -> Result<ConsoleOutput, Error> {
    let what = format!("read the console output of {instance}");
    let ask = |latest: Option<bool>| {
        let request = clients.ec2.get_console_output();
        request
            .instance_id(instance.as_str())
            .set_latest(latest)
            .send()
    };
    let answer = match ask(Some(true)).await {
        // Older types keep only what they said some minutes after their start.
        Err(error) if error.code() == Some("UnsupportedOperation") => ask(None).await,
        answer => answer,
    };
    let answer = answer.map_err(|error| explain(&what, &error))?;
    decode(instance, &answer).ok_or_else(|| {
        Error::new(
            FailureKind::Unknown,
            format!("cannot {what}: it is not base64"),
        )
    })
}

fn decode(instance: &InstanceId, answer: &GetConsoleOutputOutput) -> Option<ConsoleOutput> {
    // EC2 breaks the lines of its base64, and says nothing before the first boot.
    let encoded: String = answer
        .output()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    Some(ConsoleOutput {
        instance: instance.clone(),
        at: answer.timestamp().and_then(timestamp),
        text: String::from_utf8_lossy(&bytes).into_owned(),
    })
}
