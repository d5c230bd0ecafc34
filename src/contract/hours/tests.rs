//! The arithmetic against a reference that walks minute by minute, its laws, and the syntax.

use super::*;
use proptest::prelude::*;

const ZURICH: Tz = Tz::Europe__Zurich;
const BUSINESS: &str = "Mo-Fr 08:00-17:00; PH off";
const ALWAYS: &str = "24/7";

fn hours(text: &str) -> Hours {
    hours_in(text, ZURICH)
}

fn hours_in(text: &str, zone: Tz) -> Hours {
    Hours::parse(text, zone, Arc::new(Holidays::st_gallen()))
        .unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// `Fri 2026-03-27 16:40`, in a zone; where clocks show it twice, the first.
fn at_in(zone: Tz, text: &str) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(text, "%a %Y-%m-%d %H:%M").expect(text);
    zone.from_local_datetime(&local)
        .earliest()
        .expect(text)
        .to_utc()
}

fn at(text: &str) -> DateTime<Utc> {
    at_in(ZURICH, text)
}

fn words(zone: Tz, at: DateTime<Utc>) -> String {
    local(zone, at).format("%a %Y-%m-%d %H:%M").to_string()
}

fn secs(time: &str) -> u64 {
    match (time.strip_suffix('h'), time.strip_suffix("min")) {
        (Some(hours), _) => hours.parse::<u64>().unwrap() * 3_600,
        (_, Some(minutes)) => minutes.parse::<u64>().unwrap() * 60,
        _ => time.strip_suffix('s').unwrap().parse().unwrap(),
    }
}

#[track_caller]
fn check(start: &str, time: &str, expect: &str) {
    check_in(BUSINESS, start, time, expect);
}

#[track_caller]
fn check_in(text: &str, start: &str, time: &str, expect: &str) {
    let reached = hours(text).add(at(start), secs(time)).unwrap();
    assert_eq!(
        words(ZURICH, reached),
        expect,
        "{time} of {text} from {start}"
    );
}

#[test]
fn friday_afternoon_rolls_over_the_weekend() {
    check("Fri 2026-03-27 16:40", "4h", "Mon 2026-03-30 11:40");
    check("Fri 2026-03-27 16:40", "20min", "Fri 2026-03-27 17:00");
    check("Fri 2026-03-27 17:00", "1h", "Mon 2026-03-30 09:00");
}

#[test]
fn nine_hours_from_eight_are_seventeen_the_same_day() {
    check("Mon 2026-03-30 08:00", "9h", "Mon 2026-03-30 17:00");
    check("Mon 2026-03-30 03:00", "9h", "Mon 2026-03-30 17:00");
    check("Sat 2026-03-28 12:00", "9h", "Mon 2026-03-30 17:00");
    check("Mon 2026-03-30 08:00", "18h", "Tue 2026-03-31 17:00");
}

#[test]
fn easter_is_not_counted() {
    check("Thu 2026-04-02 16:00", "2h", "Tue 2026-04-07 09:00");
    check_in(
        ALWAYS,
        "Thu 2026-04-02 16:00",
        "48h",
        "Sat 2026-04-04 16:00",
    );
}

#[test]
fn a_night_of_a_clock_change_has_the_hours_that_pass() {
    // 02:00 to 03:00 does not exist on 29 March and passes twice on 25 October.
    check_in(ALWAYS, "Sun 2026-03-29 01:30", "1h", "Sun 2026-03-29 03:30");
    check_in(ALWAYS, "Sun 2026-10-25 01:30", "2h", "Sun 2026-10-25 02:30");
    let night = "Su 01:00-02:30";
    check_in(night, "Sat 2026-03-28 12:00", "1h", "Sun 2026-03-29 03:00");
    let twice =
        hours("Su 02:00-02:30").windows(at("Sat 2026-10-24 12:00"), at("Mon 2026-10-26 12:00"));
    assert_eq!(
        (twice[0].close - twice[0].open).num_minutes(),
        90,
        "{twice:?}"
    );
    let gone =
        hours("Su 02:10-02:50").windows(at("Sat 2026-03-28 12:00"), at("Mon 2026-03-30 12:00"));
    assert_eq!(gone, []);
}

