//! Counts what AWS bills us for looking.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::fleet::OwnSpend;

/// Counts since the door was opened; requests that fail are billed, too.
#[derive(Debug, Default)]
pub(super) struct Meter {
    metrics_read: AtomicU64,
    metric_writes: AtomicU64,
    bills_read: AtomicU64,
}

impl Meter {
    pub(super) fn count_metrics(&self, n_metrics: usize) {
        self.metrics_read
            .fetch_add(n_metrics as u64, Ordering::Relaxed);
    }

    pub(super) fn count_writes(&self, n_requests: usize) {
        self.metric_writes
            .fetch_add(n_requests as u64, Ordering::Relaxed);
    }

    pub(super) fn count_bill(&self) {
        self.bills_read.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> OwnSpend {
        OwnSpend {
            n_metrics_read: self.metrics_read.load(Ordering::Relaxed),
            n_metric_writes: self.metric_writes.load(Ordering::Relaxed),
            n_bills_read: self.bills_read.load(Ordering::Relaxed),
        }
    }
}
