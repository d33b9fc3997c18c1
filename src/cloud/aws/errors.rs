//! From the SDK's errors to kinds that callers act on and sentences that operators read.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::watch::NotAnAnswer;
use crate::{cloud::Error, fleet::FailureKind};

/// Longer messages are cut: AWS puts encoded policies and whole requests into them.
const N_CHARS_MAX: usize = 240;

/// An error of a listing, and whether its page token was to blame.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: Error,
    pub(super) is_stale_token: bool,
}

/// Explains why `what` failed; `what` completes "cannot …".
pub(super) fn explain<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let (kind, why) = reason(error);
    Error {
        kind,
        what: format!("cannot {what}: {why}"),
        request_id: error.request_id().map(str::to_owned),
    }
}

pub(super) fn refuse<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let code = error.as_service_error().and_then(|it| it.meta().code());
    Refusal {
        error: explain(what, error),
        is_stale_token: matches!(code, Some("InvalidNextToken" | "InvalidPaginationToken")),
    }
}

fn reason<E>(error: &SdkError<E, HttpResponse>) -> (FailureKind, String)
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    if let Some(credentials) = find_source::<CredentialsError>(error) {
        return (FailureKind::Credentials, no_credentials(credentials));
    }
    if let Some(it) = find_source::<NotAnAnswer>(error) {
        return (FailureKind::Unknown, it.to_string());
    }
    match error {
        SdkError::TimeoutError(_) => (FailureKind::Unknown, "no answer in time".into()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            (FailureKind::Unknown, "no connection in time".into())
        }
        SdkError::DispatchFailure(_) => (
            FailureKind::Unknown,
            format!("no connection: {}", cut(&deepest(error).to_string())),
        ),
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            let status = service.raw().status().as_u16();
            match meta.code() {
                Some(code) => {
                    let message = meta.message().unwrap_or("no reason given");
                    (kind_of(code, message, status), told(code, message))
                }
                None if status < 300 => (
                    FailureKind::Unknown,
                    "the answer broke off or is not AWS'".into(),
                ),
                None => (FailureKind::Unknown, format!("HTTP status {status}")),
            }
        }
        SdkError::ResponseError(_) => (
            FailureKind::Unknown,
            "the answer broke off or is not AWS'".into(),
        ),
        _ => (
            FailureKind::Invalid,
            format!(
                "the request could not be made: {}",
                cut(&deepest(error).to_string())
            ),
        ),
    }
}

/// Decides what kind of failure an error code is.
///
/// Sources: "Common errors" of the EC2 Auto Scaling API reference, "Error codes
/// for the Amazon EC2 API", and the throttling codes of the SDK's standard retry.
fn kind_of(code: &str, message: &str, status: u16) -> FailureKind {
    // Some of EC2's codes come with the side that is to blame in front.
    let code = code.trim_start_matches("Client.");
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottledException"
        | "RequestThrottled"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2ThrottledException"
        | "ProvisionedThroughputExceededException"
        | "TransactionInProgressException" => FailureKind::Throttled,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "InvalidAccessKeyId"
        | "InvalidSecurity"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "TokenRefreshRequired" => FailureKind::Credentials,
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "NotAuthorized"
        | "OptInRequired"
        | "Blocked"
        | "PendingVerification" => FailureKind::Denied,
        "ResourceContention"
        | "ScalingActivityInProgress"
        | "ResourceInUse"
        | "AlreadyExists"
        | "LimitExceeded"
        | "InstanceLimitExceeded"
        | "VcpuLimitExceeded"
        | "IncorrectInstanceState"
        | "IncorrectState"
        | "OperationNotPermitted"
        | "IdempotentParameterMismatch"
        | "InstanceRefreshInProgress"
        | "IrreversibleInstanceRefresh" => FailureKind::Conflict,
        "ValidationError" => kind_of_validation(message),
        // `InvalidInstanceID.NotFound`, `InvalidLaunchTemplateName.NotFoundException`, ….
        _ if code.contains("NotFound") => FailureKind::NotFound,
        // Whether it happened is not known.
        _ if 500 <= status => FailureKind::Unknown,
        _ => FailureKind::Invalid,
    }
}