#[test]
fn a_day_that_a_zone_left_out_counts_nothing() {
    let samoa = hours_in("08:00-17:00", Tz::Pacific__Apia);
    let start = at_in(Tz::Pacific__Apia, "Thu 2011-12-29 16:00");
    let reached = samoa.add(start, secs("2h")).unwrap();
    assert_eq!(words(Tz::Pacific__Apia, reached), "Sat 2011-12-31 09:00");
}

#[test]
fn clocks_change_by_the_rule_after_the_end_of_the_table() {
    let last_sunday = |year: i32, month: u32| {
        let last = NaiveDate::from_ymd_opt(year, month, 31).unwrap();
        last - Days::new(u64::from(last.weekday().num_days_from_sunday()))
    };
    let noon = hours("12:00-12:01");
    for year in 2090..=LAST_YEAR {
        let (spring, autumn) = (last_sunday(year, 3), last_sunday(year, 10));
        let day = |date: NaiveDate| date.and_hms_opt(0, 0, 0).unwrap().and_utc();
        for (date, hour) in [(spring, 10), (autumn, 11)] {
            let before = noon.next_open(day(date - Days::new(1))).unwrap();
            let on = noon.next_open(day(date)).unwrap();
            assert_eq!(on - day(date), TimeDelta::hours(hour), "{date}");
            assert_eq!(
                before - day(date - Days::new(1)),
                TimeDelta::hours(21 - hour)
            );
            assert_eq!(noon.local(on).format("%H:%M").to_string(), "12:00");
        }
    }
}

#[test]
fn next_and_last_open() {
    let hours = hours(BUSINESS);
    let next = |t: &str| words(ZURICH, hours.next_open(at(t)).unwrap());
    let last = |t: &str| words(ZURICH, hours.last_open_before(at(t)).unwrap());
    assert_eq!(next("Fri 2026-03-27 12:00"), "Fri 2026-03-27 12:00");
    assert_eq!(next("Fri 2026-03-27 17:00"), "Mon 2026-03-30 08:00");
    assert_eq!(next("Thu 2026-12-31 18:00"), "Mon 2027-01-04 08:00");
    assert_eq!(last("Fri 2026-03-27 12:00"), "Fri 2026-03-27 12:00");
    assert_eq!(last("Mon 2026-03-30 08:00"), "Fri 2026-03-27 17:00");
    assert_eq!(last("Sun 2027-01-03 08:00"), "Thu 2026-12-31 17:00");
    assert!(hours.is_open(at("Fri 2026-03-27 08:00")));
    assert!(!hours.is_open(at("Fri 2026-03-27 17:00")));
}

#[test]
fn the_ends_of_knowledge_are_ends() {
    let hours = hours(ALWAYS);
    let far = |year| {
        NaiveDate::from_ymd_opt(year, 1, 1)
            .unwrap()
            .and_hms_opt(0, 0, 0)
            .unwrap()
            .and_utc()
    };
    assert_eq!(hours.add(far(2201), 1), None);
    assert_eq!(hours.add(far(2200), 366 * 86_400), None);
    assert_eq!(hours.add(far(2200), 365 * 86_400), Some(far(2201)));
    assert_eq!(
        hours.add(far(1960), 60),
        Some(far(1970) + TimeDelta::minutes(1))
    );
    assert_eq!(hours.add(far(1970), u64::MAX), None);
    assert_eq!(hours.between(far(1900), far(1971)), 365 * 86_400);
    assert_eq!(hours.between(far(1971), far(1970)), 0);
    for t in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        let _ = (
            hours.next_open(t),
            hours.last_open_before(t),
            hours.is_open(t),
        );
        let _ = (
            hours.window_around(t, 1),
            hours.add(t, 1),
            hours.windows(t, t),
        );
    }
}

