//! A console whose screen or whose door breaks: what tests/pty looks at.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use pooldeck::{
    action::Policy,
    cloud::{Cloud, Error, Reading},
    engine::{self, Actor, Clock, Config, Detach, Doors, Keeping, Pricing},
    fleet::{
        Activity, Call, ConsoleOutput, Identity, InstanceId, PoolKey, Receipt, Scope, Timestamp,
    },
    operation::OnQuit,
    tui::{self, ColourDepth, Glyphs, Keymap, Multiplexer, Options, Theme},
};

/// A door to AWS that breaks when it is used.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Cloud for Broken {
    fn scope(&self) -> Scope {
        Scope {
            id: "broken/us-east-1".into(),
            profile: None,
            region: "us-east-1".into(),
            alias: "broken".to_owned(),
            environment: None,
            read_only: true,
            identity: None,
        }
    }

    async fn identify(&self) -> Result<Identity, Error> {
        panic!("the door broke")
    }

    async fn observe(&self, _now: Timestamp) -> Result<Reading, Error> {
        panic!("the door broke")
    }

    async fn activities(&self, _pool: &PoolKey) -> Result<Vec<Activity>, Error> {
        panic!("the door broke")
    }

    async fn console_output(&self, _instance: &InstanceId) -> Result<ConsoleOutput, Error> {
        panic!("the door broke")
    }

    async fn apply(&self, _call: &Call) -> Result<Receipt, Error> {
        panic!("the door broke")
    }

    fn n_requests(&self) -> u64 {
        0
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let how = std::env::args().nth(1);
    let doors = match how.as_deref() {
        Some("task") => Doors {
            clouds: vec![Arc::new(Broken)],
            cis: Vec::new(),
        },
        _ => Doors::default(),
    };
    let config = Config {
        interval: Duration::from_secs(10),
        policy: Policy::default(),
        links: Vec::new(),
        pricing: Pricing::default(),
        state_dir: None,
        actor: Actor::default(),
        history: Keeping::Off,
        namespace: pooldeck::fleet::Namespace::default(),
        detach: Detach::Not("it breaks"),
    };
    let (handle, events) = engine::start(doors, config, Clock::system());
    let wrong = |it: tui::Faults| std::io::Error::other(it.to_string());
    let options = Options {
        keymap: Keymap::load("default", None).map_err(wrong)?,
        theme: Theme::load("dark", None, ColourDepth::True, Glyphs::Unicode).map_err(wrong)?,
        multiplexer: Multiplexer::None,
        on_quit: OnQuit::Stop,
    };
    let console = tui::run(handle, events, options);
    if how.as_deref() == Some("screen") {
        // The same task holds the terminal, and goes down with this.
        let breaks = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            panic!("the screen broke")
        };
        tokio::select! {
            ended = console => ended.map(drop),
            () = breaks => Ok(()),
        }
    } else {
        console.await.map(drop)
    }
}
