//! The way in for our own writes: what a bad network and a busy service do to them.

use super::{dice, history::Doom, refusal::Refused, world::World};
use crate::{
    cloud,
    fleet::{Call, FailureKind, Receipt, SourceId},
};

impl World {
    /// Makes one write, once, with all that may happen to it on its way there and back.
    pub fn apply(&mut self, call: &Call) -> Result<Receipt, cloud::Error> {
        let operation = call.operation();
        self.check_door(&call.source(), operation)?;
        let duplicated = self.faults.cloud.duplicated;
        let (lost_call, lost_reply) = match call.source() {
            SourceId::Scope(_) => (self.faults.cloud.lost_call, self.faults.cloud.lost_reply),
            SourceId::Controller(_) => (0.0, self.faults.ci.lost_reply),
        };
        if dice::happens(&mut self.dice.door, lost_call) {
            return Err(no_answer(operation));
        }
        let request_id = dice::uuid(&mut self.dice.door);
        self.carry_out(call, Doom::TerminatedByUs)
            .map_err(|refused| cloud::Error {
                request_id: Some(request_id.clone()),
                ..refused.into_error(operation)
            })?;
        if dice::happens(&mut self.dice.door, duplicated) {
            let _ = self.carry_out(call, Doom::TerminatedByUs);
            self.history.duplicates.push(call.clone());
        }
        if dice::happens(&mut self.dice.door, lost_reply) {
            return Err(no_answer(operation));
        }
        Ok(Receipt {
            request_id: Some(request_id),
            message: None,
            made: self.made_by(call),
        })
    }

    /// Fails as the source would before it even looks at a request.
    pub(super) fn check_door(
        &mut self,
        source: &SourceId,
        operation: &str,
    ) -> Result<(), cloud::Error> {
        if self.is_silent(source) {
            return Err(no_answer(operation));
        }
        match source {
            SourceId::Scope(_) => self.check_cloud_door(operation),
            SourceId::Controller(name) => {
                let (refused, login) = (self.faults.ci.refused, self.faults.ci.login_page);
                // One throw for both, so that a page instead of a 500 changes no other chance.
                let roll = if 0.0 < refused + login {
                    self.dice.door.f64()
                } else {
                    1.0
                };
                if roll < refused {
                    return Err(cloud::Error::new(
                        FailureKind::Unknown,
                        format!("{operation}: {name} answered 500 Internal Server Error"),
                    ));
                }
                if roll < refused + login {
                    return Err(cloud::Error::new(
                        FailureKind::Credentials,
                        format!(
                            "{operation}: {name} answered 200 with a web page, as a login page does"
                        ),
                    ));
                }
                Ok(())
            }
        }
    }

    fn check_cloud_door(&mut self, operation: &str) -> Result<(), cloud::Error> {
        let faults = &self.faults.cloud;
        let fail = |kind, code, message: String| {
            Err(Refused {
                kind,
                code,
                message,
            }
            .into_error(operation))
        };
        if faults.credentials_end.is_some_and(|it| it <= self.now) {
            let message = "The security token included in the request is expired".to_owned();
            return fail(FailureKind::Credentials, "ExpiredToken", message);
        }
        if faults.denied.iter().any(|it| it == operation) {
            let message = format!("User is not authorized to perform: {operation}");
            return fail(FailureKind::Denied, "AccessDenied", message);
        }
        if dice::happens(&mut self.dice.door, faults.throttled) {
            return fail(
                FailureKind::Throttled,
                "Throttling",
                "Rate exceeded".to_owned(),
            );
        }
        if dice::happens(&mut self.dice.door, faults.server_error) {
            let message = "An internal error has occurred".to_owned();
            return fail(FailureKind::Unknown, "InternalFailure", message);
        }
        Ok(())
    }
}

impl Refused {
    fn into_error(self, operation: &str) -> cloud::Error {
        cloud::Error::new(
            self.kind,
            format!("{operation}: {}: {}", self.code, self.message),
        )
    }
}

fn no_answer(operation: &str) -> cloud::Error {
    cloud::Error::new(
        FailureKind::Unknown,
        format!("{operation}: no answer within 10 s"),
    )
}