/// Auto Scaling answers most refusals with one code; only the words tell them apart.
fn kind_of_validation(message: &str) -> FailureKind {
    let message = message.to_ascii_lowercase();
    if message.contains("not found") || message.starts_with("no active lifecycle action") {
        FailureKind::NotFound
    } else if message.contains("is not in ") || message.contains("min size constraint") {
        FailureKind::Conflict
    } else {
        FailureKind::Invalid
    }
}

/// Returns AWS' message and code in one clause.
fn told(code: &str, message: &str) -> String {
    // The encoded message is for a support tool, not for a screen.
    let message = message
        .split("Encoded authorization failure message")
        .next()
        .unwrap_or(message);
    let message = cut(message);
    format!("{} ({code})", message.trim_end_matches('.'))
}

fn no_credentials(error: &CredentialsError) -> String {
    let source = cut(&deepest(error).to_string());
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "no credentials: set AWS_PROFILE, sign in, or name a profile in the configuration"
                .into()
        }
        CredentialsError::ProviderTimedOut(_) => "the credentials did not come in time".into(),
        CredentialsError::InvalidConfiguration(_) => {
            format!("the profile cannot give credentials: {source}")
        }
        _ => format!("the credentials could not be fetched: {source}"),
    }
}

/// Puts a text on one line and cuts it.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(N_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn deepest<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest
}

fn find_source<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_table_entry_has_its_kind() {
        for (code, message, status, kind) in [
            ("Throttling", "Rate exceeded", 400, FailureKind::Throttled),
            ("RequestLimitExceeded", "", 503, FailureKind::Throttled),
            ("ExpiredToken", "", 403, FailureKind::Credentials),
            ("RequestExpired", "", 400, FailureKind::Credentials),
            ("UnauthorizedOperation", "", 403, FailureKind::Denied),
            ("Client.UnauthorizedOperation", "", 403, FailureKind::Denied),
            ("InvalidInstanceID.NotFound", "", 400, FailureKind::NotFound),
            ("ResourceContention", "", 500, FailureKind::Conflict),
            ("InternalFailure", "", 500, FailureKind::Unknown),
            ("Unavailable", "", 503, FailureKind::Unknown),
            ("InvalidParameterValue", "", 400, FailureKind::Invalid),
            (
                "ValidationError",
                "AutoScalingGroup name not found - null",
                400,
                FailureKind::NotFound,
            ),
            (
                "ValidationError",
                "No active Lifecycle Action found with instance ID i-1",
                400,
                FailureKind::NotFound,
            ),
            (
                "ValidationError",
                "The instance i-1 is not in InService or EnteringStandby or Standby.",
                400,
                FailureKind::Conflict,
            ),
            (
                "ValidationError",
                "New SetDesiredCapacity value 9 is above max value 5 for the AutoScalingGroup.",
                400,
                FailureKind::Invalid,
            ),
        ] {
            assert_eq!(kind_of(code, message, status), kind, "{code}: {message}");
        }
    }

    #[test]
    fn an_encoded_policy_never_reaches_the_sentence() {
        let message = "You are not authorized. Encoded authorization failure message: AbC123";
        assert_eq!(
            told("UnauthorizedOperation", message),
            "You are not authorized (UnauthorizedOperation)"
        );
    }

    #[test]
    fn a_long_message_is_cut_on_one_line() {
        let long = "wide\u{2003}text\n".repeat(100);
        let cut = cut(&long);
        assert_eq!(cut.chars().count(), N_CHARS_MAX + 1);
        assert!(cut.starts_with("wide text wide") && cut.ends_with('…'));
    }
}
