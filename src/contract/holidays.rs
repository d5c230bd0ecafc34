//! Public holidays (C1.4): which days of a year nobody has to work, and what they are called.
//!
//! Knows the Gregorian Easter, days that return every year, and dated additions and removals; knows nothing of zones, hours or the present moment.
//! Law: the same contract gives the same days for ever; a removal beats an addition, an addition beats a computed day's name.

use chrono::{Datelike, Days, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

/// A day that returns every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Yearly {
    /// The same month and day each year.
    Fixed {
        /// 1 to 12.
        month: u32,
        /// 1 to 31.
        day: u32,
    },
    /// So many days after Easter Sunday; negative before it.
    Easter(i32),
}

impl Yearly {
    /// `01-01`, `easter`, `easter+39`, `easter-2`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("easter") {
            if rest.is_empty() {
                return Some(Yearly::Easter(0));
            }
            let days: i32 = rest.parse().ok()?;
            let signed = rest.starts_with(['+', '-']);
            return (signed && days.abs() <= 100).then_some(Yearly::Easter(days));
        }
        let (month, day) = text.split_once('-')?;
        let digits = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
        if !digits(month) || !digits(day) {
            return None;
        }
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        // 29 February is a day of some years only, so a leap year is asked.
        NaiveDate::from_ymd_opt(2000, month, day)?;
        Some(Yearly::Fixed { month, day })
    }

    /// Its date in a year; none for 29 February in most years.
    pub fn in_year(self, year: i32) -> Option<NaiveDate> {
        match self {
            Yearly::Fixed { month, day } => NaiveDate::from_ymd_opt(year, month, day),
            Yearly::Easter(days) => {
                let easter = easter(year)?;
                let distance = Days::new(u64::from(days.unsigned_abs()));
                if days < 0 {
                    easter.checked_sub_days(distance)
                } else {
                    easter.checked_add_days(distance)
                }
            }
        }
    }
}

/// Easter Sunday of the Gregorian calendar (the computus of Meeus, Jones and Butcher).
pub fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let century = year.div_euclid(100);
    let of_century = year.rem_euclid(100);
    let leap_centuries = century.div_euclid(4);
    let moon_shift = (century + 8).div_euclid(25);
    let epact_shift = (century - moon_shift + 1).div_euclid(3);
    let epact = (19 * golden + century - leap_centuries - epact_shift + 15).rem_euclid(30);
    let weekday = (32 + 2 * century.rem_euclid(4) + 2 * (of_century / 4) - epact - of_century % 4)
        .rem_euclid(7);
    let exception = (golden + 11 * epact + 22 * weekday).div_euclid(451);
    let day_of_march = epact + weekday - 7 * exception + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(day_of_march / 31).ok()?,
        u32::try_from(day_of_march % 31 + 1).ok()?,
    )
}

/// The holidays of one version of the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    /// Those of every year, with their names.
    pub yearly: Vec<(Yearly, String)>,
    /// Single dates that are holidays too.
    pub added: BTreeMap<NaiveDate, String>,
    /// Single dates that are none after all.
    pub removed: BTreeSet<NaiveDate>,
}

impl Holidays {
    /// The nine days of Canton St. Gallen (C1.4): not 2 January, not 1 May.
    pub fn st_gallen() -> Self {
        let fixed = |month, day| Yearly::Fixed { month, day };
        let days = [
            (fixed(1, 1), "New Year's Day"),
            (Yearly::Easter(-2), "Good Friday"),
            (Yearly::Easter(1), "Easter Monday"),
            (Yearly::Easter(39), "Ascension Day"),
            (Yearly::Easter(50), "Whit Monday"),
            (fixed(8, 1), "Swiss National Day"),
            (fixed(11, 1), "All Saints' Day"),
            (fixed(12, 25), "Christmas Day"),
            (fixed(12, 26), "St. Stephen's Day"),
        ];
        Holidays {
            yearly: days.map(|(day, name)| (day, name.to_string())).into(),
            ..Holidays::default()
        }
    }

    /// Every holiday of a year, in order, with its name.
    pub fn of_year(&self, year: i32) -> BTreeMap<NaiveDate, String> {
        let mut days: BTreeMap<NaiveDate, String> = self
            .yearly
            .iter()
            .filter_map(|(day, name)| Some((day.in_year(year)?, name.clone())))
            .collect();
        for (day, name) in self.added.iter().filter(|(day, _)| day.year() == year) {
            days.insert(*day, name.clone());
        }
        days.retain(|day, _| !self.removed.contains(day));
        days
    }

