//! The demo's controllers, and the jobs that they get.

use crate::{
    fleet::Grade,
    sim::scenario::{ControllerSpec, LoadSpec, Project},
};

pub(super) fn us_controller() -> ControllerSpec {
    ControllerSpec {
        name: "jenkins-us".into(),
        grade: Grade::Durable,
        url: "https://jenkins-us.demo.example/".to_owned(),
        loads: vec![
            load(
                "workhorse",
                58,
                vec![
                    Project::new("api/unit-tests", 120, 1200),
                    Project::new("api/integration", 300, 2400),
                    Project::new("web/build", 150, 900),
                    Project::new("web/lint", 40, 200),
                    Project::new("billing/nightly-replay", 1500, 5400),
                ],
            ),
            load(
                "release",
                11,
                vec![
                    Project::new("release/package", 600, 2400),
                    Project::new("release/sign-and-publish", 900, 4500),
                ],
            ),
            LoadSpec {
                backlog: 11,
                ..load("gpu", 9, vec![Project::new("ml/train-eval", 900, 5400)])
            },
            // Nobody serves this label: what waits for it waits for ever.
            LoadSpec {
                backlog: 2,
                ..load("freebsd", 1, vec![Project::new("ports/build", 600, 1200)])
            },
            load(
                "windows",
                19,
                vec![
                    Project::new("desktop/msbuild", 600, 2400),
                    Project::new("desktop/installer", 300, 1200),
                ],
            ),
            load(
                "ios",
                14,
                vec![
                    Project::new("mobile/ios-archive", 600, 1800),
                    Project::new("mobile/ios-ui-tests", 400, 2700),
                ],
            ),
        ],
    }
}

pub(super) fn eu_controller() -> ControllerSpec {
    ControllerSpec {
        name: "jenkins-eu".into(),
        grade: Grade::Durable,
        url: "https://jenkins-eu.demo.example/".to_owned(),
        loads: vec![
            load(
                "arm-linux",
                43,
                vec![
                    Project::new("api/unit-tests-arm", 150, 1300),
                    Project::new("images/build-arm64", 300, 2000),
                    Project::new("compat/kernel-matrix", 600, 3000),
                ],
            ),
            load(
                "browsers",
                105,
                vec![
                    Project::new("web/e2e-chrome", 200, 1500),
                    Project::new("web/e2e-firefox", 200, 1700),
                    Project::new("web/visual-diff", 90, 600),
                ],
            ),
        ],
    }
}

fn load(label: &str, jobs_per_hour: u32, projects: Vec<Project>) -> LoadSpec {
    LoadSpec {
        label: label.to_owned(),
        projects,
        jobs_per_hour,
        night_percent: 70,
        backlog: 0,
    }
}
