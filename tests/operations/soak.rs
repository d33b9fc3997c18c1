//! Mistakes that only a hundred thousand seeds showed, each by the shortest case found.

use crate::shrink::check;

fn check_line(line: &str) {
    check(&line.parse().unwrap());
}

/// The answer to a suspension was lost, somebody resumed a part of it, and it was asked for
/// again: what AWS had kept from the first time passed for somebody else's.
#[test]
fn seed_2962_a_suspension_without_an_answer_is_not_made_twice() {
    check_line(
        "seed=2962 verb=freeze targets=3 room=plenty calm=202 faults=stale,partial,throttled,error500,\
         lost-reply,lost-call,duplicated,false-idle,missing-agent,ci-refused,suspends",
    );
}

/// A clock was set forward by as much as AWS' clock may be from ours.
#[test]
fn seed_44050_a_suspension_is_known_by_the_clock_that_it_was_made_by() {
    check_line("seed=44050 verb=freeze targets=1 room=plenty calm=35 faults=sets-clock");
}

/// A clock was set back during the thaw, and the group was frozen anew.
#[test]
fn seed_55246_a_thaw_that_began_goes_on() {
    check_line(
        "seed=55246 verb=freeze targets=1 room=plenty calm=81 faults=stale,partial,throttled,error500,\
         lost-reply,lost-call,duplicated,false-idle,missing-agent,ci-refused,stands-by,sets-clock",
    );
}

/// A group lists a newcomer before EC2 knows of it, and four tries were over too soon; what
/// waited for it did not say that an operator is needed.
#[test]
fn seed_38610_a_newcomer_that_ec2_does_not_know_is_tried_for_minutes() {
    check_line(
        "seed=38610 verb=terminate-first targets=1 room=plenty calm=130 faults=stale,hidden,throttled,\
         error500,lost-reply,false-idle,missing-agent,ci-lost-reply,ci-refused,unprotects",
    );
    check_line(
        "seed=34375 verb=canary targets=3 room=plenty crash=3 calm=125 faults=stale,hidden,partial,\
         throttled,error500,lost-reply,lost-call",
    );
}

/// A page that could not be read kept a row from before our own protection.
#[test]
fn seed_38144_an_older_row_does_not_show_that_nothing_is_borrowed() {
    check_line(
        "seed=38144 verb=staged targets=1 room=none abort=226 calm=250 faults=stale,partial,throttled,\
         error500,lost-reply,lost-call,duplicated,no-capacity,false-idle,missing-agent,cordon-lost,\
         ci-lost-reply,ci-refused,spot,sick,agent-drops,cordon-cleared,restart,silence,foreign-hand,\
         terminates,unprotects,untags,uncordons,suspends,scales,changes-hook,stands-by,expires,sets-clock",
    );
}

/// An agent was missing from one reading, and its instance was given back with it closed.
#[test]
fn seed_39869_an_agent_that_is_missing_for_once_is_opened_again() {
    check_line(
        "seed=39869 verb=surge targets=1 room=plenty abort=116 calm=250 faults=stale,listed,partial,\
         throttled,error500,lost-reply,lost-call,duplicated,false-idle,missing-agent,cordon-delay,\
         cordon-lost,ci-lost-reply,ci-refused,suspends,stands-by",
    );
}

/// One that left by itself was closed without a mark, and a stale reading showed it back.
#[test]
fn seed_42785_what_was_closed_without_a_mark_is_opened_again() {
    check_line(
        "seed=42785 verb=surge targets=2 hook=true room=none abort=17 calm=21 faults=stale,partial,\
         lost-call,duplicated,cordon-lost,terminates,scales,changes-hook,stands-by",
    );
}

/// Max was raised twice, and the second answer was lost: the first was not known as ours.
#[test]
fn seed_70725_a_max_of_ours_is_given_back_whichever_is_in_force() {
    check_line(
        "seed=70725 verb=rollback targets=3 hook=true room=none crash=3 calm=81 faults=stale,partial,\
         throttled,error500,lost-reply,duplicated,false-idle,ci-refused,spot,silence,foreign-hand,\
         uncordons,suspends,scales,expires,sets-clock",
    );
}

