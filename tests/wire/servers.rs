//! The fixture itself: every server that the tests name is there and answers.

use crate::common::{Ministack, Moto, python_program};

#[test]
fn the_environment_brings_a_buildbot_master_and_worker() {
    for program in ["buildbot", "buildbot-worker"] {
        let output = python_program(program).arg("--version").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("4.3.0"), "{text}");
    }
}

#[test]
fn two_servers_of_a_kind_run_side_by_side() {
    let (one, other) = (Moto::start(), Moto::start());
    assert_ne!(one.endpoint(), other.endpoint());
    assert_eq!(one.requests(), []);
}

#[test]
fn ministack_answers_on_a_free_port() {
    assert!(
        Ministack::start()
            .endpoint()
            .starts_with("http://127.0.0.1:")
    );
}
