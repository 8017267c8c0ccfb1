//! How gRPC puts messages into a body: a mark for compression, the length, the message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;

use crate::policy::no::No;

/// The largest message that is reviewed.
const REVIEWED: usize = 1 << 20;
/// What stands before a message.
const HEADER: usize = 5;

/// The one message of a call that has no more than one.
pub(super) async fn only<B>(body: B) -> Result<Bytes, No>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let all = Limited::new(body, REVIEWED).collect().await;
    let mut all =
        all.map_err(|_| No::bad("the call's message did not arrive, or is too large"))?.to_bytes();
    if all.len() < HEADER {
        return Err(No::bad("the call has no message"));
    }
    let compressed = all.get_u8() != 0;
    let length = all.get_u32();
    if compressed {
        return Err(No::bad("the call's message is compressed"));
    }
    if usize::try_from(length).is_ok_and(|length| length == all.len()) {
        Ok(all)
    } else {
        Err(No::bad("the call does not have one message"))
    }
}

/// The body of a call with that message.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(HEADER + message.len());
    body.put_u8(0);
    // None is longer than what is reviewed, and a little.
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.put_slice(message);
    body.freeze()
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    async fn read(body: &[u8]) -> Result<Bytes, No> {
        only(Full::new(Bytes::copy_from_slice(body))).await
    }

    #[tokio::test]
    async fn a_message_is_read_as_it_was_framed() {
        assert_eq!(read(&framed(b"message")).await.unwrap(), "message");
        assert_eq!(read(&framed(b"")).await.unwrap(), "");
    }

    #[tokio::test]
    async fn two_messages_half_of_one_and_a_compressed_one_are_refused() {
        let two = [framed(b"a"), framed(b"b")].concat();
        let large = framed(&vec![0; REVIEWED]);
        for body in [
            &b""[..],
            &b"\0\0\0\0"[..],
            &b"\0\0\0\0\x02a"[..],
            &b"\x01\0\0\0\x01a"[..],
            &two,
            &large,
        ] {
            assert!(matches!(read(body).await, Err(No::Bad(_))), "{} bytes", body.len());
        }
    }
}
