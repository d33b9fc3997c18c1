//! What every pool costs now, today and this month, what of it is waste, and who says so.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{dim, money::usd, plain};
use crate::{
    cost::past::{Spent, savings_within, spent_within},
    fleet::{
        Align, Amount, PoolKey, PriceSource, Record as _, Span as TimeSpan, Timestamp, Usd, Use,
        short_duration, stray_machines,
    },
    tui::{
        app::{App, Asked, List, RowId, Topic},
        layout,
        theme::Role,
        widget::{Canvas, Cell, Column, RowState, Span, Table, fit},
    },
};

/// A price that is this old may have changed since.
const OLD_PRICE: Duration = Duration::from_hours(90 * 24);
/// Four sources are this much wider than one.
const SOURCES_MORE: u16 = 26;
/// The columns, what matters most first.
const ORDER: [&str; 7] = [
    "name", "per_hour", "waste", "today", "month", "source", "age",
];

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App) {
    let areas = layout::cost(app.size);
    facts(canvas, areas.facts, app);
    let Some(list) = app.screen().list() else {
        return;
    };
    table(canvas, areas.table, app, list);
}

/// What all pools cost together, and what belongs to none.
fn facts(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    let spending = app.findings.spending();
    let all = &spending.all;
    let (today, month) = (today(app, None), this_month(app, None));
    let mut sum = vec![dim("all "), amount(all.amount(), "/h", Role::Title)];
    sum.push(dim("  waste "));
    sum.push(amount(all.amount_of_waste(), "/h", Role::Warn));
    sum.push(dim("  today "));
    sum.push(Span::new(words(&today), Role::Text));
    sum.push(dim("  month "));
    sum.push(Span::new(words(&month), Role::Text));
    let (begins, ends) = app.now.month();
    if let Some(whole) = month.projected(ends.since(begins)) {
        sum.push(dim("  whole month "));
        sum.push(plain(usd(whole.as_f64())));
    } else {
        sum.extend(why_least(app, &month));
    }
    let mut uses = vec![dim("goes to ")];
    for used in Use::ALL {
        if 0 < all.n_machines.get(used) {
            uses.push(dim(format!(" {used} ")));
            uses.push(amount(all.amount_of(used), "", role_of(used)));
        }
    }
    let mut strays = vec![dim("strays  ")];
    let fleet = &app.observation.fleet;
    let machines = stray_machines(fleet, app.findings.strays());
    let split = fleet.split_of(machines, app.observation.at);
    match split.n_machines.total() {
        0 => strays.push(dim("none costs anything")),
        n => {
            let noun = if n == 1 { "machine" } else { "machines" };
            strays.push(plain(format!("{n} {noun} ")));
            strays.push(amount(split.amount(), "/h", Role::Danger));
        }
    }
    if 0 < all.n_unpriced.total() {
        let n = all.n_unpriced.total();
        let pools = unpriced(app);
        let of = match &pools[..] {
            [] => String::new(),
            [only] => format!(" of {only}"),
            [..] => format!(" of {} pools", pools.len()),
        };
        let (one, many) = ("machine", "machines");
        let (noun, verb) = if n == 1 { (one, "has") } else { (many, "have") };
        let more = match (100 <= area.width, n) {
            (false, _) => "",
            (true, 1) => ", and is in no sum",
            (true, _) => ", and are in no sum",
        };
        strays.push(Span::new(
            format!("   {n} {noun}{of} {verb} no known price{more}"),
            Role::Unknown,
        ));
    }
    let lines = [sum, uses, saved(app), strays, api(app)];
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        canvas.put_spans(area.x + 1, y, area.width.saturating_sub(1), &line);
    }
}

/// The pools in which a machine has no known price.
fn unpriced(app: &App) -> Vec<String> {
    let pools = app.findings.spending().pools.iter();
    let pools = pools.filter(|it| 0 < it.1.n_unpriced.total());
    pools.map(|it| it.0.name.to_string()).collect()
}

/// Says why the sums of a time are not whole, as short as a narrow screen needs it.
fn why_least(app: &App, spent: &Spent) -> Option<Span<'static>> {
    let n_pools = unpriced(app).len();
    let words = match (spent.total, n_pools) {
        (Some(_), _) => return None,
        (None, _) if spent.priced.is_none() => "  not seen".to_owned(),
        (None, 0) => "  a price lacked".to_owned(),
        (None, 1) => "  1 pool unpriced".to_owned(),
        (None, n) => format!("  {n} pools unpriced"),
    };
    Some(Span::new(words, Role::Unknown))
}

