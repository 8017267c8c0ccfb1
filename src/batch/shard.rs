//! A part of a class, for one machine of several: disjoint from the others, and the same whatever
//! the order of the roster.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The `number`th of `of` parts, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    of: u64,
}

/// The text is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shard is written K/N, such as 1/4, with K from 1 to N")]
pub struct NoShard;

impl Shard {
    /// Whether those who hand in together belong to this part; `ids` are theirs. The smallest id
    /// decides for all, so that neither the roster's order nor other students make a difference.
    pub fn holds<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> bool {
        let Some(first) = ids.into_iter().min() else { return false };
        let digest = Sha256::digest(first.as_bytes());
        let head = digest.iter().take(8).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
        head % self.of == self.number - 1
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Shard, NoShard> {
        let (number, of) = text.split_once('/').ok_or(NoShard)?;
        let parse = |text: &str| text.parse::<u64>().map_err(|_| NoShard);
        let (number, of) = (parse(number)?, parse(of)?);
        if number == 0 || number > of { Err(NoShard) } else { Ok(Shard { number, of }) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_disjoint_and_complete_and_about_equal() {
        let shards: Vec<Shard> = (1..=4).map(|k| format!("{k}/4").parse().unwrap()).collect();
        let mut sizes = [0; 4];
        for student in 0..1000 {
            let id = format!("student-{student}");
            let in_it = |shard: &Shard| shard.holds([id.as_str()]);
            let holding: Vec<usize> = (0..4).filter(|k| in_it(&shards[*k])).collect();
            assert_eq!(holding.len(), 1, "{id}");
            sizes[holding[0]] += 1;
        }
        assert!(sizes.iter().all(|size| (200..=300).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_group_is_in_one_shard_in_whatever_order_its_members_stand() {
        let shard: Shard = "2/3".parse().unwrap();
        for group in 0..50 {
            let ids = [format!("{group}-b"), format!("{group}-a"), format!("{group}-c")];
            let order = |order: [usize; 3]| shard.holds(order.map(|at| ids[at].as_str()));
            assert!(order([0, 1, 2]) == order([2, 1, 0]) && order([1, 0, 2]) == order([0, 2, 1]));
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "1", "0/4", "5/4", "1/0", "-1/2", "1/2/3", "a/b"] {
            assert_eq!(text.parse::<Shard>(), Err(NoShard), "{text}");
        }
        assert_eq!("3/4".parse::<Shard>().unwrap().to_string(), "3/4");
    }
}
