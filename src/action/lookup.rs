//! What has to be looked up before an action can be planned for certain: images, and the versions
//! that name them.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    grammar::{Action, RefreshAnswer},
    rolling::Pools,
};
use crate::fleet::{
    Fleet, ImageId, InstanceId, LaunchSource, Lookup, Pool, PoolKey, PoolKind, PoolName, ScopeId,
    Template,
};

impl Action {
    /// Returns the images that have to be looked up before it can be planned for certain: those
    /// of the versions that were found, too.
    pub fn images(&self, fleet: &Fleet) -> BTreeSet<(ScopeId, ImageId)> {
        let mut images = BTreeSet::new();
        let mut want = |pool: &Pool, image: ImageId| {
            let now = pool.template.as_ref().and_then(|it| it.image.clone());
            let both = std::iter::once(image).chain(now);
            images.extend(both.map(|it| (pool.scope.clone(), it)));
        };
        if let Self::Reami(reami) = self
            && let Some((pools, image)) = reami.pools.as_ref().zip(reami.image.as_ref())
        {
            for name in &pools.0 {
                for pool in pools_of(fleet, name, reami.terms.scope.as_ref()) {
                    want(pool, image.clone());
                }
            }
        }
        for (pool, source) in self.versions(fleet) {
            if let Some(Lookup::Found(Template {
                image: Some(image), ..
            })) = fleet.source(&pool.scope, &source)
            {
                want(pool, image.clone());
            }
        }
        images
    }

    /// Returns the template versions and launch configurations that have to be looked up.
    pub fn sources(&self, fleet: &Fleet) -> BTreeSet<(ScopeId, LaunchSource)> {
        let versions = self.versions(fleet);
        versions
            .map(|(pool, source)| (pool.scope.clone(), source))
            .collect()
    }

    /// Returns the pools of the instances that go of which nobody has read the hooks yet.
    pub fn unread_hooks(&self, fleet: &Fleet) -> BTreeSet<PoolKey> {
        let named: &[InstanceId] = match self {
            Self::Drain { drained, .. } => &drained.instances,
            Self::Terminate { instances, .. } => &instances.instances,
            _ => &[],
        };
        let homes = named
            .iter()
            .filter_map(|id| fleet.instances.get(id)?.pool.clone());
        let is_unread = |it: &PoolKey| {
            let pool = fleet.pool(it);
            pool.is_some_and(|it| it.kind == PoolKind::Group && it.hooks_read_at.is_none())
        };
        homes.filter(is_unread).collect()
    }

    /// Returns the pools that shall launch a version by its number, each with that version.
    fn versions<'a>(
        &'a self,
        fleet: &'a Fleet,
    ) -> impl Iterator<Item = (&'a Arc<Pool>, LaunchSource)> {
        let pools = |it: &'a Option<Pools>| it.iter().flat_map(|it| &it.0);
        let (named, scope): (Vec<(&PoolName, &String)>, _) = match self {
            Self::Reami(it) => {
                let version = it.template_version.iter();
                let named =
                    version.flat_map(|version| pools(&it.pools).map(move |of| (of, version)));
                (named.collect(), it.terms.scope.as_ref())
            }
            Self::Rollback(it) => (
                pools(&it.pools).zip(&it.to).collect(),
                it.terms.scope.as_ref(),
            ),
            Self::Refresh {
                answer: RefreshAnswer::Start,
                pool,
                terms,
            } => (
                pool.pool.iter().zip(&terms.template_version).collect(),
                pool.scope.as_ref(),
            ),
            _ => (Vec::new(), None),
        };
        let named = named.into_iter().filter(|it| !it.1.starts_with('$'));
        named.flat_map(move |(name, version)| {
            let pools = pools_of(fleet, name, scope);
            pools.filter_map(move |pool| {
                let source = pool.template.as_ref()?.source()?;
                Some((pool, source.at(version)))
            })
        })
    }
}

/// Returns the pools of a name, in one scope or in all.
fn pools_of<'a>(
    fleet: &'a Fleet,
    name: &PoolName,
    scope: Option<&ScopeId>,
) -> impl Iterator<Item = &'a Arc<Pool>> {
    let named = fleet.pools_named(name.as_str()).into_iter();
    named.filter(move |it| scope.is_none_or(|scope| it.scope == *scope))
}