#[test]
fn around_the_turn_of_a_year_a_window_is_one() {
    let hours = hours(ALWAYS);
    let turn = at("Fri 2027-01-01 12:00");
    let windows = hours.windows(turn - TimeDelta::days(400), turn);
    assert_eq!(windows.len(), 1);
    let night = hours_in("22:00-06:00", ZURICH).window_around(at("Fri 2027-01-01 01:30"), 1);
    assert_eq!(night.unwrap().open, at("Thu 2026-12-31 22:00"));
    assert_eq!(night.unwrap().close, at("Fri 2027-01-01 06:00"));
}

/// The open windows of a week, as `Mo 08:00-17:00`.
#[track_caller]
fn week(text: &str, monday: &str, expect: &str) {
    let start = at(&format!("Mon {monday} 00:00"));
    let windows: Vec<String> = hours(text)
        .windows(start, start + TimeDelta::days(7))
        .iter()
        .map(|w| {
            let (open, close) = (local(ZURICH, w.open), local(ZURICH, w.close));
            let day = &open.format("%a").to_string()[..2];
            format!("{day} {}-{}", open.format("%H:%M"), close.format("%H:%M"))
        })
        .collect();
    assert_eq!(windows.join(", "), expect, "{text}");
}

#[test]
fn the_syntax_says_what_the_table_says() {
    week(
        "Mo,We 08:00-12:00,13:00-17:30",
        "2026-11-09",
        "Mo 08:00-12:00, Mo 13:00-17:30, We 08:00-12:00, We 13:00-17:30",
    );
    week(
        "Mo-Tu,Fr 09:00-10:00",
        "2026-11-09",
        "Mo 09:00-10:00, Tu 09:00-10:00, Fr 09:00-10:00",
    );
    week(
        "Sa-Mo 09:00-10:00",
        "2026-11-09",
        "Mo 09:00-10:00, Sa 09:00-10:00, Su 09:00-10:00",
    );
    week("Fr 22:00-06:00", "2026-11-09", "Fr 22:00-06:00");
    week("Fr 22:00-30:00", "2026-11-09", "Fr 22:00-06:00");
    week(
        "09:00-10:00; Sa,Su off",
        "2026-11-09",
        "Mo 09:00-10:00, Tu 09:00-10:00, We 09:00-10:00, Th 09:00-10:00, Fr 09:00-10:00",
    );
    week(
        "Mo - Tu 08:00 - 09:00 , 10:00-11:00",
        "2026-11-09",
        "Mo 08:00-09:00, Mo 10:00-11:00, Tu 08:00-09:00, Tu 10:00-11:00",
    );
    week("24/7; Mo-Sa closed", "2026-11-09", "Su 00:00-00:00");
    week("Th 08:00-10:00,09:00-11:00", "2026-11-09", "Th 08:00-11:00");
    // The week of Christmas 2026: Friday the 25th and Saturday the 26th are holidays.
    week("Th-Sa 08:00-17:00; PH off", "2026-12-21", "Th 08:00-17:00");
    week(
        "Th-Sa 08:00-17:00; PH 10:00-12:00",
        "2026-12-21",
        "Th 08:00-17:00, Fr 10:00-12:00, Sa 10:00-12:00",
    );
    week(
        "Th-Sa 08:00-17:00; 2026 Dec 24 08:00-12:00; PH off",
        "2026-12-21",
        "Th 08:00-12:00",
    );
    week(
        "Th-Fr 08:00-17:00; 2026 Dec 24-2027 Jan 2 off",
        "2026-12-21",
        "",
    );
    week("Th-Fr 08:00-17:00; Dec 24-Jan 2 off", "2026-12-28", "");
    week(
        "Th-Fr 08:00-17:00; Dec 24-31 off",
        "2027-12-20",
        "Th 08:00-17:00",
    );
    week(
        "Th-Fr 08:00-17:00; 2026 Dec 24-31 Fr off",
        "2026-12-21",
        "Th 08:00-17:00",
    );
    week("Th 22:00-06:00; PH off", "2026-12-21", "Th 22:00-06:00");
}

