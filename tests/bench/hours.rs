//! How long a deadline takes to compute, once its year is built: the aim is under 100 ns whatever the objective.

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use ticketd::contract::holidays::Holidays;
use ticketd::contract::hours::Hours;

fn add(c: &mut Criterion) {
    let holidays = Arc::new(Holidays::st_gallen());
    let hours = Hours::parse(
        "Mo-Fr 08:00-17:00; PH off",
        chrono_tz::Europe::Zurich,
        holidays,
    )
    .expect("the shipped business hours");
    // Starts all over one year, so that no branch is learnt by heart.
    let first: DateTime<Utc> = DateTime::from_timestamp(1_767_225_600, 0).expect("2026");
    let starts: Vec<DateTime<Utc>> = (0..1_024)
        .map(|n| first + TimeDelta::seconds(n * 30_011))
        .collect();
    for objective_h in [1_u64, 24, 200] {
        let mut next = 0;
        c.bench_function(&format!("add {objective_h} h"), |b| {
            b.iter(|| {
                next = (next + 1) % starts.len();
                hours.add(black_box(starts[next]), black_box(objective_h * 3_600))
            })
        });
    }
}

criterion_group!(benches, add);
criterion_main!(benches);
