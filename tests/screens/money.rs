//! What money goes to, as a graph and as a table.

use pooldeck::tui::{ColourDepth, Glyphs};

use crate::{
    goldens::check,
    known::{answer, money, open, open_priced, partly_unknown_money, sized},
    robot::Look,
};

#[test]
fn money_by_what_it_goes_to() {
    check(&open(sized(120, 36), "g b", money), "cost-graph");
    let mut robot = open(sized(80, 24), "g b", partly_unknown_money);
    check(&robot, "cost-graph-unknown-80x24");
    robot.press("left H H left left left left left left left left left left left left");
    robot.sees("(a price is unknown)");
    let mut robot = open_priced(sized(100, 30), "g b", money);
    robot.press("s s");
    answer(&mut robot, money);
    check(&robot, "cost-graph-pools");
    let ascii = Look {
        glyphs: Glyphs::Ascii,
        depth: ColourDepth::Mono,
        ..sized(80, 24)
    };
    let robot = open(ascii, "g b", money);
    assert!(robot.text().is_ascii(), "{}", robot.text());
    check(&robot, "cost-graph-ascii");
}

#[test]
fn what_every_pool_costs() {
    check(&open_priced(sized(120, 30), "g c", money), "cost");
    let robot = open_priced(sized(80, 24), "g c", money);
    robot.sees("machines of 5 pools have no known price");
    robot.sees("MONTH PRICE OF");
    check(&robot, "cost-80x24");
    let mut robot = open(sized(120, 30), "g c", money);
    robot.sees("machines of 7 pools have no known price, and are in no sum");
    robot.press("enter");
    robot.sees("by use");
}

#[test]
fn from_the_money_of_all_pools_the_dearest_is_looked_at() {
    for keys in ["g h", "g u", "g r"] {
        let mut robot = open_priced(sized(120, 30), "g c g b", money);
        robot.sees("$/h of all pools");
        robot.press(keys);
        let text = robot.text();
        assert!(
            !text.contains("no pool is under the cursor"),
            "{keys}: {text}"
        );
        assert!(!text.contains("$/h of all pools"), "{keys}: {text}");
    }
}

#[test]
fn where_no_money_was_seen_the_scale_is_still_one() {
    let robot = open(sized(80, 24), "g b", |_, _, _| None);
    robot.sees("nothing was seen in this time");
    robot.sees("$1 ┤");
    robot.sees("$0 ┤");
    robot.sees("█ busy —");
    let robot = open(sized(80, 24), "g b", |_, _, _| Some(0.0));
    robot.sees("$1 ┤");
    robot.sees("█ busy $0");
    // What is cheap has a scale of its own, whole.
    let robot = open(sized(80, 24), "g b", |_, _, _| Some(0.0042));
    robot.sees("$0.01 ┤");
}
