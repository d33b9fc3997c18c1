//! The price book: the best source wins, and what nobody has said stays unknown.

use pooldeck::{
    cost::{Discount, PriceBook, PriceList, Rule, Terms},
    fleet::*,
};

use crate::yard::{NOW, book, machine};

#[test]
fn the_sizes_of_a_family_are_multiples_of_its_large() {
    let list = PriceList::bundled();
    for (instance_type, usd) in [
        ("m5.large", 0.096),
        ("m5.xlarge", 0.192),
        ("m5.24xlarge", 4.608),
        ("c7i.2xlarge", 0.357),
    ] {
        let price = list.price("us-east-1", instance_type, "Linux/UNIX");
        assert_eq!(price, Usd::from_f64(usd), "{instance_type}");
    }
    for (region, instance_type, platform) in [
        ("us-east-1", "m5.large", "Windows"),
        ("us-east-1", "m5.metal", "Linux/UNIX"),
        ("us-east-1", "m5.0xlarge", "Linux/UNIX"),
        ("us-east-1", "m5", "Linux/UNIX"),
        ("mars-north-1", "m5.large", "Linux/UNIX"),
        ("us-west-2-lax-1", "m5.large", "Linux/UNIX"),
    ] {
        let price = list.price(region, instance_type, platform);
        assert_eq!(price, None, "{region} {instance_type} {platform}");
    }
}

#[test]
fn a_damaged_table_says_where() {
    for (text, wanted) in [
        (
            "us-east-1,m5,0.096\n",
            "line 1: a line `# date: 2026-01-31` is missing: a price without a date is none",
        ),
        ("# date: today\n", "line 1: `today` is no date"),
        (
            "# date: 2026-01-31\nus-east-1,m5\n",
            "line 2: `us-east-1,m5` is not region,family,usd_per_hour",
        ),
        (
            "# date: 2026-01-31\nus-east-1,m5,free\n",
            "line 2: m5 in us-east-1: `free` is no price",
        ),
        (
            "# date: 2026-01-31\nus-east-1,m5,-1\n",
            "line 2: m5 in us-east-1: `-1` is no price",
        ),
        (
            "# date: 2026-01-31\nus-east-1,m5,1\nus-east-1,m5,2\n",
            "line 3: m5 in us-east-1 is there twice",
        ),
    ] {
        let error = PriceList::parse_families(text).unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn a_spot_machine_costs_what_its_zone_asks_now() {
    let mut book = book();
    let spot = machine(1, |it| it.market = Market::Spot);
    assert_eq!(book.price(&spot), None, "on-demand would be a guess");
    let quote = |cents, since| SpotPrice {
        instance_type: "m5.large".into(),
        zone: "us-east-1a".into(),
        platform: "Linux/UNIX (Amazon VPC)".into(),
        per_hour: Usd::from_cents(cents),
        since,
    };
    let later = NOW + std::time::Duration::from_mins(5);
    book.add_spot([quote(4, later), quote(3, NOW)]);
    let price = book.price(&spot).unwrap();
    assert_eq!(
        price.per_hour,
        Usd::from_cents(4),
        "the newest wins, in any order"
    );
    assert_eq!((price.source, price.at), (PriceSource::SpotHistory, later));
    assert_eq!(price.on_demand, Usd::from_f64(0.096));
    let elsewhere = machine(2, |it| {
        it.market = Market::Spot;
        it.zone = "us-east-1b".into();
    });
    assert_eq!(book.price(&elsewhere), None, "each zone has its own price");
}

#[test]
fn a_newer_list_comes_first_and_leaves_the_rest_to_the_bundled_one() {
    let mut book = book();
    let listed = ListPrice {
        region: "us-east-1".into(),
        instance_type: "m5.large".into(),
        platform: "Linux/UNIX".into(),
        usd_per_hour: Usd::from_cents(9),
    };
    book.add_list(PriceList::new(PriceSource::PricingApi, NOW, [listed]));
    let price = book.price(&machine(1, |_| {})).unwrap();
    assert_eq!(
        (price.per_hour, price.source),
        (Usd::from_cents(9), PriceSource::PricingApi)
    );
    let other = machine(2, |it| it.instance_type = "m5.xlarge".into());
    assert_eq!(book.price(&other).unwrap().source, PriceSource::Bundled);
}

#[test]
fn the_operators_own_figures_win() {
    let rule = |pool: Option<&str>, kind: Option<&str>| Rule {
        pool: pool.map(str::to_owned),
        instance_type: kind.map(str::to_owned),
        ..Rule::default()
    };
    let book = PriceBook::new(Terms {
        discount: Discount::from_percent(10.0).unwrap(),
        rules: vec![
            Rule {
                usd_per_hour: Some(Usd::from_cents(5)),
                ..rule(Some("lin*"), Some("m5.large"))
            },
            Rule {
                discount: Discount::from_percent(25.0),
                ..rule(None, Some("m5"))
            },
        ],
        since: NOW,
    });
    let own = book.price(&machine(1, |_| {})).unwrap();
    assert_eq!(
        (own.per_hour, own.source),
        (Usd::from_cents(5), PriceSource::Configured)
    );
    assert!(!own.is_adjusted, "an own price is what is paid");
    let family = book
        .price(&machine(2, |it| it.instance_type = "m5.xlarge".into()))
        .unwrap();
    assert_eq!(family.per_hour, Usd::from_f64(0.144).unwrap());
    assert!(family.is_adjusted);
    let flat = book
        .price(&machine(3, |it| it.instance_type = "c5.large".into()))
        .unwrap();
    assert_eq!(flat.per_hour, Usd::from_f64(0.0765).unwrap());
}

#[test]
fn a_discount_is_between_nothing_and_everything() {
    for percent in [0.0, 12.5, 100.0] {
        assert!(Discount::from_percent(percent).is_some(), "{percent}");
    }
    for percent in [-1.0, 100.01, f64::NAN, f64::INFINITY] {
        assert!(Discount::from_percent(percent).is_none(), "{percent}");
    }
}

#[test]
fn other_systems_are_billed_by_the_hour() {
    let billing = |platform: &str| {
        let mut book = book();
        book.add_list(PriceList::new(
            PriceSource::PricingApi,
            NOW,
            [ListPrice {
                region: "us-east-1".into(),
                instance_type: "m5.large".into(),
                platform: platform.into(),
                usd_per_hour: Usd::from_cents(9),
            }],
        ));
        let machine = machine(1, |it| it.platform = Some(platform.into()));
        book.price(&machine).unwrap().billing
    };
    assert_eq!(billing("Linux/UNIX"), Billing::PerSecond);
    assert_eq!(
        billing("Windows with SQL Server Standard"),
        Billing::PerSecond
    );
    assert_eq!(billing("SUSE Linux"), Billing::PerHour);
}
