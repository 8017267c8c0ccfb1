//! Values made anew for each run, named in a rubric and filled into its texts as `${name}`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How a value is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// That many random lower-case letters and digits, the first one a letter.
    Random(usize),
    /// A number of that many digits, the first one not a zero.
    Digits(usize),
    /// At least that many lines `word=word` of random words, and at most twice as many.
    Lines(usize),
    /// A port of this host, as `host:port`: one of those that nothing is known for.
    Port(&'static str),
    /// The public half of the SSH agents' key, as whoever has that key tells.
    SshKey,
    /// The SHA-256, in lower-case hex, of a text that may use values declared before.
    Sha256(String),
}

/// A declared value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The name, as in `${name}`.
    pub name: String,
    /// How it is made.
    pub origin: Origin,
    /// What stands in its place when a student reads about it.
    pub says: String,
}

/// A value as made for one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The value itself.
    pub value: String,
    /// What stands in its place when a student reads about it.
    pub says: String,
}

/// The values of one run, by name.
pub type Values = BTreeMap<String, Made>;

/// Makes all declared values, in their order. `random` gives a text of the length asked for, `ssh_key`
/// is that of the run.
pub fn make(
    declared: &[Declared],
    ssh_key: &str,
    mut random: impl FnMut(usize) -> String,
) -> Values {
    let mut values = Values::new();
    for one in declared {
        let value = match &one.origin {
            Origin::Random(length) => random(*length),
            Origin::Digits(length) => digits(&random(*length)),
            Origin::Lines(least) => {
                let more = number(&random(8)) as usize % (least + 1);
                let line = |_| format!("{}={}", random(8), random(12));
                (0..least + more).map(line).collect::<Vec<_>>().join("\n")
            }
            Origin::Port(host) => format!("{host}:{}", 20_000 + number(&random(8)) % 10_000),
            Origin::SshKey => ssh_key.to_owned(),
            Origin::Sha256(text) => hex(&Sha256::digest(fill(text, &values))),
        };
        let says = one.says.clone();
        values.insert(one.name.clone(), Made { value, says });
    }
    values
}

/// A digit for each letter or digit of a random text.
fn digits(random: &str) -> String {
    let digit = |(index, byte): (usize, u8)| match index {
        0 => char::from(b'1' + byte % 9),
        _ => char::from(b'0' + byte % 10),
    };
    random.bytes().enumerate().map(digit).collect()
}

/// A number made of a random text.
fn number(random: &str) -> u32 {
    let add = |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte));
    random.bytes().fold(0, add)
}

/// Lower-case hex of some bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The names that a text uses as `${name}`, with what lies outside them left alone.
pub fn names(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else { break };
        found.push(name);
        rest = tail;
    }
    found
}

/// The text with every known `${name}` replaced by its value; unknown ones stay as they are.
pub fn fill(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) => {
                match values.get(name) {
                    Some(made) => filled.push_str(&made.value),
                    None => filled.extend(["${", name, "}"]),
                }
                rest = tail;
            }
            None => {
                filled.push_str("${");
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// The text with every value of the run replaced by what it says instead: what a student may read.
pub fn hide(text: &str, values: &Values) -> String {
    values.values().fold(text.to_owned(), |text, made| match made.value.as_str() {
        "" => text,
        // What is left of it: a part of its lines.
        value if value.contains('\n') => value
            .lines()
            .fold(text.replace(value, &made.says), |text, line| text.replace(line, &made.says)),
        value => text.replace(value, &made.says),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Values {
        let declared = [
            Declared {
                name: "secret".into(), origin: Origin::Random(4), says: "‹secret›".into()
            },
            Declared {
                name: "digest".into(),
                origin: Origin::Sha256("${secret}\n".into()),
                says: "‹digest›".into(),
            },
        ];
        make(&declared, "", |length| "s".repeat(length))
    }

    #[test]
    fn a_derived_value_uses_the_ones_before_it() {
        // printf "ssss\n" | sha256sum
        assert!(run()["digest"].value.starts_with("f74871bc"), "{}", run()["digest"].value);
    }

    #[test]
    fn a_number_does_not_begin_with_a_zero() {
        assert_eq!(digits("zx02"), "6080");
        let all = |first: char| digits(&first.to_string());
        assert!(('a'..='z').map(all).all(|digit| digit != "0" && digit.parse::<u8>().is_ok()));
    }

    #[test]
    fn unknown_and_unfinished_names_stay() {
        assert_eq!(fill("a ${secret} ${other} ${", &run()), "a ssss ${other} ${");
        assert_eq!(names("${a} b ${c} ${"), ["a", "c"]);
    }

    #[test]
    fn what_a_student_reads_names_the_value_only() {
        assert_eq!(hide("found ssss!", &run()), "found ‹secret›!");
    }
}