/// What this console itself asks of AWS.
fn api(app: &App) -> Vec<Span<'static>> {
    let sources = &app.observation.sources;
    let n_calls: u32 = sources.iter().map(|it| it.n_calls_per_minute).sum();
    let bills = &app.observation.prices.bills;
    let mut line = Vec::new();
    if let Some(bill) = bills.iter().max_by_key(|it| it.at) {
        let (n, day) = (bills.len(), bill.until.to_string());
        let day: String = day.chars().take(10).collect();
        let sum: Usd = bills.iter().map(|it| it.usd).sum();
        let of = if n == 1 {
            String::new()
        } else {
            format!(" in {n} accounts")
        };
        let text = format!(
            "Cost Explorer says {} of EC2{of} before {day}  ",
            usd(sum.as_f64())
        );
        line.push(plain(text));
    }
    line.extend([
        dim("this console  "),
        plain(format!("{n_calls} calls a minute")),
        dim("; its questions cost "),
        plain(usd(app.observation.own_spend.usd().as_f64())),
    ]);
    if let Some(line_here) = app.equivalent().filter(|_| 100 <= app.size.width) {
        line.push(dim(format!("   pooldeck {line_here}")));
    }
    line
}

/// What spot saved this month, less the work that its interruptions threw away.
fn saved(app: &App) -> Vec<Span<'static>> {
    let asked = app.pasts.get(&Topic::Month(None));
    let Some((asked, past)) = asked.and_then(|it| Some((it, it.past.as_deref()?))) else {
        return vec![dim("spot    not read yet")];
    };
    let found = savings_within(past, until_read(app, app.now.month().0, asked));
    if !found.is_any() {
        let words = match found.saved {
            Some(_) => "spot    saved nothing this month",
            None => "spot    what it saved this month is not known: no price, or no samples",
        };
        return vec![dim(words)];
    }
    // Work that nobody saw was lost, too, and so was what has no known price.
    let is_most = found.n_unknown != 0 || found.net.is_none();
    let most = if is_most { "<" } else { "" };
    let dollars = |it: Option<Usd>| it.map_or("?".to_owned(), |it| usd(it.as_f64()));
    let least = if found.lost.is_none() && found.lost_least.is_some() {
        ">"
    } else {
        ""
    };
    let net = match found.net_most() {
        Some(net) => Span::new(format!("{most}{}", usd(net.as_f64())), Role::Ok),
        None => Span::new("?", Role::Unknown),
    };
    let mut line = vec![dim("spot    net "), net];
    line.push(dim(format!(" this month: saved {}", dollars(found.saved))));
    line.push(dim(match found.n_interruptions {
        0 => "; nothing was taken back".to_owned(),
        _ => format!(
            ", {} job-minutes lost cost {least}{}",
            found.lost_minutes,
            dollars(found.lost_least)
        ),
    }));
    if 0 < found.n_unknown {
        let plural = if found.n_unknown == 1 { "" } else { "s" };
        let text = format!("; {} interruption{plural} of unknown cost", found.n_unknown);
        line.push(Span::new(text, Role::Unknown));
    }
    line
}

fn table(canvas: &mut Canvas<'_>, area: Rect, app: &App, list: &List) {
    if area.height == 0 {
        return;
    }
    let has_focus = app.overlays.is_empty();
    let (n_shown, n_all) = (list.rows().len(), list.n_all());
    let count = if n_shown == n_all {
        format!(" {n_all}")
    } else {
        format!(" {n_shown}/{n_all}  / {}", list.filter.as_str())
    };
    let role = if has_focus { Role::Title } else { Role::Dim };
    let mut title = vec![Span::new("cost of pools", role), dim(count)];
    title.extend(super::graph::reading(
        app,
        app.pasts.get(&Topic::Month(None)),
    ));
    title.push(dim(match area.width {
        120.. => "  > at least: a price or a part of the time is not known  ? no price is known  — not seen",
        70.. => "  > at least  ? no price is known  — not seen",
        _ => "",
    }));
    canvas.title(area, &title);
    let head = layout::head_height(area);
    let columns = columns(area.width);
    let table = Table {
        area: Rect {
            y: area.y + head.min(1),
            height: area.height - head.min(1),
            ..area
        },
        columns: &columns,
        has_head: head == 2,
        has_focus,
    };
    let shown = list.rows().iter().enumerate().skip(list.offset());
    let rows = shown
        .take(layout::n_rows(area))
        .filter_map(|(row_idx, row)| {
            let RowId::Pool(key) = row else {
                return None;
            };
            let state = RowState {
                is_cursor: list.cursor_idx() == Some(row_idx),
                is_marked: false,
            };
            Some((state, cells(app, key, &columns)))
        });
    table.paint(canvas, rows);
    if list.rows().is_empty() && head < area.height {
        let width = area.width.saturating_sub(2);
        canvas.put(area.x + 2, area.y + head, width, "no pools", Role::Dim);
    }
}

