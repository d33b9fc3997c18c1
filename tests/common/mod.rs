//! Real servers for tests: each on a free loopback port, ended when its value is dropped.
//!
//! Nothing here reaches beyond loopback but the making of the Python environment.

#![allow(
    dead_code,
    unused_imports,
    reason = "every test binary compiles this and uses its part"
)]

mod buildbot;
mod ministack;
mod moto;
mod python;
mod tied;

pub(crate) use buildbot::{BUILDBOT_USER, BuildbotMaster};
pub(crate) use ministack::Ministack;
pub(crate) use moto::{Moto, Request};
pub(crate) use python::python_program;
pub(crate) use tied::{Tied, free_port, wait_for_http};
