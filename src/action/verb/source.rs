//! Whether what a pool shall launch can be launched at all: its image, its version.

use std::fmt;

use crate::{
    action::{draft::Draft, plan::Refusal},
    fleet::{ImageId, LaunchSource, Lookup, Pool, Template},
};

/// Refuses a version, or a configuration, that is not there or whose image cannot be launched.
pub(super) fn check_source(
    draft: &mut Draft<'_>,
    pool: &Pool,
    template: &Template,
    wanted: &LaunchSource,
) -> Result<(), Refusal> {
    if let LaunchSource::Template(it) = wanted
        && it.version.parse::<u64>().is_err()
    {
        return Err(Refusal::Unsound(format!(
            "{} is not the number of a version of launch template {}",
            it.version, it.name
        )));
    }
    let missing = || match wanted {
        LaunchSource::Template(it) => format!(
            "launch template {} has no version {} in {}",
            it.name, it.version, pool.scope
        ),
        LaunchSource::Configuration(it) => {
            format!("there is no launch configuration {it} in {}", pool.scope)
        }
    };
    let lookup = draft.fleet.source(&pool.scope, wanted);
    let Some(found) = known(draft, lookup, wanted, missing)? else {
        return Ok(());
    };
    // A group may name its image itself, by its instance requirements or its parameters.
    let Some(image) = &found.image else {
        return Ok(());
    };
    if template.image.as_ref() == Some(image) {
        return Ok(());
    }
    check_image(draft, pool, template, image)?;
    let was = template.image.as_ref().map_or("not known", ImageId::as_str);
    draft.change(&pool.key(), "image", was, image);
    Ok(())
}

/// Returns what was found; `None` where that is not known, and a warning says why.
fn known<'a, T>(
    draft: &mut Draft<'_>,
    lookup: Option<&'a Lookup<T>>,
    wanted: &dyn fmt::Display,
    missing: impl FnOnce() -> String,
) -> Result<Option<&'a T>, Refusal> {
    match lookup {
        Some(Lookup::Found(it)) => return Ok(Some(it)),
        Some(Lookup::Missing) => return Err(Refusal::Unsound(missing())),
        Some(Lookup::Failed(why)) => draft.warn(format!("{wanted} could not be looked up: {why}")),
        None => draft.warn(format!("{wanted} is looked up before anything is called")),
    }
    Ok(None)
}

/// Refuses an image that is not there, not ready, or of another architecture.
pub(super) fn check_image(
    draft: &mut Draft<'_>,
    pool: &Pool,
    template: &Template,
    wanted: &ImageId,
) -> Result<(), Refusal> {
    let unsound = |why: String| Err(Refusal::Unsound(why));
    let missing = || {
        format!(
            "image {wanted} does not exist in {}, or is not shared with this account",
            pool.scope
        )
    };
    let lookup = draft.fleet.image(&pool.scope, wanted);
    let Some(image) = known(draft, lookup, wanted, missing)? else {
        return Ok(());
    };
    if !image.is_available() {
        return unsound(format!(
            "image {wanted} is {}; only one that is available can be launched",
            image.state
        ));
    }
    let old = template
        .image
        .as_ref()
        .and_then(|it| draft.fleet.image(&pool.scope, it));
    if let Some(Lookup::Found(old)) = old
        && let (Some(is), Some(was)) = (&image.architecture, &old.architecture)
        && is != was
    {
        return unsound(format!(
            "image {wanted} is for {is}, and {} launches machines for {was}",
            pool.key()
        ));
    }
    Ok(())
}