#[test]
fn the_rest_is_refused_by_name() {
    let refused = [
        ("", "no opening hours"),
        (";", "no opening hours"),
        ("Mo-Fr sunrise-sunset", "sun's times"),
        ("Mo-Fr 08:00+", "open end"),
        ("week 1-10 Mo 08:00-09:00", "weeks of the year"),
        ("SH off", "school holidays"),
        ("easter off", "easter"),
        ("Mo[1] 08:00-09:00", "n-th weekday"),
        ("Mo 08:00-09:00 || \"call us\"", "fallback"),
        ("Mo 08:00-09:00 \"call us\"", "comments"),
        ("Mo-Fr unknown", "unknown hours"),
        ("Mo-Fr open", "the word open"),
        ("Mo-Fr 08:00-12:00, Sa 09:00-10:00", "begins another rule"),
        ("Mo-Fr 8-17", "not an interval"),
        ("Mo-Fr 08:00-08:00", "same time"),
        ("Mo-Fr 25:00-26:00", "after midnight"),
        ("Mo-Fr 08:00-49:00", "not an interval"),
        ("Mo-Fr 08:00-12:60", "not an interval"),
        ("Mo-Fr", "not an interval"),
        ("Mon-Fri 08:00-12:00", "not a day"),
        ("Dec off", "the date in"),
        ("2026 Feb 30 off", "the date in"),
        ("2026 Dec 31-2026 Dec 1 off", "the date in"),
        ("Mo PH 08:00-09:00", "not understood"),
    ];
    for (text, named) in refused {
        let fault = Hours::parse(text, ZURICH, Arc::default()).expect_err(text);
        assert!(fault.problem.contains(named), "{text}: {fault}");
        assert!(!fault.remedy.is_empty());
    }
}

/// A schedule as values, so that the reference need not believe the parser.
struct Plan {
    text: String,
    zone: Tz,
    /// Weekday, Monday first, minutes from and to.
    spans: Vec<(u32, u32, u32)>,
    holidays_off: bool,
}

fn random_plan(random: &mut fastrand::Rng) -> Plan {
    let zones = [
        Tz::Europe__Zurich,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::America__Havana,
        Tz::Asia__Kathmandu,
        Tz::Africa__Casablanca,
        Tz::America__St_Johns,
        Tz::Pacific__Apia,
    ];
    let days = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
    let (mut rules, mut spans) = (Vec::new(), Vec::new());
    for (weekday, day) in days.iter().enumerate() {
        let count = random.u32(0..4);
        if count == 0 {
            continue;
        }
        let mut times = Vec::new();
        for _ in 0..count {
            // Often whole hours, often in the night, where clocks change.
            let step = if random.bool() { 60 } else { 1 };
            let from = random.u32(0..24 * 60) / step * step;
            let to = from + random.u32(1..=8 * 60 / step) * step;
            times.push(format!(
                "{:02}:{:02}-{:02}:{:02}",
                from / 60,
                from % 60,
                to / 60,
                to % 60
            ));
            spans.push((weekday as u32, from, to));
        }
        rules.push(format!("{day} {}", times.join(",")));
    }
    let holidays_off = random.bool();
    if spans.is_empty() {
        rules.push("Mo 00:00-24:00".into());
        spans.push((0, 0, 24 * 60));
    }
    if holidays_off {
        rules.push("PH off".into());
    }
    Plan {
        text: rules.join("; "),
        zone: zones[random.usize(0..zones.len())],
        spans,
        holidays_off,
    }
}

