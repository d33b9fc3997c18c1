//! What a pool shall launch from now on, and whether that can be launched at all.

use super::Wanted;
use crate::{
    action::{
        draft::Draft,
        plan::Refusal,
        verb::source::{check_image, check_source},
    },
    fleet::{ImageId, LaunchSource, Phase, Pool, Template},
    operation::Change,
};

/// Works out what the pool shall launch, and whether that can be.
pub(super) fn change(
    draft: &mut Draft<'_>,
    pool: &Pool,
    template: &Template,
    from: &LaunchSource,
    wanted: Wanted<'_>,
) -> Result<Change, Refusal> {
    let key = pool.key();
    let image = match wanted {
        Wanted::Version(version) => {
            let source = from.at(version);
            if version.starts_with('$') {
                return Err(Refusal::Unsound(format!(
                    "{version} may mean something else tomorrow; name the number"
                )));
            }
            check_source(draft, pool, template, &source)?;
            draft.change(&key, "template", from, &source);
            return Ok(Change::Existing(source));
        }
        Wanted::Image(image) => image,
        Wanted::Bootstrap => template.image.as_ref().ok_or_else(|| {
            Refusal::Unsound(format!(
                "the image of {from} could not be read, so no version can be made of it"
            ))
        })?,
    };
    if matches!(wanted, Wanted::Image(_)) {
        if template.image.as_ref() == Some(image) {
            return Err(has_image(draft, pool, from, image));
        }
        check_image(draft, pool, template, image)?;
    }
    let is_was = template.image.as_ref().map_or("not known", ImageId::as_str);
    draft.change(&key, "image", is_was, image);
    draft.change(&key, "template", from, "a new version of it");
    Ok(Change::Copy {
        image: Some(image.clone()),
    })
}

/// Returns whether every member that serves was made from it.
pub(super) fn is_everywhere(draft: &Draft<'_>, pool: &Pool, source: &LaunchSource) -> bool {
    let members = &draft.fleet.roster(&pool.key()).instances;
    let mut serving = members.iter().filter(|it| it.phase() == Phase::InService);
    serving.all(|it| source.is_of(it))
}

/// Says that nothing is to be done, and by what members are replaced all the same.
fn has_image(draft: &Draft<'_>, pool: &Pool, from: &LaunchSource, image: &ImageId) -> Refusal {
    let afresh = "--bootstrap makes a version with the same image, and replaces all";
    Refusal::AlreadySo(if is_everywhere(draft, pool, from) {
        format!("{from} has {image} already, and every member is of it; {afresh}")
    } else {
        format!(
            "{from} has {image} already; `reami {} --template-version {}` replaces the members that are not of it; \
             {afresh}",
            pool.name,
            from.version()
        )
    })
}
