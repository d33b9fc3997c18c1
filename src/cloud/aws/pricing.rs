//! The AWS Price List: what types cost on demand. It is served from a few regions only.

use std::collections::BTreeSet;

use aws_sdk_pricing::{
    operation::get_products::builders::GetProductsFluentBuilder,
    types::{Filter, FilterType},
};
use serde_json::Value;

use super::{errors::explain, open::Clients};
use crate::{
    cloud::Error,
    fleet::{FailureKind, ListPrice, Usd},
};

/// Reads the prices of types and platforms, a request each.
///
/// What the list does not have is left out; a platform that we cannot name to the
/// list (SQL Server, the Marketplace) is not asked for.
pub(super) async fn prices(
    clients: &Clients,
    region: &str,
    wanted: &BTreeSet<(String, String)>,
) -> Result<Vec<ListPrice>, Error> {
    let mut prices = Vec::new();
    for (instance_type, platform) in wanted {
        let Some(system) = operating_system(platform) else {
            continue;
        };
        let what = format!("read the list price of {instance_type} in {region}");
        let request = clients
            .pricing
            .get_products()
            .service_code("AmazonEC2")
            .format_version("aws_v1");
        let request = filters(region, instance_type, system)
            .into_iter()
            .fold(request, GetProductsFluentBuilder::filters);
        let answer = request.send().await.map_err(|it| explain(&what, &it))?;
        let listed = answer.price_list().iter();
        let mut found = listed.map(|it| on_demand(it).map_err(|why| damaged(&what, &why)));
        // One product fits all filters; a second one would be a guess.
        if let Some(price) = found.next().transpose()?.flatten() {
            prices.push(ListPrice {
                region: region.to_owned(),
                instance_type: instance_type.clone(),
                platform: platform.clone(),
                usd_per_hour: price,
            });
        }
    }
    Ok(prices)
}

fn damaged(what: &str, why: &str) -> Error {
    Error::new(
        FailureKind::Unknown,
        format!("cannot {what}: the answer of the price list is not as documented: {why}"),
    )
}

/// Returns the list's word for a platform as EC2 writes it.
fn operating_system(platform: &str) -> Option<&'static str> {
    match platform {
        "Linux/UNIX" => Some("Linux"),
        "Windows" => Some("Windows"),
        "Red Hat Enterprise Linux" => Some("RHEL"),
        "SUSE Linux" => Some("SUSE"),
        "Ubuntu Pro Linux" | "Ubuntu Pro" => Some("Ubuntu Pro"),
        _ => None,
    }
}

/// Shared machines without extra software, as they are used: not the reserved, not the dedicated.
fn filters(region: &str, instance_type: &str, system: &str) -> Vec<Filter> {
    let terms = [
        ("regionCode", region),
        ("instanceType", instance_type),
        ("operatingSystem", system),
        ("tenancy", "Shared"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
        ("licenseModel", "No License required"),
    ];
    let filters = terms.into_iter().filter_map(|(field, value)| {
        let filter = Filter::builder().r#type(FilterType::TermMatch);
        filter.field(field).value(value).build().ok()
    });
    filters.collect()
}

/// Reads the hourly price out of one product: a JSON document inside the JSON answer.
fn on_demand(product: &str) -> Result<Option<Usd>, String> {
    let product: Value = serde_json::from_str(product).map_err(|it| it.to_string())?;
    let Some(offers) = product
        .pointer("/terms/OnDemand")
        .and_then(Value::as_object)
    else {
        return Ok(None);
    };
    let dimensions = offers
        .values()
        .filter_map(|it| it.get("priceDimensions")?.as_object())
        .flat_map(|it| it.values());
    for dimension in dimensions {
        if dimension.get("unit").and_then(Value::as_str) != Some("Hrs") {
            continue;
        }
        let Some(dollars) = dimension
            .pointer("/pricePerUnit/USD")
            .and_then(Value::as_str)
        else {
            // Another currency is another country's list.
            continue;
        };
        let price = dollars.parse().ok().and_then(Usd::from_f64);
        return match price {
            // A reservation's own rows cost nothing; nobody runs for nothing.
            Some(Usd::ZERO) => Ok(None),
            Some(it) if Usd::ZERO < it => Ok(Some(it)),
            _ => Err(format!("`{dollars}` is no price")),
        };
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_has_one_price_by_the_hour() {
        let product = |unit: &str, usd: &str| {
            format!(
                r#"{{"product":{{"sku":"X"}},"terms":{{"OnDemand":{{"X.J":{{"priceDimensions":{{"X.J.6":{{"unit":"{unit}","pricePerUnit":{{"USD":"{usd}"}}}}}}}}}}}}}}"#
            )
        };
        let read = |unit, usd| on_demand(&product(unit, usd));
        assert_eq!(read("Hrs", "0.0960000000"), Ok(Usd::from_f64(0.096)));
        assert_eq!(read("Quantity", "0.096"), Ok(None));
        assert_eq!(read("Hrs", "0.0000000000"), Ok(None));
        assert!(read("Hrs", "-1").is_err());
        assert!(read("Hrs", "NaN").is_err());
        assert!(on_demand("{").is_err());
        assert_eq!(on_demand("{}"), Ok(None));
    }
}
