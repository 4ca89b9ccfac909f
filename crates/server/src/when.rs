//! Moments on the command line: RFC 3339 in UTC, or a date.

use std::str::FromStr;

use portcullis_core::time::Timestamp;

/// A point in time that somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

/// The text is no date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a date like 2030-01-31 or a time in UTC like 2030-01-31T12:00:00Z")]
pub(crate) struct NotAMoment;

/// `2030-01-31` is its first moment; `2030-01-31T12:00:00Z` may have a fraction of up to six digits.
impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return Err(NotAMoment);
        }
        let midnight = days_from_civil(year, month, day) * 86_400;
        let micros = match time {
            None => 0,
            Some(time) => micros_of_day(time)?,
        };
        Ok(Self(Timestamp::from_micros(midnight * 1_000_000 + micros)))
    }
}

/// Microseconds since midnight; a leap second has no place in Unix time and is refused.
fn micros_of_day(time: &str) -> Result<i64, NotAMoment> {
    let time = time.strip_suffix(['Z', 'z']).ok_or(NotAMoment)?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(whole, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(NotAMoment);
    }
    let digits = u32::try_from(fraction.len()).map_err(|_| NotAMoment)?;
    let scale = 6_u32.checked_sub(digits).ok_or(NotAMoment)?;
    let fraction = digits_only(fraction)? * 10_i64.pow(scale);
    Ok(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

/// Numbers of exactly so many digits, with one separator between them.
fn numbers<const N: usize>(
    text: &str,
    separator: char,
    widths: [usize; N],
) -> Result<[i64; N], NotAMoment> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width);
        *slot = digits_only(part.ok_or(NotAMoment)?)?;
    }
    match parts.next() {
        None => Ok(found),
        Some(_) => Err(NotAMoment),
    }
}

/// No sign: `-1` and `+1` are numbers to the standard library's parser.
fn digits_only(text: &str) -> Result<i64, NotAMoment> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotAMoment);
    }
    text.parse().map_err(|_| NotAMoment)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a proleptic Gregorian date; years count from 1 March, so that the leap day is the last.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_it_was_typed() {
        for (typed, printed) in [
            ("1970-01-01", "1970-01-01T00:00:00.000000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
            ("2030-01-31T12:34:56Z", "2030-01-31T12:34:56.000000Z"),
            ("2030-01-31 12:34:56.5z", "2030-01-31T12:34:56.500000Z"),
            ("0001-03-01t00:00:00.000001Z", "0001-03-01T00:00:00.000001Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            let moment: Moment = typed.parse().unwrap();
            assert_eq!(moment.0.to_string(), printed, "{typed}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for typed in [
            "",
            "tomorrow",
            "2030-1-31",
            "2030-13-01",
            "2030-00-01",
            "2029-02-29",
            "1900-02-29",
            "2030-01-32",
            "2030-01-31T",
            "2030-01-31T12:00Z",
            "2030-01-31T12:00:00",
            "2030-01-31T12:00:00+01:00",
            "2030-01-31T24:00:00Z",
            "2030-01-31T23:59:60Z",
            "2030-01-31T12:00:00.1234567Z",
            "2030-01-31T12:00:00.Z",
            "+030-01-31",
            "2030-01-31-01",
        ] {
            assert_eq!(typed.parse::<Moment>(), Err(NotAMoment), "{typed}");
        }
    }
}
