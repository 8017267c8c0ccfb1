//! Reads a tar entry by entry, strictly: wherever readers of tars are known to differ (an old or
//! a sparse form, a size in two places, bytes after the end) the tar is refused, so that what was
//! checked here is what the engine finds. Memory does not grow with what the tar holds.

use std::io::{self, Read};

use tar::Header;

use super::bounds::Budget;
use super::flaw::Flaw;
use super::path::{clean, show};
use super::pax::{self, Pax};

const BLOCK: usize = 512;
/// The most bytes of one extended header; attributes of a file are in it.
const EXTENDED: u64 = 256 * 1024;
const PIECE: usize = 64 * 1024;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Directory,
    Symlink,
    HardLink,
    CharDevice,
    BlockDevice,
    Fifo,
}

/// An entry; its content is then read from the [`Tar`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Cleaned; empty for the root itself.
    pub(super) path: Vec<u8>,
    pub(super) kind: EntryKind,
    /// Where a link leads, as written.
    pub(super) link: Vec<u8>,
    pub(super) size: u64,
}

/// A tar under way.
pub(super) struct Tar<'b, R> {
    inner: R,
    budget: &'b Budget,
    /// Bytes of the current entry that were not read yet, and those that fill its last block.
    left: u64,
    padding: u64,
    piece: Vec<u8>,
    /// Whether the blocks that end a tar were met.
    ended: bool,
}

impl<'b, R: Read> Tar<'b, R> {
    pub(super) fn new(inner: R, budget: &'b Budget) -> Tar<'b, R> {
        Tar { inner, budget, left: 0, padding: 0, piece: vec![0; PIECE], ended: false }
    }

    /// The next entry; what was not read of the one before is skipped.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, Flaw> {
        self.skip()?;
        let mut pax: Option<Pax> = None;
        let (mut long_path, mut long_link) = (None, None);
        loop {
            let Some(header) = self.header()? else {
                let extended = pax.is_some() || long_path.is_some() || long_link.is_some();
                return if extended { Err(breaks_off()) } else { Ok(None) };
            };
            self.budget.entry()?;
            let size = octal(&header.as_old().size)?;
            let twice = match header.as_old().linkflag[0] {
                b'x' => pax.replace(pax::parse(&self.extended(size)?)?).is_some(),
                b'L' => long_path.replace(name(self.extended(size)?)?).is_some(),
                b'K' => long_link.replace(name(self.extended(size)?)?).is_some(),
                _ => {
                    let pax = pax.unwrap_or_default();
                    let path = one_of(pax.path, long_path)?;
                    let link = one_of(pax.link, long_link)?;
                    return self.entry(&header, size, pax.size, path, link).map(Some);
                }
            };
            if twice {
                return Err(Flaw::broken("has two extended headers for one entry"));
            }
        }
    }

