//! A controller whose door could not be opened: its row says why, and nothing else changes.

use async_trait::async_trait;

use super::{Ci, Error, Reading};
use crate::fleet::{Call, Controller, ControllerName, Grade, Receipt, Timestamp};

/// Stands for a controller that is configured wrongly.
#[derive(Debug)]
pub struct Unopened {
    controller: Controller,
    error: Error,
}

impl Unopened {
    pub fn new(name: ControllerName, kind: &str, error: Error) -> Self {
        let mut controller = Controller::new(name, kind, Grade::ReadOnly);
        controller.warnings.push(error.what.clone());
        Self { controller, error }
    }
}

#[async_trait]
impl Ci for Unopened {
    fn name(&self) -> ControllerName {
        self.controller.name.clone()
    }

    fn describe(&self) -> Controller {
        self.controller.clone()
    }

    async fn observe(&self, _: Timestamp) -> Result<Reading, Error> {
        Err(self.error.clone())
    }

    async fn apply(&self, _: &Call) -> Result<Receipt, Error> {
        Err(self.error.clone())
    }

    fn n_requests(&self) -> u64 {
        0
    }
}
