//! What machines cost in the simulated region: a plausible list, and a spot
//! market that moves every hour or two. A function of the time, so that no seed
//! plays differently for being priced.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher as _},
    time::Duration,
};

use crate::fleet::{ListPrice, Region, SpotPrice, Timestamp, Usd};

const ZONES: [&str; 3] = ["a", "b", "c"];
const PLATFORM: &str = "Linux/UNIX";

/// Returns the spot prices that hold at a time, each since its own last step.
pub(super) fn spot_prices(
    region: &Region,
    types: &BTreeSet<String>,
    now: Timestamp,
) -> Vec<SpotPrice> {
    let quotes = types.iter().flat_map(|instance_type| {
        ZONES.iter().filter_map(move |zone| {
            let zone = format!("{region}{zone}");
            let list = list_price(instance_type)?;
            let luck = |step: u64| luck(&(&zone, instance_type, step));
            // Each market has its own step, of 60 to 119 minutes.
            let step = Duration::from_mins(60 + luck(0) % 60);
            let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
            let n_steps = now.as_millis().div_euclid(millis);
            let percent = 28 + luck(n_steps.unsigned_abs().wrapping_add(1)) % 30;
            Some(SpotPrice {
                per_hour: list.share(percent, 100),
                instance_type: instance_type.clone(),
                zone: zone.clone(),
                platform: PLATFORM.to_owned(),
                since: Timestamp::from_millis(n_steps * millis),
            })
        })
    });
    quotes.collect()
}

/// Returns the list prices of what the list has: machines of Apple are not in it.
pub(super) fn list_prices(region: &Region, wanted: &BTreeSet<(String, String)>) -> Vec<ListPrice> {
    let listed = wanted.iter().filter_map(|(instance_type, platform)| {
        let usd_per_hour = match platform.as_str() {
            PLATFORM => list_price(instance_type)?,
            "Windows" => windows_price(instance_type)?,
            _ => return None,
        };
        Some(ListPrice {
            region: region.to_string(),
            instance_type: instance_type.clone(),
            platform: platform.clone(),
            usd_per_hour,
        })
    });
    listed.collect()
}

/// Returns what a machine costs with the licence of its system.
pub(super) fn windows_price(instance_type: &str) -> Option<Usd> {
    list_price(instance_type).map(|it| it.share(185, 100))
}

/// Returns a price by the size of the machine, near those of AWS.
pub(super) fn list_price(instance_type: &str) -> Option<Usd> {
    let (family, size) = instance_type.split_once('.')?;
    let large = match family.chars().next()? {
        'c' => 85,
        'm' if !family.starts_with("mac") => 100,
        'r' => 126,
        'g' => 300,
        't' => 83,
        _ => return None,
    };
    let n_larges = match size {
        "large" => 1,
        "xlarge" => 2,
        _ => 2 * size.strip_suffix("xlarge")?.parse::<u64>().ok()?,
    };
    Some(Usd::from_nanos(1_000_000).share(large * n_larges, 1))
}

fn luck(of: &impl Hash) -> u64 {
    // Its keys are fixed: the same question gets the same answer in every run.
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish() >> 8
}
