//! Puts prices on what the doors saw: the doors know machines, the book knows prices.

use std::{collections::HashMap, sync::Arc};

use crate::{
    cost::PriceBook,
    fleet::{Fleet, Instance, InstanceId, Part, PoolKey, Price},
};

/// The rows that were priced last, so that one that did not change is not copied again.
#[derive(Default)]
pub(super) struct Stamps {
    book: Arc<PriceBook>,
    /// As the door gave it, and with its price.
    instances: HashMap<InstanceId, (Arc<Instance>, Arc<Instance>)>,
}

impl Stamps {
    pub(super) fn new(book: Arc<PriceBook>) -> Self {
        Self {
            book,
            ..Self::default()
        }
    }

    /// Takes newer prices; then every row is priced anew.
    pub(super) fn renew(&mut self, book: &Arc<PriceBook>) {
        if !Arc::ptr_eq(&self.book, book) {
            *self = Self::new(book.clone());
        }
    }

    /// Prices the machines of all parts.
    pub(super) fn stamp(&mut self, parts: &mut [Part]) {
        let mut old = std::mem::take(&mut self.instances);
        for instance in parts.iter_mut().flat_map(|it| &mut it.instances) {
            let stamped = match old.remove(&instance.id) {
                Some((raw, stamped)) if Arc::ptr_eq(&raw, instance) => stamped,
                _ => self.stamped(instance),
            };
            let raw = std::mem::replace(instance, stamped.clone());
            self.instances.insert(raw.id.clone(), (raw, stamped));
        }
    }

    /// Says of every pool what one more instance would cost.
    pub(super) fn look_ahead(&self, fleet: &mut Fleet) {
        let prices = fleet.pools.iter().filter_map(|(key, pool)| {
            let price = self.book.next_price(fleet, pool)?;
            Some((key.clone(), price))
        });
        let prices: Vec<(PoolKey, Price)> = prices.collect();
        for (key, price) in prices {
            if let Some(pool) = fleet.pools.get_mut(&key) {
                Arc::make_mut(pool).next_price = Some(price);
            }
        }
    }

    fn stamped(&self, instance: &Arc<Instance>) -> Arc<Instance> {
        let price = self.book.price(instance);
        if instance.price == price {
            return instance.clone();
        }
        Arc::new(Instance {
            price,
            ..Instance::clone(instance)
        })
    }
}
