//! Sizes, durations and times: read as an instructor writes them, print as a student reads them.

use std::time::Duration;

use bytesize::ByteSize;
use jiff::Timestamp;

/// Reads a size such as `80MB` (decimal) or `1MiB` (binary), in bytes.
///
/// # Errors
/// A sentence that says what a size looks like.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| format!("`{text}` is not a size; write one such as \"80MB\" or \"1MiB\""))
}

/// Reads a duration such as `20s`, `500ms` or `1m 30s`.
///
/// # Errors
/// A sentence that says what a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("`{text}` is not a duration; write one such as \"20s\" or \"500ms\""))
}

/// Reads a time such as `2026-10-01T23:59:00+02:00`. Without an offset it would mean another time on
/// another machine.
///
/// # Errors
/// A sentence that says what a time looks like.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        format!("`{text}` is no time with an offset; write one such as 2026-10-01T23:59:00+02:00")
    })
}

/// Prints a size in decimal units, as `docker images` does.
pub fn show_bytes(bytes: u64) -> String {
    ByteSize::b(bytes).display().si().to_string()
}

/// Prints a duration with the precision a reader needs: `320 ms`, `4.1 s`, `3 min 20 s`.
pub fn show_millis(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// Whole milliseconds of a duration, saturating.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_unless_they_say_otherwise() {
        assert_eq!(parse_bytes("80MB"), Ok(80_000_000));
        assert_eq!(parse_bytes("1MiB"), Ok(1 << 20));
        assert_eq!(parse_bytes("12"), Ok(12));
        assert!(parse_bytes("many").is_err());
    }

    #[test]
    fn durations_name_their_unit() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert!(parse_duration("20").is_err());
    }

    #[test]
    fn a_time_has_an_offset() {
        let time = parse_time("2026-10-01T23:59:00+02:00").unwrap();
        assert_eq!(time.to_string(), "2026-10-01T21:59:00Z");
        assert_eq!(parse_time("2026-10-01 21:59:00Z"), Ok(time));
        for text in ["2026-10-01T23:59:00", "2026-10-01", "23:59", "2026-13-01T00:00:00Z", "soon"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn printed_values_are_short() {
        assert_eq!(show_millis(320), "320 ms");
        assert_eq!(show_millis(4_120), "4.1 s");
        assert_eq!(show_millis(200_000), "3 min 20 s");
        assert_eq!(show_bytes(41_300_000), "41.3 MB");
    }
}
