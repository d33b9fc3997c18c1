//! What others do to a group while an aborted roll takes back what was never launched.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, Process},
    operation::Decision,
    sim::{Deed, Faults, ImageTrait},
};

use crate::{
    bench::Driver,
    faults::{FAULTS, OF_DOORS, bad_weather},
    rolls::{NEW, key},
    withdrawals::{abort, capacity, is_held, set_bounds, surging_with},
};

const N_SEEDS: u64 = 400;

/// Something that somebody else does, and whether Terminate is theirs to keep after it.
fn deed(dice: &mut fastrand::Rng, driver: &Driver) -> (Deed, Option<bool>) {
    let (pool, capacity) = (key(), capacity(driver));
    let processes = vec![Process::Terminate];
    let deed = match dice.u8(..11) {
        0 => {
            let suspend = Call::SuspendProcesses { pool, processes };
            return (Deed::Call(suspend), Some(true));
        }
        1 => {
            let resume = Call::ResumeProcesses { pool, processes };
            return (Deed::Call(resume), Some(false));
        }
        2 => Deed::TerminateSomeBusy { pool },
        3 => Deed::StandBySome { pool },
        4 => Deed::Call(set_bounds(None, Some(capacity.max + 5))),
        5 => Deed::Call(set_bounds(None, Some(capacity.max - 1))),
        6 => Deed::Call(set_bounds(Some(capacity.min + 5), None)),
        7 | 8 => Deed::ChangeDesired { pool, by: -1 },
        _ => Deed::ChangeDesired {
            pool,
            by: dice.i32(1..3),
        },
    };
    (deed, None)
}

/// Runs one seed; `Err` is what was wrong in the end.
fn run(seed: u64) -> Result<(), String> {
    let mut dice = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let max_unavailable = u32::from(dice.u8(..4) == 0);
    let mut driver = surging_with(seed, |it| it.max_unavailable = max_unavailable);
    driver.checks.is_strict = false;
    if dice.bool() {
        let names = FAULTS[..OF_DOORS].iter().filter(|_| dice.bool());
        let names: Vec<String> = names.map(|it| it.0.to_owned()).collect();
        driver.world.set_faults(bad_weather(&names));
    }
    driver.crash_percent = if dice.u8(..3) == 0 { 3 } else { 0 };
    abort(&mut driver);
    let (mut is_theirs, mut end) = (false, None);
    for _ in 0..dice.u32(0..4) {
        let waits_for_hold = dice.bool();
        for _ in 0..dice.u32(1..90) {
            if end.is_none() && !(waits_for_hold && is_held(&driver)) {
                end = driver.step();
            }
        }
        for _ in 0..if waits_for_hold { dice.u32(0..10) } else { 0 } {
            end = end.or_else(|| driver.step());
        }
        if end.is_some() {
            break;
        }
        if dice.u8(..6) == 0 {
            let is_good = dice.bool();
            let is = if is_good {
                ImageTrait::Good
            } else {
                ImageTrait::Gone
            };
            driver.world.set_image(NEW.into(), is);
            continue;
        }
        let (deed, takes) = deed(&mut dice, &driver);
        if driver.world.meddle(&deed).is_ok() {
            is_theirs = takes.unwrap_or(is_theirs);
        }
        driver.advance(Duration::from_secs(1));
    }
    driver.world.set_faults(Faults::none());
    driver.crash_percent = 0;
    let end = match end {
        Some(end) => end,
        None => driver.try_run().map_err(|it| it.to_string())?,
    };
    if let Some(violation) = driver.violation.take() {
        return Err(violation.to_string());
    }
    if end != Decision::Done {
        return Err(format!("{end:?}"));
    }
    if is_held(&driver) && !is_theirs {
        return Err("Terminate stays suspended".to_owned());
    }
    let verdict = driver.checks.at_rest(&driver.world);
    verdict.map_err(|it| it.to_string())
}

#[test]
fn whatever_others_do_meanwhile_the_group_ends_nobody_of_its_own_choice() {
    let failed = (0..N_SEEDS).filter_map(|seed| Some(format!("seed {seed}: {}", run(seed).err()?)));
    let failed: Vec<String> = failed.collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
