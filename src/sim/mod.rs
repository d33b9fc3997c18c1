//! A simulated AWS account and its CI controllers: synchronous, seeded, without
//! a clock. The same seed and the same calls give the same story.

mod activity;
mod agent;
mod big;
mod call;
mod console;
mod cordon;
mod deed;
mod demo;
mod dice;
mod door;
mod faults;
mod gate;
mod group;
mod happening;
mod history;
mod hook;
mod image;
mod job;
mod launch;
mod machine;
mod make;
mod member;
mod observe;
mod observe_ci;
mod past;
mod policy;
mod price;
mod reconcile;
mod refresh;
mod refusal;
mod registration;
mod scenario;
mod spot;
mod start;
mod terminate;
mod trouble;
mod verb;
mod victim;
mod warm;
mod weather;
mod world;

pub use agent::{Agent, Controller, Run};
pub use big::big;
pub use deed::Deed;
pub use demo::{DEMO_WARM_UP, Demo, demo};
pub use door::{SharedWorld, SimCi, SimCloud, share};
pub use faults::{CiFaults, CloudFaults, Faults, Weather};
pub use group::Group;
pub use history::{Death, Doom, History, Launch, Outcomes};
pub use image::ImageTrait;
pub use machine::{HookWait, Machine};
pub use past::Teller;
pub use refresh::{RefreshSpec, Reluctant};
pub use scenario::{
    AgentNames, ControllerSpec, HostSpec, LoadSpec, PoolSpec, Project, RegionSpec, ScalingPolicy,
    Scenario, Shortage,
};
pub use world::{Published, World};