/// Which minutes of a stretch of time are open, found by walking over them and looking at the clock on the wall:
/// a window begins when the clock first shows its opening or later, and ends after the clock last shows less than its closing.
fn walk(plan: &Plan, from: DateTime<Utc>, minutes: usize) -> Vec<bool> {
    let clock: Vec<NaiveDateTime> = (0..minutes)
        .map(|m| {
            (from + TimeDelta::minutes(m as i64))
                .with_timezone(&plan.zone)
                .naive_local()
        })
        .collect();
    let mut open = vec![false; minutes];
    let days = minutes / 1_440;
    for day in 0..days + 3 {
        let date = (from + TimeDelta::days(day as i64 - 2)).date_naive();
        let holiday = Holidays::st_gallen().name(date).is_some();
        for (weekday, span_from, span_to) in &plan.spans {
            if date.weekday().num_days_from_monday() != *weekday || (holiday && plan.holidays_off) {
                continue;
            }
            let midnight = NaiveDateTime::from(date);
            let opens = midnight + TimeDelta::minutes(i64::from(*span_from));
            let closes = midnight + TimeDelta::minutes(i64::from(*span_to));
            // 27 hours to both sides: as far as a clock is from UTC, and a change of it.
            let near = |local: NaiveDateTime| {
                let minute = (local.and_utc() - from).num_minutes();
                let low = (minute - 27 * 60).clamp(0, minutes as i64) as usize;
                let high = (minute + 27 * 60).clamp(0, minutes as i64) as usize;
                low..high
            };
            let first = near(opens).find(|m| clock[*m] >= opens);
            // The second of two equal readings (C1.6), also where the clock is set back to the closing time itself.
            let shut = near(closes).rev().find(|m| clock[*m] == closes);
            let before = || near(closes).rev().find(|m| clock[*m] < closes);
            let last = shut.map_or_else(before, |m| m.checked_sub(1));
            if let (Some(first), Some(last)) = (first, last) {
                for minute in open.iter_mut().take(last + 1).skip(first) {
                    *minute = true;
                }
            }
        }
    }
    open
}

#[test]
fn agrees_with_a_walk_over_the_minutes() {
    // 100,000 cases; a build without optimisation, known by its slowness, stops after the first 3,000.
    let began = std::time::Instant::now();
    let mut random = fastrand::Rng::with_seed(20_260_327);
    for round in 0..100 {
        if round == 3 && began.elapsed().as_millis() > 1_500 {
            break;
        }
        let plan = random_plan(&mut random);
        let hours = hours_in(&plan.text, plan.zone);
        let year = random.i32(1975..2098);
        let from = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let from = from.and_hms_opt(0, 0, 0).unwrap().and_utc();
        let minutes = 430 * 1_440;
        let open = walk(&plan, from, minutes);
        for _ in 0..1_000 {
            // The edges of the stretch are not known to the walk.
            let first = random.usize(4 * 1_440..366 * 1_440);
            let start = from + TimeDelta::seconds(first as i64 * 60 + random.i64(0..60));
            let wanted = if random.bool() {
                random.u64(1..8 * 3_600)
            } else {
                random.u64(1..=60) * 1_800
            };
            let (mut at, mut left) = (start, wanted);
            let reached = loop {
                let minute = (at - from).num_minutes() as usize;
                if minute >= minutes - 4 * 1_440 {
                    break None;
                }
                let rest = 60 - at.timestamp().rem_euclid(60) as u64;
                if open[minute] {
                    if left <= rest {
                        break Some(at + TimeDelta::seconds(left as i64));
                    }
                    left -= rest;
                }
                at += TimeDelta::seconds(rest as i64);
            };
            let Some(reached) = reached else { continue };
            assert_eq!(
                hours.add(start, wanted),
                Some(reached),
                "{wanted} s of \"{}\" in {} from {start}",
                plan.text,
                plan.zone
            );
            assert_eq!(hours.between(start, reached), wanted);
        }
    }
}

