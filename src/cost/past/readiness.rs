//! How long machines took to their first job, by image and type.

use std::{collections::BTreeMap, time::Duration};

use crate::fleet::{Boot, ImageId, PoolKey, Timestamp};

/// How long the machines of one image and type took.
#[derive(Clone, Debug, PartialEq)]
pub struct Readiness {
    pub pool: PoolKey,
    pub image: Option<ImageId>,
    pub instance_type: String,
    pub n_boots: usize,
    /// When the newest of them was asked for.
    pub newest_at: Option<Timestamp>,
    /// From the request, each.
    pub running: Option<Took>,
    pub registered: Option<Took>,
    pub first_job: Option<Took>,
}

/// How long a step took, of those that were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    pub n: usize,
    pub median: Duration,
    /// Nine of ten took no longer.
    pub p90: Duration,
}

impl Took {
    pub fn of(mut took: Vec<Duration>) -> Option<Self> {
        took.sort_unstable();
        let n = took.len();
        // The nearest rank: a duration that really was.
        let rank = |of_ten: usize| {
            took.get((n * of_ten).div_ceil(10).saturating_sub(1))
                .copied()
        };
        Some(Self {
            n,
            median: rank(5)?,
            p90: rank(9)?,
        })
    }
}

/// Groups boots by pool, image and type; the image that was asked for last comes first.
pub fn readiness(boots: &[Boot]) -> Vec<Readiness> {
    let mut groups: BTreeMap<_, Vec<&Boot>> = BTreeMap::new();
    for boot in boots {
        let key = (&boot.pool, &boot.image, &boot.instance_type);
        groups.entry(key).or_default().push(boot);
    }
    let mut found: Vec<Readiness> = groups
        .into_iter()
        .map(|((pool, image, instance_type), boots)| {
            let took = |until: fn(&Boot) -> Option<Timestamp>| {
                let took = boots.iter();
                let took = took.filter_map(|it| Some(until(it)?.since(it.requested_at?)));
                Took::of(took.collect())
            };
            Readiness {
                pool: pool.clone(),
                image: image.clone(),
                instance_type: instance_type.clone(),
                n_boots: boots.len(),
                newest_at: boots.iter().filter_map(|it| it.requested_at).max(),
                running: took(|it| it.running_at),
                registered: took(|it| it.registered_at),
                first_job: took(|it| it.first_job_at),
            }
        })
        .collect();
    found.sort_by(|a, b| {
        let newest = b.newest_at.cmp(&a.newest_at);
        a.pool.cmp(&b.pool).then(newest)
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_of_those_that_were_seen() {
        let boot = |image: &str, requested: i64, registered: Option<i64>| Boot {
            instance: format!("i-{requested}").into(),
            pool: PoolKey::new("prod/us-east-1", "workhorse"),
            image: Some(image.into()),
            instance_type: "c7i.2xlarge".to_owned(),
            zone: "us-east-1a".to_owned(),
            requested_at: Some(Timestamp::from_secs(requested)),
            running_at: None,
            registered_at: registered.map(|it| Timestamp::from_secs(requested + it)),
            first_job_at: None,
        };
        let boots = [
            boot("ami-old", 0, Some(100)),
            boot("ami-old", 10, Some(300)),
            boot("ami-old", 20, Some(200)),
            boot("ami-old", 30, None),
            boot("ami-new", 40, None),
        ];
        let found = readiness(&boots);
        assert_eq!(found[0].image, Some("ami-new".into()));
        assert_eq!(found[0].registered, None);
        let took = found[1].registered.unwrap();
        assert_eq!((took.n, found[1].n_boots), (3, 4));
        assert_eq!((took.median.as_secs(), took.p90.as_secs()), (200, 300));
    }
}
