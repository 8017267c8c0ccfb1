//! Streams of a container: carried both ways, and what the container tells is kept.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::record::Record;

/// What of a stream is carried at once.
const CHUNK: usize = 32 * 1024;
/// Before each piece of output stand its stream's number, three zeros, and its length.
const HEADER: usize = 8;

/// Keeps what a container tells on one stream.
pub(super) struct Listener {
    record: Arc<Record>,
    container: String,
    stream: usize,
    /// A terminal's stream has no headers.
    terminal: bool,
    header: Vec<u8>,
    /// What is still to come of a piece.
    left: u64,
}

impl Listener {
    /// Nobody listens to a container that the record does not know.
    pub(super) fn new(record: Arc<Record>, container: String, terminal: bool) -> Option<Self> {
        let stream = record.attached(&container)?;
        Some(Self { record, container, stream, terminal, header: Vec::new(), left: 0 })
    }

    pub(super) fn hear(&mut self, mut bytes: &[u8]) {
        if self.terminal {
            return self.record.told(&self.container, self.stream, bytes);
        }
        while !bytes.is_empty() {
            if self.left == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(HEADER - self.header.len()));
                self.header.extend_from_slice(head);
                bytes = rest;
                if let [_, _, _, _, a, b, c, d] = self.header[..] {
                    self.left = u32::from_be_bytes([a, b, c, d]).into();
                    self.header.clear();
                }
                continue;
            }
            let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at(length);
            self.record.told(&self.container, self.stream, piece);
            self.left -= length as u64;
            bytes = rest;
        }
    }
}

/// Carries bytes between the two until the engine has no more to say. The student's end of input is
/// carried too: `docker run -i` closes its side, and goes on listening.
pub(super) async fn pump<S, E>(student: S, engine: E, mut listener: Option<Listener>)
where
    S: AsyncRead + AsyncWrite,
    E: AsyncRead + AsyncWrite,
{
    let (mut from_student, mut to_student) = tokio::io::split(student);
    let (mut from_engine, mut to_engine) = tokio::io::split(engine);
    let input = async {
        match carry(&mut from_student, &mut to_engine, |_| {}).await {
            End::Lost => {}
            // The engine may have something to say yet.
            End::Closed | End::Unheard => std::future::pending().await,
        }
    };
    let output = carry(&mut from_engine, &mut to_student, |bytes| {
        if let Some(listener) = &mut listener {
            listener.hear(bytes);
        }
    });
    tokio::select! {
        () = input => {}
        _ended = output => {}
    }
}

/// Listens to the end.
pub(super) async fn hear_out<E>(mut engine: E, listener: &mut Listener)
where
    E: AsyncRead + Unpin,
{
    carry(&mut engine, &mut tokio::io::sink(), |bytes| listener.hear(bytes)).await;
}

/// How one direction ended.
enum End {
    /// Who spoke has finished.
    Closed,
    /// Who spoke is gone.
    Lost,
    /// Who was spoken to listens no more.
    Unheard,
}

async fn carry<R, W>(from: &mut R, to: &mut W, mut hear: impl FnMut(&[u8])) -> End
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut chunk = vec![0; CHUNK];
    loop {
        let Ok(length) = from.read(&mut chunk).await else { return End::Lost };
        let bytes = chunk.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return if to.shutdown().await.is_ok() { End::Closed } else { End::Unheard };
        }
        hear(bytes);
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            return End::Unheard;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Arc<Record> {
        let record = Arc::new(Record::default());
        record.seen(json!({"Id": "a"}));
        record
    }

    #[test]
    fn pieces_are_put_together_however_they_come() {
        let stream = [
            &b"\x01\0\0\0\0\0\0\x03one"[..],
            b"\x02\0\0\0\0\0\0\x02, ",
            b"\x01\0\0\0\0\0\0\x00\x01\0\0\0\0\0\0\x03two",
        ]
        .concat();
        for size in 1..stream.len() {
            let record = record();
            let mut listener = Listener::new(Arc::clone(&record), "a".into(), false).unwrap();
            stream.chunks(size).for_each(|chunk| listener.hear(chunk));
            assert_eq!(record.events().containers[0].streams[0].bytes, b"one, two", "{size}");
        }
    }

    #[test]
    fn a_terminal_s_output_is_as_it_is() {
        let record = record();
        let mut listener = Listener::new(Arc::clone(&record), "a".into(), true).unwrap();
        listener.hear(b"\x01\0\0\0\0\0\0\x03one");
        assert_eq!(record.events().containers[0].streams[0].bytes, b"\x01\0\0\0\0\0\0\x03one");
    }

    #[tokio::test]
    async fn an_end_of_input_is_carried_and_the_answer_still_comes() {
        let (mut student, wall) = tokio::io::duplex(64);
        let (far, mut engine) = tokio::io::duplex(64);
        let pump = tokio::spawn(pump(wall, far, None));
        student.write_all(b"question").await.unwrap();
        student.shutdown().await.unwrap();
        let mut heard = String::new();
        engine.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "question");
        engine.write_all(b"answer").await.unwrap();
        drop(engine);
        heard.clear();
        student.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "answer");
        pump.await.unwrap();
    }
}
