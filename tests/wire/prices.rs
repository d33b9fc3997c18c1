//! Prices on the wire: spot prices from a server that speaks EC2, and the price
//! list from answers as AWS documents them, on loopback.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use pooldeck::{
    cloud::{Cloud, aws::Aws},
    fleet::{FailureKind, ListPrice, Usd},
};
use serde_json::{Value, json};

use crate::region::{Region, door_at, now};

#[tokio::test]
async fn spot_prices_are_read_for_every_zone() {
    let region = Region::start();
    let door = region.door();
    let types = BTreeSet::from(["m5.large".to_owned()]);
    let before = door.n_requests();
    let prices = door.spot_prices(&types, now()).await.unwrap();
    assert_eq!(door.n_requests() - before, 1, "one request for all zones");
    let zones: BTreeSet<&str> = prices.iter().map(|it| it.zone.as_str()).collect();
    assert!(zones.contains("us-east-1a") && 1 < zones.len(), "{zones:?}");
    for price in &prices {
        assert_eq!(price.instance_type, "m5.large");
        assert!(Usd::ZERO < price.per_hour, "{price:?}");
        assert!(
            price.since <= now() + std::time::Duration::from_secs(5),
            "{price:?}"
        );
    }
    let asked = region.moto.requests();
    let asked = asked
        .iter()
        .find(|it| it.action == "DescribeSpotPriceHistory");
    assert!(!asked.unwrap().mutating);
}

/// Answers every request with what `answer` makes of its body, until the test ends.
pub(crate) fn answering(
    answer: impl Fn(&Value) -> (u16, Value) + Send + 'static,
) -> (Aws, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (heard, asked) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let body = body(&stream);
            if body.is_null() {
                respond_identity(&stream);
            }
            let (status, reply) = answer(&body);
            if heard.send(body).is_err() {
                return;
            }
            if !reply.is_null() {
                respond(&stream, status, &reply.to_string());
            }
        }
    });
    (door_at(endpoint), asked)
}

fn body(stream: &TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(it) = line.strip_prefix("content-length:") {
            length = it.trim().parse().unwrap();
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

/// Who we are, as STS answers whoever asks in a form.
fn respond_identity(mut stream: &TcpStream) {
    let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ci</Arn>\
                <UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
                </GetCallerIdentityResponse>";
    let head = format!(
        "HTTP/1.1 200 X\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + body).as_bytes());
}

fn respond(mut stream: &TcpStream, status: u16, text: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    // A client that gave up needs no answer.
    let _ = stream.write_all((head + text).as_bytes());
}

fn wanted(kinds: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let owned = kinds.iter().map(|it| (it.0.to_owned(), it.1.to_owned()));
    owned.collect()
}

/// The value that a request filters a field by.
fn filter<'a>(asked: &'a Value, field: &str) -> Option<&'a str> {
    let filters = asked["Filters"].as_array()?;
    let found = filters.iter().find(|it| it["Field"] == field)?;
    assert_eq!(found["Type"], "TERM_MATCH");
    found["Value"].as_str()
}

/// One product as `GetProducts` gives it: a document inside the document.
fn product(system: &str, usd: &str) -> Value {
    let product = json!({
        "product": {
            "productFamily": "Compute Instance",
            "attributes": {"instanceType": "m5.large", "operatingSystem": system, "tenancy": "Shared"},
            "sku": "2223B6PCG6QAUYY6"
        },
        "serviceCode": "AmazonEC2",
        "terms": {
            "OnDemand": {"2223B6PCG6QAUYY6.JRTCKXETXF": {
                "priceDimensions": {"2223B6PCG6QAUYY6.JRTCKXETXF.6YS6EN2CT7": {
                    "unit": "Hrs",
                    "endRange": "Inf",
                    "description": format!("${usd} per On Demand {system} m5.large Instance Hour"),
                    "appliesTo": [],
                    "rateCode": "2223B6PCG6QAUYY6.JRTCKXETXF.6YS6EN2CT7",
                    "beginRange": "0",
                    "pricePerUnit": {"USD": usd}
                }},
                "sku": "2223B6PCG6QAUYY6",
                "effectiveDate": "2025-06-01T00:00:00Z",
                "offerTermCode": "JRTCKXETXF",
                "termAttributes": {}
            }},
            "Reserved": {"2223B6PCG6QAUYY6.38NPMPTW36": {
                "priceDimensions": {"x": {"unit": "Hrs", "pricePerUnit": {"USD": "0.0400000000"}}}
            }}
        },
        "version": "20250601000000",
        "publicationDate": "2025-06-01T00:00:00Z"
    });
    json!({"FormatVersion": "aws_v1", "PriceList": [product.to_string()]})
}

#[tokio::test]
async fn list_prices_are_those_of_shared_machines_on_demand() {
    let (door, asked) = answering(|asked| match filter(asked, "operatingSystem") {
        Some("Linux") => (200, product("Linux", "0.0960000000")),
        Some("Windows") => (200, product("Windows", "0.1880000000")),
        _ => (200, json!({"FormatVersion": "aws_v1", "PriceList": []})),
    });
    let kinds = wanted(&[
        ("m5.large", "Linux/UNIX"),
        ("m5.large", "Windows"),
        ("m5.large", "SUSE Linux"),
        ("m5.large", "Windows with SQL Server Standard"),
    ]);
    let prices = door.list_prices(&kinds).await.unwrap();
    let price = |platform: &str, cents: i64| ListPrice {
        region: "us-east-1".into(),
        instance_type: "m5.large".into(),
        platform: platform.into(),
        usd_per_hour: Usd::from_nanos(cents * 1_000_000),
    };
    assert_eq!(prices, [price("Linux/UNIX", 96), price("Windows", 188)]);
    let asked: Vec<Value> = asked.try_iter().collect();
    assert_eq!(asked.len(), 3, "what we cannot name is not asked for");
    for it in &asked {
        assert_eq!(it["ServiceCode"], "AmazonEC2");
        assert_eq!(filter(it, "regionCode"), Some("us-east-1"));
        assert_eq!(filter(it, "tenancy"), Some("Shared"));
        assert_eq!(filter(it, "preInstalledSw"), Some("NA"));
        assert_eq!(filter(it, "capacitystatus"), Some("Used"));
    }
}

#[tokio::test]
async fn a_price_list_that_refuses_or_talks_nonsense_says_so() {
    let denied = json!({"__type": "AccessDeniedException", "Message": "not authorized to perform: pricing:GetProducts"});
    let (door, _asked) = answering(move |_| (400, denied.clone()));
    let kinds = wanted(&[("m5.large", "Linux/UNIX")]);
    let error = door.list_prices(&kinds).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Denied, "{error}");
    assert!(error.what.contains("pricing:GetProducts"), "{error}");
    let nonsense = json!({"FormatVersion": "aws_v1", "PriceList": ["{not json"]});
    let (door, _asked) = answering(move |_| (200, nonsense.clone()));
    let error = door.list_prices(&kinds).await.unwrap_err();
    assert!(error.what.contains("not as documented"), "{error}");
    let (door, _asked) = answering(|_| (200, product("Linux", "free")));
    let error = door.list_prices(&kinds).await.unwrap_err();
    assert!(error.what.contains("`free` is no price"), "{error}");
}
