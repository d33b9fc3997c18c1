//! What the AWS configuration files say of a profile, read once and without the network.

use aws_config::profile::ProfileSet;
use aws_types::os_shim_internal::{Env, Fs};
use futures_util::FutureExt;

use super::open::Connection;
use crate::{
    cloud::Error,
    fleet::{FailureKind, Region, nearest},
};

/// Returns the region that a profile works in when the configuration names none.
///
/// The order is the AWS CLI's, but for the instance metadata: no network here.
pub fn default_region(profile: Option<&str>, connection: &Connection) -> Result<Region, Error> {
    Surroundings::real().default_region(profile, connection)
}

/// Refuses a profile that no file has, and names the nearest that one has.
pub(super) fn check(profile: Option<&str>, connection: &Connection) -> Result<(), Error> {
    Surroundings::real().check(profile, connection)
}

/// The environment and the files as the SDK sees them.
struct Surroundings {
    env: Env,
    fs: Fs,
}

impl Surroundings {
    fn real() -> Self {
        Self {
            env: Env::real(),
            fs: Fs::real(),
        }
    }

    fn default_region(
        &self,
        profile: Option<&str>,
        connection: &Connection,
    ) -> Result<Region, Error> {
        let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let from_env = variables
            .iter()
            .find_map(|it| self.env.get(it).ok().filter(|it| !it.is_empty()));
        if let Some(region) = from_env {
            return Ok(region.into());
        }
        // A profile that is not there has no region either, and that is not what is wrong with it.
        self.check(profile, connection)?;
        let profiles = self.load(connection)?;
        let name = profile.unwrap_or_else(|| profiles.selected_profile());
        let region = profiles.get_profile(name).and_then(|it| it.get("region"));
        region.map(Region::from).ok_or_else(|| {
            Error::new(
                FailureKind::Invalid,
                format!(
                    "no region for profile `{name}`: name one in `regions`, in AWS_REGION, \
                     or as `region` in {}",
                    self.file_names()
                ),
            )
        })
    }

    fn check(&self, profile: Option<&str>, connection: &Connection) -> Result<(), Error> {
        let profiles = self.load(connection)?;
        let from_env = || {
            // Keys in the environment win over AWS_PROFILE, as they do in the SDK.
            let has_keys = self.env.get("AWS_ACCESS_KEY_ID").is_ok();
            self.env.get("AWS_PROFILE").ok().filter(|_| !has_keys)
        };
        let Some(name) = profile.map(str::to_owned).or_else(from_env) else {
            return Ok(());
        };
        if profiles.get_profile(&name).is_some() {
            return Ok(());
        }
        let hint = match nearest(&name, profiles.profiles()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if profiles.is_empty() => "; there are no profiles at all".to_owned(),
            None => {
                let mut names: Vec<&str> = profiles.profiles().collect();
                names.sort_unstable();
                format!("; it has {}", names.join(", "))
            }
        };
        Err(Error::new(
            FailureKind::Invalid,
            format!("no profile `{name}` in {}{hint}", self.file_names()),
        ))
    }

    fn load(&self, connection: &Connection) -> Result<ProfileSet, Error> {
        let files = connection.profile_files.clone().unwrap_or_default();
        // The SDK reads the files without waiting, inside an `async fn`.
        aws_config::profile::load(&self.fs, &self.env, &files, None)
            .now_or_never()
            .expect("the files are read without waiting")
            .map_err(|error| {
                let why = std::error::Error::source(&error).map(ToString::to_string);
                Error::new(
                    FailureKind::Invalid,
                    format!(
                        "{} cannot be read: {error}{}",
                        self.file_names(),
                        why.map_or(String::new(), |it| format!(": {it}"))
                    ),
                )
            })
    }

    /// Returns the files as an operator names them, for messages.
    fn file_names(&self) -> String {
        let name = |variable, default: &str| self.env.get(variable).unwrap_or(default.to_owned());
        format!(
            "{} or {}",
            name("AWS_CONFIG_FILE", "~/.aws/config"),
            name("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(env: &[(&str, &str)], config: &str) -> Surroundings {
        let mut env = env.to_vec();
        env.push(("HOME", "/home/me"));
        Surroundings {
            env: Env::from_slice(&env),
            fs: Fs::from_slice(&[("/home/me/.aws/config", config)]),
        }
    }

    fn check(surroundings: &Surroundings, profile: Option<&str>) -> Result<(), String> {
        let checked = surroundings.check(profile, &Connection::default());
        checked.map_err(|it| it.what)
    }

    const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile ci-prod]\nregion = us-east-1\n\
                          [profile ci-staging]\nsso_start_url = x\n";

    #[test]
    fn a_missing_profile_names_the_nearest_one_and_the_file() {
        let ours = surroundings(&[], CONFIG);
        assert_eq!(check(&ours, Some("ci-prod")), Ok(()));
        assert_eq!(
            check(&ours, Some("ci-prd")),
            Err(
                "no profile `ci-prd` in ~/.aws/config or ~/.aws/credentials; \
                 did you mean `ci-prod`?"
                    .into()
            )
        );
        assert_eq!(
            check(&ours, Some("zzz")),
            Err("no profile `zzz` in ~/.aws/config or ~/.aws/credentials; \
                 it has ci-prod, ci-staging, default"
                .into())
        );
        let empty = surroundings(&[("AWS_CONFIG_FILE", "/etc/aws")], "");
        assert_eq!(
            check(&empty, Some("x")),
            Err(
                "no profile `x` in /etc/aws or ~/.aws/credentials; there are no profiles at all"
                    .into()
            )
        );
    }

    #[test]
    fn the_profile_of_the_environment_is_checked_unless_it_has_keys() {
        let named = surroundings(&[("AWS_PROFILE", "nope")], CONFIG);
        assert!(check(&named, None).is_err());
        let keys = [("AWS_PROFILE", "nope"), ("AWS_ACCESS_KEY_ID", "x")];
        assert_eq!(check(&surroundings(&keys, CONFIG), None), Ok(()));
        assert_eq!(
            check(&surroundings(&[], ""), None),
            Ok(()),
            "the default chain"
        );
    }

    #[test]
    fn the_region_comes_from_the_environment_before_the_profile() {
        let region = |env: &[(&str, &str)], profile| {
            let found = surroundings(env, CONFIG).default_region(profile, &Connection::default());
            found.map(|it| it.to_string()).map_err(|it| it.what)
        };
        assert_eq!(region(&[], None), Ok("eu-west-1".into()));
        assert_eq!(region(&[], Some("ci-prod")), Ok("us-east-1".into()));
        let env = [("AWS_DEFAULT_REGION", "ap-south-1")];
        assert_eq!(region(&env, Some("ci-prod")), Ok("ap-south-1".into()));
        let error = region(&[], Some("ci-staging")).unwrap_err();
        assert!(
            error.starts_with("no region for profile `ci-staging`"),
            "{error}"
        );
    }

    #[test]
    fn a_broken_file_is_named_and_explained() {
        let error = check(&surroundings(&[], "[default\nregion"), Some("x")).unwrap_err();
        assert!(
            error.contains("~/.aws/config") && error.contains("line"),
            "{error}"
        );
    }
}
