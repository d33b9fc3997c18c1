//! The bill on the wire: Cost Explorer's answer, composed from its documentation, on loopback.

use pooldeck::{
    cloud::Cloud,
    fleet::{Bill, FailureKind, Timestamp, Usd},
};
use serde_json::{Value, json};

use crate::prices::answering;

/// 2026-03-05T09:30:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_772_703_000);

fn month(total: &Value) -> Value {
    json!({"ResultsByTime": [{
        "TimePeriod": {"Start": "2026-03-01", "End": "2026-03-05"},
        "Total": {"UnblendedCost": total},
        "Groups": [],
        "Estimated": true
    }]})
}

/// Who we are, and then what is answered to every other question.
fn after_identity(answer: Value) -> impl Fn(&Value) -> (u16, Value) + Send + 'static {
    move |asked| match asked {
        // STS speaks in forms, which are no JSON.
        Value::Null => (200, Value::Null),
        _ => (200, answer.clone()),
    }
}

async fn asked(answer: Value) -> (Result<Bill, pooldeck::cloud::Error>, Vec<Value>, u64) {
    let (door, asked) = answering(after_identity(answer));
    door.identify().await.unwrap();
    let regions = ["us-east-1", "eu-west-1"].map(str::to_owned);
    let bill = door.bill(&regions, NOW).await;
    let questions = asked.try_iter().filter(|it| !it.is_null()).collect();
    (bill, questions, door.own_spend().n_bills_read)
}

#[tokio::test]
async fn the_month_so_far_is_asked_once_for_all_regions() {
    let (bill, questions, n_billed) =
        asked(month(&json!({"Amount": "812.4012345678", "Unit": "USD"}))).await;
    let bill = bill.unwrap();
    assert_eq!(bill.usd, Usd::from_nanos(812_401_234_568));
    assert_eq!(bill.regions, ["us-east-1", "eu-west-1"]);
    assert!(bill.is_estimate);
    assert_eq!((questions.len(), n_billed), (1, 1));
    let question = &questions[0];
    let period = json!({"Start": "2026-03-01", "End": "2026-03-05"});
    assert_eq!(question["TimePeriod"], period);
    assert_eq!(question["Granularity"], "MONTHLY");
    assert_eq!(question["Metrics"], json!(["UnblendedCost"]));
    let filters = question["Filter"]["And"].as_array().unwrap();
    let values = |key: &str| {
        let mut its = filters.iter().map(|it| &it["Dimensions"]);
        its.find(|it| it["Key"] == key).unwrap()["Values"].clone()
    };
    assert_eq!(values("REGION"), json!(["us-east-1", "eu-west-1"]));
    let service = json!(["Amazon Elastic Compute Cloud - Compute"]);
    assert_eq!(values("SERVICE"), service);
    assert_eq!(values("LINKED_ACCOUNT"), json!(["123456789012"]));
}

#[tokio::test]
async fn an_answer_that_is_not_as_documented_is_no_sum() {
    for total in [
        json!({"Amount": "12.5", "Unit": "EUR"}),
        json!({"Amount": "much", "Unit": "USD"}),
        json!({"Unit": "USD"}),
    ] {
        let (bill, ..) = asked(month(&total)).await;
        let error = bill.unwrap_err();
        assert_eq!(error.kind, FailureKind::Unknown, "{error}");
        assert!(error.what.contains("not as documented"), "{error}");
    }
}

#[tokio::test]
async fn a_question_that_fails_is_not_repeated_and_is_counted() {
    let (door, asked) = answering(|asked| match asked {
        Value::Null => (200, Value::Null),
        _ => (500, json!({"__type": "InternalServerException"})),
    });
    door.identify().await.unwrap();
    let answer = door.bill(&["us-east-1".to_owned()], NOW).await;
    assert!(answer.is_err());
    let n_asked = asked.try_iter().filter(|it| !it.is_null()).count();
    assert_eq!((n_asked, door.own_spend().n_bills_read), (1, 1));
}
