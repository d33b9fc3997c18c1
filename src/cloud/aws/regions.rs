//! The regions by name, to doubt one that nobody has heard of.

use crate::fleet::{Region, nearest};

/// The regions of the partitions `aws`, `aws-cn` and `aws-us-gov`.
///
/// As "AWS Regions" of the AWS General Reference lists them, early in 2026. New
/// ones come every year, so a name that is not here is doubted, never refused.
const KNOWN: [&str; 40] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-west-1",
    "us-west-2",
];

/// Says that nobody knows a region, and which was probably meant; `None` for a known one.
pub(super) fn doubt(region: &Region, place: Option<&str>) -> Option<String> {
    let name = region.as_str();
    if KNOWN.contains(&name) {
        return None;
    }
    let place = place.map_or(String::new(), |it| format!("{it}: "));
    let hint = nearest(name, KNOWN).map_or(String::new(), |it| format!("; did you mean `{it}`?"));
    Some(format!("{place}no region is known as `{name}`{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_region_is_doubted_and_a_known_one_is_not() {
        assert_eq!(doubt(&"eu-west-1".into(), Some("--region")), None);
        assert_eq!(
            doubt(&"eu-wets-1".into(), Some("config.toml:3: regions")).as_deref(),
            Some(
                "config.toml:3: regions: no region is known as `eu-wets-1`; did you mean `eu-west-1`?"
            )
        );
    }
}
