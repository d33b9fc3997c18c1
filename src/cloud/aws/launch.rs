//! What a group launches from: made as a copy with another image, and put in use.

use aws_sdk_autoscaling::{
    error::SdkError,
    operation::create_launch_configuration::CreateLaunchConfigurationError,
    types::{
        LaunchConfiguration, LaunchTemplate, LaunchTemplateSpecification, MixedInstancesPolicy,
    },
};
use aws_sdk_ec2::types::RequestLaunchTemplateData;

use super::{
    apply::{invalid, receipt},
    errors::explain,
    open::Writers,
};
use crate::{
    cloud::Error,
    fleet::{Call, ImageId, LaunchSource, PoolKey, Receipt, TemplateVersion},
};

/// Copies a version of a launch template with another image.
///
/// EC2 answers a token that it has seen with the version that was made then.
pub(super) async fn create_version(
    writers: &Writers,
    call: &Call,
    from: &TemplateVersion,
    image: Option<&ImageId>,
    token: &str,
) -> Result<Receipt, Error> {
    let Some(image) = image else {
        return Err(invalid(
            call,
            "a version that changes nothing cannot be made",
        ));
    };
    let data = RequestLaunchTemplateData::builder().image_id(image.as_str());
    let request = writers.ec2.create_launch_template_version();
    let request = match &from.id {
        Some(id) => request.launch_template_id(id),
        None => request.launch_template_name(&from.name),
    };
    let request = request
        .source_version(&from.version)
        .client_token(token)
        .version_description(format!("pooldeck {token}"))
        .launch_template_data(data.build());
    let answer = request.send().await;
    let version = answer
        .as_ref()
        .ok()
        .and_then(|it| it.launch_template_version()?.version_number());
    let made = version.map(|it| it.to_string());
    receipt(call, answer).map(|it| Receipt { made, ..it })
}

/// Copies a launch configuration with another image; one of our name is ours, whoever asked.
pub(super) async fn copy_configuration(
    writers: &Writers,
    call: &Call,
    from: &str,
    name: &str,
    image: Option<&ImageId>,
) -> Result<Receipt, Error> {
    let source = read_configuration(writers, call, from).await?;
    let image = image.map(ImageId::as_str).or(source.image_id());
    let request = writers
        .scaling
        .create_launch_configuration()
        .launch_configuration_name(name)
        .set_image_id(image.map(str::to_owned))
        .set_key_name(some(source.key_name))
        .set_security_groups(source.security_groups)
        .set_user_data(some(source.user_data))
        .set_instance_type(source.instance_type)
        .set_kernel_id(some(source.kernel_id))
        .set_ramdisk_id(some(source.ramdisk_id))
        .set_block_device_mappings(source.block_device_mappings.filter(|it| !it.is_empty()))
        .set_instance_monitoring(source.instance_monitoring)
        .set_spot_price(source.spot_price)
        .set_iam_instance_profile(source.iam_instance_profile)
        .set_ebs_optimized(source.ebs_optimized)
        .set_associate_public_ip_address(source.associate_public_ip_address)
        .set_placement_tenancy(source.placement_tenancy)
        .set_metadata_options(source.metadata_options);
    let answer = request.send().await;
    let is_there = matches!(
        &answer,
        Err(SdkError::ServiceError(it))
            if matches!(it.err(), CreateLaunchConfigurationError::AlreadyExistsFault(_))
    );
    if is_there {
        return Ok(Receipt {
            message: Some(format!("{name} was made before")),
            made: Some(name.to_owned()),
            ..Receipt::default()
        });
    }
    let made = Some(name.to_owned());
    receipt(call, answer).map(|it| Receipt { made, ..it })
}

async fn read_configuration(
    writers: &Writers,
    call: &Call,
    name: &str,
) -> Result<LaunchConfiguration, Error> {
    let request = writers.scaling.describe_launch_configurations();
    let answer = request.launch_configuration_names(name).send().await;
    let what = format!("read launch configuration {name}");
    let answer = answer.map_err(|it| explain(&what, &it))?;
    let found = answer.launch_configurations.unwrap_or_default();
    found
        .into_iter()
        .next()
        .ok_or_else(|| invalid(call, &format!("launch configuration {name} does not exist")))
}

/// AWS lists what is not set as an empty word, and refuses one.
fn some(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.is_empty())
}

/// Points a group at what it launches from; a mixed policy keeps its types and its spread.
pub(super) async fn launch_from(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    source: &LaunchSource,
) -> Result<Receipt, Error> {
    let request = writers.scaling.update_auto_scaling_group();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let version = match source {
        LaunchSource::Configuration(name) => {
            let request = request.launch_configuration_name(name);
            return receipt(call, request.send().await);
        }
        LaunchSource::Template(it) => it,
    };
    let wanted = specification(version);
    let request = match mixed_policy(writers, call, pool).await? {
        None => request.launch_template(wanted),
        Some(policy) => request.mixed_instances_policy(with_version(call, policy, wanted)?),
    };
    receipt(call, request.send().await)
}

async fn mixed_policy(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
) -> Result<Option<MixedInstancesPolicy>, Error> {
    let request = writers.scaling.describe_auto_scaling_groups();
    let answer = request.auto_scaling_group_names(pool.name.as_str());
    let what = format!("read group {}", pool.name);
    let answer = answer.send().await.map_err(|it| explain(&what, &it))?;
    let group = answer.auto_scaling_groups.unwrap_or_default().pop();
    let group = group.ok_or_else(|| invalid(call, "the group does not exist"))?;
    Ok(group.mixed_instances_policy)
}

fn with_version(
    call: &Call,
    mut policy: MixedInstancesPolicy,
    wanted: LaunchTemplateSpecification,
) -> Result<MixedInstancesPolicy, Error> {
    let mut template = policy
        .launch_template
        .take()
        .unwrap_or_else(|| LaunchTemplate::builder().build());
    let overrides = template.overrides();
    let has_own = overrides
        .iter()
        .any(|it| it.launch_template_specification().is_some() || it.image_id().is_some());
    if has_own {
        let why = "its mixed policy names templates or images of its own for some instance types; \
                   change those by hand";
        return Err(invalid(call, why));
    }
    template.launch_template_specification = Some(wanted);
    policy.launch_template = Some(template);
    Ok(policy)
}

fn specification(version: &TemplateVersion) -> LaunchTemplateSpecification {
    let specification = LaunchTemplateSpecification::builder().version(&version.version);
    match &version.id {
        Some(id) => specification.launch_template_id(id),
        None => specification.launch_template_name(&version.name),
    }
    .build()
}