fn columns(width: u16) -> Vec<Column> {
    let column = |name, title: &str, width, align| Column {
        name,
        title: title.to_owned(),
        width,
        align,
    };
    let all = vec![
        column(
            "name",
            "POOL",
            if width < 60 { 14 } else { 22 },
            Align::Left,
        ),
        column("per_hour", "$/H", 9, Align::Right),
        column("waste", "WASTE/H", 9, Align::Right),
        column("today", "TODAY", 10, Align::Right),
        column("month", "MONTH", 10, Align::Right),
        column("source", " PRICE FROM", 22, Align::Left),
        column("age", "OF", 12, Align::Left),
    ];
    let mut fitted = fit(all, width, &ORDER);
    // Several sources stand beside each other where there is room for them.
    let taken: u16 = fitted.iter().map(|it| it.width + 1).sum();
    let left = width.saturating_sub(taken + 1).min(SOURCES_MORE);
    if let Some(source) = fitted.iter_mut().find(|it| it.name == "source") {
        source.width += left;
    } else if let Some(age) = fitted.iter_mut().find(|it| it.name == "age") {
        // Alone, it has to say what it is the age of.
        "PRICE OF".clone_into(&mut age.title);
    }
    fitted
}

fn cells(app: &App, key: &PoolKey, columns: &[Column]) -> Vec<Cell<'static>> {
    let fleet = &app.observation.fleet;
    let split = app.findings.spending().pools.get(key);
    let split = split.copied().unwrap_or_default();
    let cell = |column: &Column| -> Cell<'static> {
        match column.name {
            "name" => vec![plain(key.name.to_string())],
            "per_hour" => vec![amount(split.amount(), "", Role::Text)],
            "waste" => {
                let waste = split.amount_of_waste();
                let is_some = waste.least().is_some_and(|it| Usd::ZERO < it);
                let role = if is_some { Role::Warn } else { Role::Dim };
                vec![amount(waste, "", role)]
            }
            "today" => vec![plain(words(&today(app, Some(key))))],
            "month" => vec![plain(words(&this_month(app, Some(key))))],
            "source" => {
                let row = app.figures.row(fleet, key);
                let words = row.map(|it| {
                    it.value("price_source", app.observation.at)
                        .show("—")
                        .into_owned()
                });
                vec![dim(words.map_or_else(
                    || " —".to_owned(),
                    |it| format!(" {}", it.replace('_', " ").replace(',', ", ")),
                ))]
            }
            _ => vec![price_age(app, key)],
        }
    };
    columns.iter().map(cell).collect()
}

/// The date of the oldest price of the pool's machines; a list's date says more than its age in days.
fn price_age(app: &App, key: &PoolKey) -> Span<'static> {
    let members = app.observation.fleet.roster(key).instances.iter();
    let prices = members.filter_map(|it| it.price.as_ref());
    let Some(oldest) = prices.min_by_key(|it| it.at) else {
        return dim("—");
    };
    let age = app.now.since(oldest.at);
    let is_old = OLD_PRICE < age && oldest.source != PriceSource::Configured;
    let role = if is_old { Role::Warn } else { Role::Dim };
    Span::new(format!("{} ago", short_duration(age)), role)
}

/// What was spent; the least that it is, when a part of the time was not seen or has no price.
fn words(spent: &Spent) -> String {
    match spent.amount() {
        Amount::Exact(it) => usd(it.as_f64()),
        Amount::AtLeast(it) => format!(">{}", usd(it.as_f64())),
        Amount::Unknown if spent.priced.is_some() => "?".to_owned(),
        Amount::Unknown => "—".to_owned(),
    }
}

fn this_month(app: &App, key: Option<&PoolKey>) -> Spent {
    spent_since(app, key, app.now.month().0)
}

fn today(app: &App, key: Option<&PoolKey>) -> Spent {
    spent_since(app, key, app.now.start_of_day())
}

fn spent_since(app: &App, key: Option<&PoolKey>, from: Timestamp) -> Spent {
    let asked = app.pasts.get(&Topic::Month(key.cloned()));
    let read =
        asked.and_then(|it| Some(spent_within(it.past.as_deref()?, until_read(app, from, it))));
    read.unwrap_or_default()
}

/// Returns the time of which an answer tells: what came after it is no gap.
fn until_read(app: &App, from: Timestamp, asked: &Asked) -> TimeSpan {
    TimeSpan {
        from,
        until: asked.at.min(app.now),
    }
}

/// An amount; the least that it can be, when a part of it has no price.
fn amount(amount: Amount, unit: &str, role: Role) -> Span<'static> {
    match amount {
        Amount::Exact(it) => Span::new(format!("{}{unit}", usd(it.as_f64())), role),
        Amount::AtLeast(it) => Span::new(format!(">{}{unit}", usd(it.as_f64())), Role::Unknown),
        Amount::Unknown => Span::new("?", Role::Unknown),
    }
}

fn role_of(used: Use) -> Role {
    match used {
        Use::Busy => Role::Busy,
        Use::Idle => Role::Idle,
        Use::Booting => Role::Pending,
        Use::Draining => Role::Terminating,
        Use::Standby => Role::Standby,
        Use::Retained | Use::Stray => Role::Danger,
        Use::Unknown => Role::Unknown,
    }
}
