//! Streams of a container: carried both ways, and what the container tells is kept.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::budget;
use super::pieces::Pieces;
use super::record::Record;

/// What of a stream is carried at once.
const CHUNK: usize = 32 * 1024;

/// Keeps what a container tells on one stream.
pub(super) struct Listener {
    record: Arc<Record>,
    container: String,
    stream: usize,
    /// A terminal's stream is not in pieces.
    pieces: Option<Pieces>,
}

impl Listener {
    /// Nobody listens to a container that the record does not know.
    pub(super) fn new(record: Arc<Record>, container: String, terminal: bool) -> Option<Self> {
        let stream = record.attached(&container)?;
        let pieces = (!terminal).then(Pieces::default);
        Some(Self { record, container, stream, pieces })
    }

    /// Whether there is room for more.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> bool {
        let Self { record, container, stream, pieces } = self;
        let Some(pieces) = pieces else { return record.told(container, *stream, bytes) };
        let mut room = true;
        pieces.split(bytes, |piece| room = record.told(container, *stream, piece));
        room
    }
}

/// Lets a play read only so much of what its containers tell.
pub(super) struct Meter {
    record: Arc<Record>,
    call: String,
    listener: Option<Listener>,
    form: Option<Form>,
    over: Option<&'static str>,
}

/// How a stream is written.
enum Form {
    Pieces(Pieces),
    Terminal,
    Lines,
}

impl Meter {
    pub(super) fn new(record: Arc<Record>, call: String, listener: Option<Listener>) -> Self {
        Self { record, call, listener, form: None, over: None }
    }

    /// Of a stream of JSON, into which no sentence of ours fits.
    pub(super) fn of_lines(record: Arc<Record>, call: String) -> Self {
        Self { form: Some(Form::Lines), ..Self::new(record, call, None) }
    }

    /// What of these bytes is carried. When it was too much, those are the last: up to the end of a
    /// piece, and a sentence for the student.
    pub(super) fn take(&mut self, bytes: &[u8]) -> ControlFlow<Bytes> {
        let begun =
            || if Pieces::begin(bytes) { Form::Pieces(Pieces::default()) } else { Form::Terminal };
        let form = self.form.get_or_insert_with(begun);
        if self.over.is_none() {
            self.over = budget::told(&self.record, &self.call, bytes.len()).err();
        }
        if let Some(sentence) = self.over {
            let mut last = BytesMut::new();
            match form {
                Form::Pieces(pieces) => {
                    if let Some(rest) = pieces.to_the_end(bytes).and_then(|end| bytes.get(..end)) {
                        last.put_slice(rest);
                        Pieces::put(&mut last, format!("{sentence}\n").as_bytes());
                        return ControlFlow::Break(last.freeze());
                    }
                }
                Form::Terminal => {
                    last.put_slice(format!("\r\n{sentence}\r\n").as_bytes());
                    return ControlFlow::Break(last.freeze());
                }
                Form::Lines => return ControlFlow::Break(last.freeze()),
            }
        }
        if let Form::Pieces(pieces) = form {
            pieces.split(bytes, |_| {});
        }
        if let Some(listener) = &mut self.listener {
            // The stream is the student's, and goes on.
            let _room = listener.hear(bytes);
        }
        ControlFlow::Continue(())
    }
}

/// Carries bytes between the two until the engine has no more to say. The student's end of input is
/// carried too: `docker run -i` closes its side, and goes on listening.
pub(super) async fn pump<S, E>(student: S, engine: E, mut meter: Option<Meter>)
where
    S: AsyncRead + AsyncWrite,
    E: AsyncRead + AsyncWrite,
{
    let (mut from_student, mut to_student) = tokio::io::split(student);
    let (mut from_engine, mut to_engine) = tokio::io::split(engine);
    let input = async {
        match carry(&mut from_student, &mut to_engine, |_| ControlFlow::Continue(())).await {
            End::Lost => {}
            // The engine may have something to say yet.
            End::Closed | End::Unheard => std::future::pending().await,
        }
    };
    let output = carry(&mut from_engine, &mut to_student, |bytes| match &mut meter {
        Some(meter) => meter.take(bytes),
        None => ControlFlow::Continue(()),
    });
    tokio::select! {
        () = input => {}
        _ended = output => {}
    }
}

/// Listens to the end, or until there is no room for more.
pub(super) async fn hear_out<E>(mut engine: E, listener: &mut Listener)
where
    E: AsyncRead + Unpin,
{
    carry(&mut engine, &mut tokio::io::sink(), |bytes| match listener.hear(bytes) {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(Bytes::new()),
    })
    .await;
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

/// Carries until `hear` breaks it off; then what it gives are the last bytes.
async fn carry<R, W>(
    from: &mut R,
    to: &mut W,
    mut hear: impl FnMut(&[u8]) -> ControlFlow<Bytes>,
) -> End
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
        if let ControlFlow::Break(last) = hear(bytes) {
            let told = to.write_all(&last).await.is_ok() && to.shutdown().await.is_ok();
            return if told { End::Closed } else { End::Unheard };
        }
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
            assert!(stream.chunks(size).all(|chunk| listener.hear(chunk)));
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

    /// Whatever is left of a piece comes before the sentence, or no reader would find it.
    #[test]
    fn a_stream_that_tells_too_much_ends_with_a_sentence() {
        let mut meter = Meter::new(record(), "logs".to_owned(), None);
        assert_eq!(meter.take(b"\x01\0\0\0\0\0\0\x06"), ControlFlow::Continue(()));
        assert!(budget::told(&meter.record, "other", 64 << 20).is_err());
        assert_eq!(meter.take(b"one"), ControlFlow::Continue(()));
        let ControlFlow::Break(last) = meter.take(b"two\x01\0") else { panic!("it goes on") };
        let sentence = last.strip_prefix(b"two\x02\0\0\0\0\0\0").unwrap();
        let (length, sentence) = sentence.split_first().unwrap();
        assert_eq!(usize::from(*length), sentence.len());
        assert!(sentence.starts_with(b"your commands read more"));
        let mut terminal = Meter::new(Arc::clone(&meter.record), "logs".to_owned(), None);
        let ControlFlow::Break(last) = terminal.take(b"some") else { panic!("it goes on") };
        assert!(last.starts_with(b"\r\nyour commands read more"), "{last:?}");
        let mut lines = Meter::of_lines(Arc::clone(&meter.record), "events".to_owned());
        assert_eq!(lines.take(b"{}"), ControlFlow::Break(Bytes::new()));
        assert_eq!(meter.record.events().refusals.len(), 1);
    }

    #[tokio::test]
    async fn no_one_listens_for_longer_than_there_is_room() {
        let record = record();
        let mut listener = Listener::new(record, "a".into(), true).unwrap();
        let endless = tokio::io::repeat(b'y');
        let heard = hear_out(endless, &mut listener);
        tokio::time::timeout(std::time::Duration::from_secs(20), heard).await.unwrap();
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
