//! Gzip streams one after the other, as `cat a.gz b.gz` and `pigz -i` write them: every engine reads
//! them as one.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::flaw::Flaw;

/// The most streams of one archive.
const MOST: usize = 20_000;

/// Reads what all the streams unfold to.
pub(super) struct Members<R> {
    decoder: Option<GzDecoder<R>>,
    /// What is left when a stream is followed by no other.
    rest: Option<R>,
    count: usize,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(source: R) -> Members<R> {
        Members { decoder: Some(GzDecoder::new(source)), rest: None, count: 1 }
    }

    /// Whether nothing follows the last stream, once all was read.
    pub(super) fn ends(self) -> io::Result<bool> {
        let rest = self.rest.or_else(|| self.decoder.map(GzDecoder::into_inner));
        rest.map_or(Ok(true), |mut rest| Ok(rest.fill_buf()?.is_empty()))
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut decoder) = self.decoder.take() {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.decoder = Some(decoder);
                return Ok(count);
            }
            let mut rest = decoder.into_inner();
            if rest.fill_buf()?.first() != Some(&0x1f) {
                self.rest = Some(rest);
                return Ok(0);
            }
            self.count += 1;
            if self.count > MOST {
                let text = format!("is made of more than {MOST} gzip streams");
                return Err(Flaw::danger(text).into());
            }
            self.decoder = Some(GzDecoder::new(rest));
        }
        Ok(0)
    }
}
