//! The filter language, over the rows of the simulated region.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::LazyLock, time::Duration};

use pooldeck::{
    fleet::{
        ActivityRow, ExecutorRow, Filter, Fleet, InstanceRow, JobRow, Part, PoolRow, Record, Stray,
        StrayKind, Timestamp, Value, strays,
    },
    sim,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

static FLEET: LazyLock<Fleet> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let demo = sim::demo(1, NOW);
    let mut parts: Vec<Part> = Vec::new();
    for cloud in &demo.clouds {
        let mut part = runtime.block_on(cloud.observe(NOW)).unwrap().part;
        part.scopes = vec![cloud.scope()];
        parts.push(part);
    }
    for ci in &demo.cis {
        parts.push(runtime.block_on(ci.observe(NOW)).unwrap().part);
    }
    Fleet::join(&parts)
});

fn select(text: &str) -> Vec<InstanceRow<'static>> {
    let rows = InstanceRow::all(&FLEET);
    let filter = Filter::parse::<InstanceRow<'_>>(text).unwrap();
    filter
        .select(&rows, NOW)
        .into_iter()
        .map(|it| rows[it].clone())
        .collect()
}

fn error(text: &str) -> String {
    Filter::parse::<InstanceRow<'_>>(text)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_term_must_hold() {
    let all = InstanceRow::all(&FLEET);
    let found = select("state=InService az=*a age>10m !spot");
    assert!(!found.is_empty() && found.len() < all.len());
    for row in &found {
        assert_eq!(row.value("state", NOW).show(""), "InService");
        assert!(row.instance.zone.ends_with('a'));
        assert!(!row.instance.is_spot());
        assert!(matches!(row.value("age", NOW), Value::Age(age) if Duration::from_mins(10) < age));
    }
}

#[test]
fn a_term_and_its_opposite_split_the_rows() {
    let n_all = InstanceRow::all(&FLEET).len();
    for (term, opposite) in [
        ("spot", "!spot"),
        ("state=InService", "state!=InService"),
        ("work=busy", "work!=busy"),
    ] {
        let (n, n_opposite) = (select(term).len(), select(opposite).len());
        assert_eq!(n + n_opposite, n_all, "{term}");
        assert!(0 < n && 0 < n_opposite, "{term}: {n} and {n_opposite}");
    }
}

#[test]
fn the_ellipsis_that_people_type_is_a_wildcard() {
    assert_eq!(select("az=…a").len(), select("az=*a").len());
    assert_eq!(
        select("az=us-east-1a,us-east-1b").len(),
        select("az=us-east-1a").len() + select("az=us-east-1b").len()
    );
}

#[test]
fn a_bare_word_is_found_fuzzily() {
    let id = FLEET.instances.keys().next().unwrap();
    assert_eq!(select(id.as_str()).len(), 1, "an id is found whole");
    assert!(!select("usest1a").is_empty(), "letters in order are enough");
    assert!(select("zzzzqqq").is_empty());
}

#[test]
fn nonsense_is_answered_with_the_term_and_what_was_expected() {
    assert!(
        error("lifecyle=x").contains("did you mean `lifecycle`?"),
        "{}",
        error("lifecyle=x")
    );
    assert!(error("age>soon").contains("give a number, an age such as 2h"));
    assert!(error("state=").contains("a value is missing"));
    assert!(error("!").contains("a word is missing"));
    assert!(error("age>2h frob>1").contains("filter `frob>1`"));
}

/// Every field that a kind of row names has a value somewhere, and may be filtered by.
fn check_fields<R: Record>(rows: &[R]) {
    assert!(!rows.is_empty(), "{}", R::NOUN);
    for field in R::fields() {
        assert!(
            !field.help.is_empty() && !field.title.is_empty(),
            "{}",
            field.name
        );
        let shown = rows[0]
            .value(field.name, NOW)
            .show("none")
            .replace(' ', "*");
        if !shown.is_empty() {
            let filter = Filter::parse::<R>(&format!("{}={shown}", field.name)).unwrap();
            assert!(
                filter.matches(&rows[0], NOW),
                "{} {}={shown}",
                R::NOUN,
                field.name
            );
        }
    }
}

#[test]
fn every_field_of_every_row_can_be_filtered_by() {
    check_fields(&PoolRow::all(&FLEET));
    check_fields(&InstanceRow::all(&FLEET));
    check_fields(&ExecutorRow::all(&FLEET));
    check_fields(&JobRow::all(&FLEET));
    let activities: Vec<_> = FLEET.activities.iter().map(ActivityRow).collect();
    check_fields(&activities);
}

#[test]
fn the_agent_that_was_started_outside_the_groups_is_found() {
    let found = strays(&FLEET, NOW);
    let kinds: Vec<StrayKind> = found.iter().map(|it| it.kind).collect();
    assert!(kinds.contains(&StrayKind::AgentOutsideGroups), "{found:#?}");
    assert!(
        kinds.contains(&StrayKind::InstanceWithoutAgent),
        "{found:#?}"
    );
    assert!(kinds.is_sorted(), "the alarming kinds come first");
}

#[test]
fn only_a_doubtful_list_accuses_nobody_of_a_missing_agent() {
    let mut fleet = FLEET.clone();
    let n_without = |fleet: &Fleet| {
        let found = strays(fleet, NOW);
        let is_without = |it: &&Stray| it.kind == StrayKind::InstanceWithoutAgent;
        found.iter().filter(is_without).count()
    };
    let n = n_without(&fleet);
    assert_ne!(n, 0);
    for controller in &mut fleet.controllers {
        controller.warnings = vec!["The token travels unencrypted; use https.".to_owned()];
    }
    assert_eq!(
        n_without(&fleet),
        n,
        "how it is reached says nothing of its list"
    );
    for controller in &mut fleet.controllers {
        controller.doubt = Some("the last page is missing".to_owned());
    }
    assert_eq!(n_without(&fleet), 0);
    let read = Part {
        controllers: FLEET.controllers.clone(),
        ..Part::default()
    };
    let unread = read.turned_unknown("it does not answer");
    assert!(unread.controllers.iter().all(|it| it.doubt.is_some()));
}

proptest! {
    #[test]
    fn no_text_makes_the_filter_panic(text in "\\PC{0,60}") {
        if let Ok(filter) = Filter::parse::<InstanceRow<'_>>(&text) {
            let rows = InstanceRow::all(&FLEET);
            filter.select(&rows, NOW);
        }
    }

    #[test]
    fn more_terms_never_find_more_rows(
        first in term(),
        second in term(),
    ) {
        let narrow = select(&format!("{first} {second}"));
        let wide = select(&first);
        prop_assert!(narrow.iter().all(|it| wide.iter().any(|other| other.instance.id == it.instance.id)));
    }

    #[test]
    fn the_order_of_the_terms_does_not_matter(first in term(), second in term()) {
        let ids = |text: String| select(&text).iter().map(|it| it.instance.id.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(format!("{first} {second}")), ids(format!("{second} {first}")));
    }
}

fn term() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("state=InService".to_owned()),
        Just("!spot".to_owned()),
        Just("protected".to_owned()),
        Just("az!=*a".to_owned()),
        Just("type~large".to_owned()),
        (0u32..300).prop_map(|it| format!("age>{it}m")),
        (0u32..300).prop_map(|it| format!("age<={it}m")),
        "[a-z0-9]{1,3}",
        "![a-z]{1,2}",
    ]
}
