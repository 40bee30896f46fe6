//! Calendar dates, as far as a policy needs them.

use std::fmt;

use crate::Date;

impl Date {
    /// Reads `YYYY-MM-DD`; `None` where the form is another or the day does not exist.
    pub fn parse(text: &str) -> Option<Date> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let date = Date { year: digits(year, 4)?, month: digits(month, 2)?, day: digits(day, 2)? };
        let exists = (1..=date.days_in_month()).contains(&date.day);
        exists.then_some(date)
    }

    /// The number of days of this date's month; 0 if there is no such month.
    fn days_in_month(self) -> u8 {
        match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if self.is_leap_year() => 29,
            2 => 28,
            _ => 0,
        }
    }

    fn is_leap_year(self) -> bool {
        self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn digits<T: std::str::FromStr>(text: &str, len: usize) -> Option<T> {
    let plain = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_exist_are_read_and_printed_back() {
        for text in ["2027-03-31", "2024-02-29", "2000-02-29", "0001-01-01"] {
            assert_eq!(Date::parse(text).map(|date| date.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn days_that_do_not_exist_and_other_forms_are_refused() {
        let wrong = [
            "2027-02-29",
            "1900-02-29",
            "2027-04-31",
            "2027-13-01",
            "2027-00-10",
            "2027-01-00",
            "27-01-01",
            "2027-1-1",
            "2027/01/01",
            "2027-01-01-01",
            "+027-01-01",
            "",
            "2027-01-01T00:00:00Z",
        ];
        for text in wrong {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_ordered_by_the_calendar() {
        assert!(Date::parse("2026-12-31") < Date::parse("2027-01-01"));
        assert!(Date::parse("2027-01-31") < Date::parse("2027-02-01"));
    }
}