/// Who resumed a paused roll forgave a newcomer whose agent never came, for ever.
#[test]
fn seed_72197_a_resumed_roll_gives_a_newcomer_one_more_boot_budget() {
    check_line("seed=72197 verb=surge targets=1 room=plenty pause=52 calm=64 faults=mute-image");
}

/// A reading from before a clock was set showed desired as it was before our own decrement,
/// and that passed for what somebody else wants.
#[test]
fn seed_68251_an_older_reading_tells_nothing_new_of_desired() {
    check_line(
        "seed=68251 verb=canary targets=1 hook=true room=plenty calm=31 faults=partial,throttled,error500,\
         lost-call,duplicated,false-idle,missing-agent,cordon-delay,cordon-lost,ci-lost-reply,ci-refused,\
         sets-clock",
    );
}

/// An older row still showed an instance whose termination had been answered, and desired
/// went down once more for it.
#[test]
fn seed_99689_a_termination_is_not_sent_again_by_an_older_row() {
    check_line(
        "seed=99689 verb=surge targets=3 hook=true room=plenty calm=125 faults=stale,partial,throttled,\
         error500,lost-reply,lost-call,duplicated,no-capacity,false-idle,missing-agent,cordon-delay,\
         cordon-lost,ci-lost-reply,ci-refused,spot,sick,agent-drops,cordon-cleared,restart,silence,\
         foreign-hand,sets-clock",
    );
}

/// An abort that was paused and resumed forgot that it was one, and went on forward.
#[test]
fn seed_171909_an_abort_is_not_paused() {
    check_line(
        "seed=171909 verb=rollback targets=1 hook=true room=plenty pause=427 abort=187 calm=202 \
         faults=stale,error500,lost-call,duplicated,cordon-lost,ci-refused,unprotects,uncordons,scales",
    );
}

/// Our clock was set by more than AWS' clock may be from it, and our suspension stayed.
#[test]
fn seed_192329_a_roll_knows_its_suspension_by_the_clock_that_it_was_made_by() {
    check_line("seed=192329 verb=surge targets=3 room=plenty calm=39 faults=sets-clock");
}

/// One in standby waited for one that had been too many and was not any more.
#[test]
fn seed_192545_nobody_waits_for_one_that_may_stay() {
    check_line(
        "seed=192545 verb=surge targets=1 room=plenty calm=202 faults=sick,cordon-cleared,silence,\
         foreign-hand,uncordons,suspends,stands-by",
    );
}

/// Four of nine jobs failed on good instances, and none of seventeen before: that was chance.
#[test]
fn seed_99655_a_few_failed_jobs_turn_nothing_back() {
    check_line(
        "seed=99655 verb=canary targets=1 room=plenty calm=294 faults=stale,listed,partial,throttled,\
         error500,lost-reply,lost-call",
    );
}

/// An agent beside another was missing from the reading after its instance was gone, and the
/// other was there and open: its own cordon stayed.
#[test]
fn seeds_7020_and_9151_each_agent_of_an_instance_that_is_gone_is_seen_open() {
    check_line(
        "seed=7020 verb=replace targets=1 hook=true room=plenty agents=2 calm=27 faults=partial,throttled,\
         duplicated,no-capacity,missing-agent,cordon-delay,ci-lost-reply,spot,cordon-cleared,restart,silence,\
         foreign-hand",
    );
    check_line(
        "seed=9151 verb=canary targets=2 hook=true room=none agents=2 calm=202 faults=stale,listed,partial,\
         throttled,error500,lost-reply,lost-call,duplicated,no-capacity,false-idle,missing-agent,cordon-delay,\
         cordon-lost,ci-lost-reply,ci-refused,spot,sick,agent-drops,cordon-cleared,restart,silence,foreign-hand,\
         unprotects,untags,uncordons,changes-hook,stands-by,expires,sets-clock",
    );
}

/// A newcomer that is too many was there in one reading and not in the next, and its mark, which
/// was refused, was tried again at once.
#[test]
fn seed_51572_a_mark_that_was_refused_is_given_time_whatever_the_readings_show() {
    check_line(
        "seed=51572 verb=staged targets=3 hook=false room=plenty grade=atomic abort=208 calm=225 faults=stale,\
         hidden,throttled,lost-reply,no-capacity,missing-agent,cordon-lost,ci-lost-reply,ci-refused,spot,\
         agent-drops,cordon-cleared,restart,unprotects,suspends,stands-by,sets-clock",
    );
}

