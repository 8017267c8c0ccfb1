//! Where in a Dockerfile a step of an image's history stands.

use crate::fact::Value;
use crate::submission::Dockerfile;

/// The line of the instruction that a step comes from, where there is one.
pub(super) fn line<S: AsRef<str>>(
    dockerfile: Option<&Dockerfile>,
    history: &[S],
    step: usize,
) -> Option<Value> {
    let dockerfile = dockerfile?;
    let instructions = &dockerfile.summary.as_ref()?.instructions;
    let (name, words) = parts(history.get(step)?.as_ref())?;
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let text = |index: usize| {
        let start = usize::try_from(instructions[index].0).unwrap_or_default().saturating_sub(1);
        let next = instructions[index + 1..].iter().find(|(line, _)| *line > instructions[index].0);
        let end = next.and_then(|(line, _)| usize::try_from(*line).ok()).map(|line| line - 1);
        let text = lines.get(start..end.unwrap_or(lines.len())).unwrap_or_default();
        let said = text.iter().filter(|line| !line.trim_start().starts_with('#'));
        squeezed(&said.copied().collect::<Vec<_>>().join("\n"))
    };
    let named = || (0..instructions.len()).rev().filter(|index| instructions[*index].1 == name);
    let said = || named().find(|index| text(*index).ends_with(&words));
    // Its words may have been changed: by variables, or as a trigger.
    let placed = || {
        let later = history[step + 1..].iter().filter_map(|step| parts(step.as_ref()));
        named().nth(later.filter(|(other, _)| *other == name).count())
    };
    let found = said().or_else(placed)?;
    Some(Value::Int(i64::from(instructions[found].0)))
}

/// The instruction's name, and what it does, as the builder writes it into the history.
fn parts(step: &str) -> Option<(&str, String)> {
    let words = step.trim_end_matches(" # buildkit");
    let (name, words) = words.split_once(' ')?;
    let words = match name {
        "RUN" => words.split_once("/bin/sh -c ").map_or(words, |(_, words)| words),
        _ => words,
    };
    Some((name, squeezed(words)))
}

/// Without white space, ends of lines that go on, and quotation marks.
fn squeezed(text: &str) -> String {
    let is_said = |one: &char| !one.is_whitespace() && !matches!(one, '\\' | '"' | '[' | ']' | ',');
    text.chars().filter(is_said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::Summary;

    const HISTORY: [&str; 6] = [
        "/bin/sh -c #(nop) ADD file:1 in /",
        "WORKDIR /app",
        "COPY key /root/key # buildkit",
        "RUN /bin/sh -c cp /run/secrets/x /s && touch /y # buildkit",
        "RUN |1 A=b /bin/sh -c rm /s # buildkit",
        "RUN /bin/sh -c rm /changed # buildkit",
    ];

    fn at(step: usize) -> Option<Value> {
        let text = "FROM alpine AS a\nRUN rm /s\nFROM alpine\nWORKDIR /app\n\
            COPY --chmod=600 key /root/key\nRUN --mount=type=secret,id=x \\\n  # why\n  cp /run/secrets/x /s \\\n\
            && touch /y\nRUN rm /s\nRUN rm $THAT\n";
        let dockerfile = Dockerfile {
            encoding: None,
            path: "Dockerfile".into(),
            summary: Summary::of(text),
            lines: text.lines().count(),
            text: text.into(),
        };
        line(Some(&dockerfile), &HISTORY, step)
    }

    #[test]
    fn a_step_stands_where_its_words_do() {
        let lines = [None, Some(4), Some(5), Some(6), Some(10), Some(11)];
        for (step, wanted) in lines.into_iter().enumerate() {
            assert_eq!(at(step), wanted.map(Value::Int), "{step}");
        }
        assert_eq!(at(6), None);
    }
}