    /// Reads on to the end: nothing but zeros may follow. Gives the reader back, and whether the
    /// tar had the blocks that end one.
    pub(super) fn finish(mut self) -> Result<(R, bool), Flaw> {
        self.skip()?;
        loop {
            match self.inner.read(&mut self.piece) {
                Ok(0) => return Ok((self.inner, self.ended)),
                Ok(count) if is_zero(&self.piece[..count]) => {}
                Ok(_) => return Err(Flaw::danger("holds more after its end")),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn entry(
        &mut self,
        header: &Header,
        size: u64,
        pax_size: Option<u64>,
        path: Option<Vec<u8>>,
        link: Option<Vec<u8>>,
    ) -> Result<Entry, Flaw> {
        let path = path.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = match header.as_old().linkflag[0] {
            b'0' | 0 => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::CharDevice,
            b'4' => EntryKind::BlockDevice,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            b'S' => return Err(Flaw::danger("holds a sparse file")),
            _ => {
                return Err(Flaw::danger(format!("holds {} of an unknown kind", show(&path))));
            }
        };
        let is_file = kind == EntryKind::File;
        // Readers differ: in whether such an entry has content, in whether it is a folder, in
        // which of two sizes counts.
        if (!is_file && size > 0)
            || (is_file && path.ends_with(b"/"))
            || pax_size.is_some_and(|other| other != size)
        {
            return Err(Flaw::danger(format!("describes {} in two ways", show(&path))));
        }
        if size > self.budget.bounds.unpacked {
            return Err(self.budget.too_much());
        }
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        let link = link.or_else(|| header.link_name_bytes().map(|link| link.into_owned()));
        let link = link.unwrap_or_default();
        if link.len() > self.budget.bounds.path {
            return Err(Flaw::danger(format!("holds the link {}, which is too long", show(&path))));
        }
        let path = clean(&path, self.budget.bounds.path)?;
        Ok(Entry { path, kind, link, size })
    }

    /// The next header, or none at the end.
    fn header(&mut self) -> Result<Option<Header>, Flaw> {
        let Some(block) = self.block()? else { return Ok(None) };
        if is_zero(&block) {
            match self.block()? {
                Some(block) if is_zero(&block) => self.ended = true,
                Some(_) => return Err(Flaw::danger("holds more after its end")),
                None => {}
            }
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        let own: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
        if octal(&header.as_old().cksum)? != sum - own + 8 * u64::from(b' ') {
            return Err(Flaw::broken("is damaged, or no tar archive"));
        }
        if ![100..108, 108..116, 116..124, 136..148, 329..337, 337..345]
            .into_iter()
            .all(|field| is_number(&block[field]))
        {
            // Mode, owner, times and devices: the engine's reader takes nothing else.
            return Err(Flaw::broken("is damaged, or no tar archive"));
        }
        if is_odd(&header, &block) {
            return Err(Flaw::danger("has entries in an outdated form"));
        }
        Ok(Some(header))
    }

    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Flaw> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(breaks_off()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(block))
    }

    /// The content of an extended header.
    fn extended(&mut self, size: u64) -> Result<Vec<u8>, Flaw> {
        if size > EXTENDED {
            return Err(Flaw::danger("has an extended header of more than 256 KiB"));
        }
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        let mut content = Vec::new();
        self.read_to_end(&mut content)?;
        self.skip()?;
        Ok(content)
    }

    fn skip(&mut self) -> Result<(), Flaw> {
        let mut left = std::mem::take(&mut self.left) + std::mem::take(&mut self.padding);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            match self.inner.read(&mut self.piece[..most]) {
                Ok(0) => return Err(breaks_off()),
                Ok(count) => left -= count as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The content of the current entry.
impl<R: Read> Read for Tar<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        match self.inner.read(&mut buffer[..most])? {
            0 => Err(breaks_off().into()),
            count => {
                self.left -= count as u64;
                Ok(count)
            }
        }
    }
}

fn breaks_off() -> Flaw {
    Flaw::broken("breaks off before its end")
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// A number in octal: spaces, digits, then nothing but spaces and zeros. The binary form of large
/// numbers is for sizes of more than 8 GiB.
fn octal(field: &[u8]) -> Result<u64, Flaw> {
    let odd = || Flaw::broken("is damaged, or no tar archive");
    if field.first().is_some_and(|byte| byte & 0x80 != 0) {
        return Err(Flaw::danger("holds a size that is written in an unusual way"));
    }
    let text = std::str::from_utf8(field).map_err(|_| odd())?;
    let digits = text.trim_end_matches(['\0', ' ']).trim_start_matches(' ');
    if digits.is_empty() {
        return Ok(0);
    }
    match digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) {
        true => u64::from_str_radix(digits, 8).map_err(|_| odd()),
        false => Err(odd()),
    }
}

/// Forms whose paths are put together differently by different readers: none at all from before
/// 1988, star's, and GNU's with something else where its times are.
fn is_odd(header: &Header, block: &[u8; BLOCK]) -> bool {
    if header.as_ustar().is_some() {
        return &block[508..512] == b"tar\0";
    }
    header.as_gnu().is_none_or(|gnu| !is_number(&gnu.atime) || !is_number(&gnu.ctime))
}

/// Whether a field holds a number in either form.
fn is_number(field: &[u8]) -> bool {
    field.first().is_some_and(|byte| byte & 0x80 != 0) || octal(field).is_ok()
}

/// A name from a GNU header, which ends with its first zero.
fn name(mut bytes: Vec<u8>) -> Result<Vec<u8>, Flaw> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    if end == 0 || !is_zero(&bytes[end..]) {
        return Err(Flaw::broken("has a long name with nothing or too much in it"));
    }
    bytes.truncate(end);
    Ok(bytes)
}

fn one_of<T>(pax: Option<T>, gnu: Option<T>) -> Result<Option<T>, Flaw> {
    match (pax, gnu) {
        (Some(_), Some(_)) => Err(Flaw::broken("has two long names for one entry")),
        (pax, gnu) => Ok(pax.or(gnu)),
    }
}