    /// The name of a date, if it is a holiday.
    pub fn name(&self, date: NaiveDate) -> Option<String> {
        self.of_year(date.year()).remove(&date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(year: i32, expect: &str) {
        let days: Vec<String> = Holidays::st_gallen()
            .of_year(year)
            .keys()
            .map(|d| d.format("%m-%d").to_string())
            .collect();
        assert_eq!(days.join(" "), expect, "{year}");
    }

    #[test]
    fn st_gallen_by_the_printed_calendars() {
        check(
            2000,
            "01-01 04-21 04-24 06-01 06-12 08-01 11-01 12-25 12-26",
        );
        check(
            2008,
            "01-01 03-21 03-24 05-01 05-12 08-01 11-01 12-25 12-26",
        );
        check(
            2024,
            "01-01 03-29 04-01 05-09 05-20 08-01 11-01 12-25 12-26",
        );
        check(
            2025,
            "01-01 04-18 04-21 05-29 06-09 08-01 11-01 12-25 12-26",
        );
        check(
            2026,
            "01-01 04-03 04-06 05-14 05-25 08-01 11-01 12-25 12-26",
        );
        check(
            2027,
            "01-01 03-26 03-29 05-06 05-17 08-01 11-01 12-25 12-26",
        );
        check(
            2038,
            "01-01 04-23 04-26 06-03 06-14 08-01 11-01 12-25 12-26",
        );
        check(
            2100,
            "01-01 03-26 03-29 05-06 05-17 08-01 11-01 12-25 12-26",
        );
    }

    /// Another road to Easter: the Sunday after the ecclesiastical full moon of the Gregorian reform (Clavius' epact, after Knuth, TAOCP 1.3.2, exercise 14).
    fn easter_of_clavius(year: i32) -> NaiveDate {
        let golden = year % 19 + 1;
        let century = year / 100 + 1;
        let skipped_leap_days = 3 * century / 4 - 12;
        let moon = (8 * century + 5) / 25 - 5;
        let sunday = 5 * year / 4 - skipped_leap_days - 10;
        let mut epact = (11 * golden + 20 + moon - skipped_leap_days).rem_euclid(30);
        if (epact == 25 && golden > 11) || epact == 24 {
            epact += 1;
        }
        let mut full_moon = 44 - epact;
        if full_moon < 21 {
            full_moon += 30;
        }
        let day = full_moon + 7 - (sunday + full_moon) % 7;
        if day > 31 {
            NaiveDate::from_ymd_opt(year, 4, (day - 31) as u32).unwrap()
        } else {
            NaiveDate::from_ymd_opt(year, 3, day as u32).unwrap()
        }
    }

    #[test]
    fn easter_agrees_with_clavius_in_every_year() {
        for year in 1900..=2300 {
            assert_eq!(easter(year), Some(easter_of_clavius(year)), "{year}");
        }
    }

    #[test]
    fn additions_and_removals_have_dates() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let mut days = Holidays::st_gallen();
        days.added.insert(date("2027-05-07"), "Bridge day".into());
        days.removed.insert(date("2027-12-26"));
        assert_eq!(days.name(date("2027-05-07")).as_deref(), Some("Bridge day"));
        assert_eq!(days.name(date("2028-05-07")), None);
        assert_eq!(days.name(date("2027-12-26")), None);
        assert_eq!(
            days.name(date("2028-12-26")).as_deref(),
            Some("St. Stephen's Day")
        );
    }

    #[test]
    fn days_of_every_year_are_written_so() {
        assert_eq!(Yearly::parse("easter-2"), Some(Yearly::Easter(-2)));
        assert_eq!(Yearly::parse("easter"), Some(Yearly::Easter(0)));
        assert_eq!(
            Yearly::parse("08-01"),
            Some(Yearly::Fixed { month: 8, day: 1 })
        );
        for wrong in [
            "",
            "8-1",
            "13-01",
            "02-30",
            "easter2",
            "easter+999",
            "+1-01",
        ] {
            assert_eq!(Yearly::parse(wrong), None, "{wrong}");
        }
    }
}