/// On its way to its hook an agent was missing from one reading, and a proof from before that was
/// still believed when the hook held it.
#[test]
fn seed_31100_what_is_doubted_on_the_way_to_a_hook_is_proven_anew() {
    check_line(
        "seed=31100 verb=staged targets=1 hook=true room=plenty crash=3 grade=atomic calm=202 faults=stale,partial,\
         throttled,error500,lost-reply,lost-call,duplicated,no-capacity,false-idle,missing-agent,cordon-lost,\
         ci-lost-reply,ci-refused,spot,sick,agent-drops,cordon-cleared,restart,silence,foreign-hand,terminates,\
         suspends,scales,changes-hook,stands-by,expires,sets-clock",
    );
}

/// A mark that was refused counted as begun for ever, and its instance as out of service.
#[test]
fn seed_59574_an_instance_whose_mark_was_refused_serves_on() {
    check_line(
        "seed=59574 verb=terminate-first targets=1 hook=true room=plenty calm=450 faults=stale,listed,partial,\
         throttled,error500,lost-reply,lost-call",
    );
}

/// Its agents were removed, and its group did not let it go: min forbids that.
#[test]
fn seed_93434_what_may_not_go_is_given_back_without_its_agents() {
    check_line(
        "seed=93434 verb=scale targets=3 hook=true room=plenty crash=0 agents=2 grade=atomic calm=2000 faults=\
         stale,hidden,listed,partial,throttled,error500,lost-reply,lost-call,duplicated,no-capacity,late-busy,\
         false-idle,missing-agent,cordon-delay,cordon-lost,ci-lost-reply,ci-refused,spot,sick,agent-drops,\
         cordon-cleared,restart,silence,foreign-hand,terminates,unprotects,untags,uncordons,suspends,scales,\
         changes-hook,stands-by,expires,sets-clock",
    );
}

/// A termination was lost on its way, and whom it named passed for gone for ever.
#[test]
fn seed_70373_a_termination_that_never_happened_is_not_waited_for() {
    check_line(
        "seed=70373 verb=surge targets=3 hook=false room=plenty abort=36 calm=162 faults=stale,partial,throttled,\
         error500,lost-reply,lost-call,lost-image",
    );
}

/// The answer for one agent kept another of the same instance waiting, until nobody looked for it.
#[test]
fn seed_46109_each_agent_is_opened_as_soon_as_it_is_seen() {
    check_line(
        "seed=46109 verb=surge targets=3 hook=false room=none agents=2 calm=225 faults=stale,listed,partial,\
         throttled,error500,lost-reply,lost-call,duplicated,no-capacity,false-idle,missing-agent,cordon-delay,\
         cordon-lost,ci-lost-reply,ci-refused,spot,sick,agent-drops,cordon-cleared,restart,silence,foreign-hand,\
         unprotects,sets-clock",
    );
}

/// A max was given back while those that had gone were still on their way out: the group was
/// larger than it, and wanted as many.
#[test]
fn seed_461_a_smaller_max_waits_for_whoever_is_on_the_way_out() {
    check_line("seed=461 verb=surge targets=2 room=one calm=100 faults=sets-clock");
    check_line(
        "seed=1761 verb=rollback targets=3 hook=true room=one grade=durable faults=stale,hidden,listed,partial",
    );
    // Of two that were terminated a reading showed both in service.
    check_line(
        "seed=75857 verb=surge targets=3 hook=true room=one crash=3 agents=2 calm=130 faults=stale,hidden,\
         listed,lost-reply,missing-agent,ci-lost-reply,spot,sick,silence",
    );
}

/// One that was given back was taken up again before its mark was off, protected anew, and given
/// back again without that.
#[test]
fn seed_9258_what_is_protected_anew_is_given_back_anew() {
    check_line(
        "seed=9258 verb=terminate-first targets=1 hook=true room=plenty abort=141 calm=181 faults=stale,hidden,\
         listed,partial,throttled,error500,lost-reply,lost-call,duplicated,no-capacity,false-idle,missing-agent,\
         cordon-delay,cordon-lost,ci-lost-reply,ci-refused,spot,sick,agent-drops,cordon-cleared,restart,silence,\
         foreign-hand,terminates,changes-hook,stands-by,expires,sets-clock",
    );
}