fn samples() -> &'static [Hours] {
    static SAMPLES: OnceLock<Vec<Hours>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        vec![
            hours(BUSINESS),
            hours("Mo-Fr 07:00-19:00; PH off"),
            hours(ALWAYS),
            hours("Su 01:00-03:30; Mo-Fr 22:00-30:00"),
            hours_in(
                "Mo-Fr 08:00-12:00,13:00-17:30; Sa 01:15-02:45",
                Tz::America__New_York,
            ),
            hours_in("Su 00:00-04:00; Dec 24-Jan 2 off", Tz::Australia__Lord_Howe),
        ]
    })
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    // 1970 to 2180: an objective of some years still ends within what is known.
    (0..210 * 31_556_952_i64, 0..1_000_000_000_u32)
        .prop_map(|(secs, nanos)| DateTime::from_timestamp(secs, nanos).unwrap())
}

proptest! {
    #[test]
    fn never_earlier_than_the_start(which in 0..6_usize, start in instant(), d in 0..2_000_000_u64) {
        let hours = &samples()[which];
        prop_assert!(hours.add(start, d).unwrap() >= start);
    }

    #[test]
    fn splitting_changes_nothing(which in 0..6_usize, start in instant(), a in 0..500_000_u64, b in 0..500_000_u64) {
        let hours = &samples()[which];
        let whole = hours.add(start, a + b).unwrap();
        let in_two = hours.add(hours.add(start, a).unwrap(), b).unwrap();
        prop_assert_eq!(in_two, whole);
    }

    #[test]
    fn a_fraction_of_a_second_changes_nothing(which in 0..6_usize, start in instant(), d in 1..2_000_000_u64) {
        let hours = &samples()[which];
        let whole = DateTime::from_timestamp(start.timestamp(), 0).unwrap();
        prop_assert_eq!(hours.add(start, d), hours.add(whole, d));
    }

    #[test]
    fn what_was_added_lies_between(which in 0..6_usize, start in instant(), d in 0..2_000_000_u64) {
        let hours = &samples()[which];
        prop_assert_eq!(hours.between(start, hours.add(start, d).unwrap()), d);
    }

    #[test]
    fn monotone_in_the_start(which in 0..6_usize, a in instant(), later in 0..10_000_000_i64, d in 0..500_000_u64) {
        let hours = &samples()[which];
        let b = a + TimeDelta::seconds(later);
        prop_assert!(hours.add(a, d).unwrap() <= hours.add(b, d).unwrap());
    }

    #[test]
    fn monotone_in_the_time(which in 0..6_usize, start in instant(), d in 0..500_000_u64, more in 0..500_000_u64) {
        let hours = &samples()[which];
        prop_assert!(hours.add(start, d).unwrap() <= hours.add(start, d + more).unwrap());
    }

    #[test]
    fn windows_hold_what_lies_between(which in 0..6_usize, a in instant(), secs in 0..40_000_000_i64) {
        let hours = &samples()[which];
        let a = DateTime::from_timestamp(a.timestamp(), 0).unwrap();
        let b = a + TimeDelta::seconds(secs);
        let sum: i64 = hours.windows(a, b).iter().map(|w| (w.close - w.open).num_seconds()).sum();
        prop_assert_eq!(u64::try_from(sum).unwrap(), hours.between(a, b));
    }

    #[test]
    fn the_next_opening_is_open_and_nothing_before_it(which in 0..6_usize, t in instant()) {
        let hours = &samples()[which];
        let next = hours.next_open(t).unwrap();
        prop_assert!(hours.is_open(next) && next >= t);
        prop_assert_eq!(hours.between(t, next), 0);
        if let Some(last) = hours.last_open_before(t) {
            prop_assert!(last <= t);
            prop_assert_eq!(hours.between(last, t), 0);
        }
    }

    #[test]
    fn reading_never_panics(text in "[MoTuWeFrSaPHDec0-9:;, /+\\-]{0,40}|.{0,40}") {
        let _ = Hours::parse(&text, ZURICH, Arc::default());
    }
}
