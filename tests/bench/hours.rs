//! How long a deadline takes to compute, once its year is built, beside the field's own evaluator of the same syntax: the aims are under 100 ns whatever the
//! objective, and 40 times as fast.
//!
//! Both are asked the same, and must answer the same, before anything is measured. The `opening-hours` crate has no addition of support time; it is asked for its
//! intervals one after the other, which is how a user of it adds them up.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use compact_calendar::CompactCalendar;
use criterion::{Criterion, criterion_group, criterion_main};
use opening_hours::localization::TzLocation;
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};
use std::hint::black_box;
use std::sync::Arc;
use ticketd::contract::holidays::Holidays;
use ticketd::contract::hours::Hours;

const ZONE: Tz = Tz::Europe__Zurich;
const BUSINESS: &str = "Mo-Fr 08:00-17:00; PH off";

type Theirs = OpeningHours<TzLocation<Tz>>;

fn theirs(holidays: &Holidays) -> Theirs {
    let days: CompactCalendar = (2020..2040)
        .flat_map(|year| holidays.of_year(year).into_keys())
        .collect();
    let known = ContextHolidays::new(Arc::new(days), Arc::default());
    let context = Context::default()
        .with_holidays(known)
        .with_locale(TzLocation::new(ZONE));
    BUSINESS
        .parse::<OpeningHours>()
        .expect("the shipped business hours")
        .with_context(context)
}

/// The earliest instant by which so much open time has passed.
fn add(hours: &Theirs, start: DateTime<Utc>, secs: u64) -> Option<DateTime<Utc>> {
    let mut left = TimeDelta::seconds(i64::try_from(secs).ok()?);
    let intervals = hours.iter_from(start.with_timezone(&ZONE));
    for interval in intervals.filter(|i| i.kind == RuleKind::Open) {
        let length = interval.range.end - interval.range.start;
        if left <= length {
            return Some((interval.range.start + left).with_timezone(&Utc));
        }
        left -= length;
    }
    None
}

fn addition(c: &mut Criterion) {
    let holidays = Arc::new(Holidays::st_gallen());
    let theirs = theirs(&holidays);
    let ours = Hours::parse(BUSINESS, ZONE, holidays).expect("the shipped business hours");
    // Starts all over one year, so that no branch is learnt by heart.
    let first: DateTime<Utc> = DateTime::from_timestamp(1_767_225_600, 0).expect("2026");
    let starts: Vec<DateTime<Utc>> = (0..1_024)
        .map(|n| first + TimeDelta::seconds(n * 30_011))
        .collect();
    for objective_h in [1_u64, 24, 200] {
        let secs = objective_h * 3_600;
        for start in &starts {
            let (own, other) = (ours.add(*start, secs), add(&theirs, *start, secs));
            assert_eq!(own, other, "{start} + {objective_h} h");
        }
        let mut group = c.benchmark_group(format!("add {objective_h} h"));
        // No division to find the next start: it would take a good part of the time of what is measured.
        let mut next = starts.iter().copied().cycle();
        group.bench_function("ours", |b| {
            b.iter(|| ours.add(black_box(next.next()?), black_box(secs)))
        });
        group.bench_function("opening-hours", |b| {
            b.iter(|| add(&theirs, black_box(next.next()?), black_box(secs)))
        });
        group.finish();
    }
}

criterion_group!(benches, addition);
criterion_main!(benches);
