//! A Dockerfile changed for one build, to see what hangs on the thing that was changed.

use std::collections::BTreeMap;
use std::ops::Range;

use parse_dockerfile::{Command, Instruction, RunInstruction};

use super::mount::Mount;
use super::readable::{self, Readable};
use super::{end_of, keyword};

/// What is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// What each `--mount` of a type becomes, without its target, which stays.
    pub mounts: BTreeMap<String, String>,
    /// Every RUN with a `--mount` of one of these types is left out.
    pub skip: Vec<String>,
    /// Everything is left out but FROM and the arguments before it.
    pub base: bool,
}

impl Rewrite {
    /// Whether anything is changed.
    pub fn is_empty(&self) -> bool {
        *self == Rewrite::default()
    }

    /// The changed text; `None` when there is no reading of the one handed in.
    pub fn apply(&self, text: &str) -> Option<String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let readable = readable::readable(text)?;
        let instructions = readable::instructions(&readable.text).ok()?;
        if self.base {
            return Some(bases(text, &instructions));
        }
        let mut changes: Vec<(Range<usize>, String)> = Vec::new();
        for (start, run) in instructions.iter().filter_map(run_of) {
            let mounts = Mount::all(run);
            if mounts.iter().any(|mount| self.skip.iter().any(|kind| mount.is_of(kind))) {
                changes.push((start..end_of_run(run, &readable), String::new()));
                continue;
            }
            for mount in mounts {
                let new = self.mounts.iter().find(|(kind, _)| mount.is_of(kind));
                if let Some((_, new)) = new {
                    let target = mount.target.map(|target| format!(",target={target}"));
                    changes.push((mount.span, format!("{new}{}", target.unwrap_or_default())));
                }
            }
        }
        let mut changed = text.to_owned();
        for (range, new) in changes.into_iter().rev() {
            changed.replace_range(range, &new);
        }
        Some(changed)
    }
}

/// A RUN, be it a trigger's, and where its instruction starts.
fn run_of<'i, 't>(instruction: &'i Instruction<'t>) -> Option<(usize, &'i RunInstruction<'t>)> {
    match instruction {
        Instruction::Run(run) => Some((run.run.span.start, run)),
        Instruction::Onbuild(trigger) => match &*trigger.instruction {
            Instruction::Run(run) => Some((trigger.onbuild.span.start, run)),
            _ => None,
        },
        _ => None,
    }
}

/// The head of directives and comments, every FROM and the arguments before the first one.
fn bases(text: &str, instructions: &[Instruction<'_>]) -> String {
    let head = text.lines().take_while(|line| line.trim_start().starts_with('#'));
    let mut lines: Vec<&str> = head.collect();
    let mut in_stage = false;
    for instruction in instructions {
        let wanted = match instruction {
            Instruction::From(_) => {
                in_stage = true;
                true
            }
            Instruction::Arg(_) => !in_stage,
            _ => false,
        };
        if wanted && let Some((_, keyword)) = keyword(instruction) {
            lines.push(text[keyword.start..end_of(text, &keyword)].trim_end());
        }
    }
    lines.join("\n") + "\n"
}

/// The end of a RUN with all its lines, also those of here-documents that the parser does not know
/// for such.
fn end_of_run(run: &RunInstruction<'_>, readable: &Readable) -> usize {
    let text = readable.text.as_str();
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
    let command = match &run.arguments {
        Command::Exec(spanned) => spanned.span.end,
        Command::Shell(spanned) => spanned.span.end,
        _ => run.run.span.end,
    };
    // A here-document ends where its last line begins, which is the delimiter.
    let documents = run.here_docs.iter().map(|document| document.span.end);
    let mut end = line_end(documents.fold(command, usize::max));
    // Those that the parser does not know have been blanked.
    while end < text.len() {
        let next = line_end(end);
        let is_instruction =
            readable.blanked.iter().any(|range| range.start < next && end < range.end);
        if !text[end..next].trim().is_empty() || is_instruction {
            break;
        }
        end = next;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(kind: &str, new: &str) -> Rewrite {
        Rewrite { mounts: [(kind.to_owned(), new.to_owned())].into(), ..Rewrite::default() }
    }

    fn skip(kind: &str) -> Rewrite {
        Rewrite { skip: vec![kind.to_owned()], ..Rewrite::default() }
    }

    #[test]
    fn a_mount_becomes_another_one_at_the_same_target() {
        for (mount, new) in [
            ("type=tmpfs,target=/t", "type=cache,target=/t"),
            ("dst=/t,type=TMPFS,size=2m", "type=cache,target=/t"),
            ("type=tmpfs,destination=${D}", "type=cache,target=${D}"),
            ("type=${T},target=/t", "type=cache,target=/t"),
            ("\"type=tmpfs,target=/t\"", "type=cache,target=/t"),
            ("type=bind,target=/t", "type=bind,target=/t"),
            ("target=/t", "target=/t"),
            ("type=tmpfs", "type=cache"),
        ] {
            let text = |mount| format!("# x\r\nFROM a\r\nrun --mount={mount} \\\r\n  b\r\nRUN c\n");
            let changed = mounts("tmpfs", "type=cache").apply(&text(mount));
            assert_eq!(changed, Some(text(new)), "{mount}");
        }
    }

    #[test]
    fn every_mount_of_the_type_is_changed_and_no_other() {
        let text = "FROM a\nRUN --mount=type=ssh --mount=type=tmpfs,target=/t --mount=type=tmpfs,dst=/é <<EOF\nx\nEOF\n\
                    RUN --mount=type=tmpfs,target=/u [\"b\"]\n";
        let changed = mounts("tmpfs", "type=tmpfs,size=1k").apply(text).unwrap();
        let expected = text.replace("type=tmpfs", "type=tmpfs,size=1k").replace("dst=", "target=");
        assert_eq!(changed, expected);
    }

    #[test]
    fn a_run_is_left_out_with_its_here_documents() {
        let kept = |text: &str| {
            skip("ssh").apply(text).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let rest = "ENTRYPOINT []\nCMD c\n";
        for run in [
            "RUN --mount=type=ssh \\\n# why\n b\n",
            "RUN --mount=type=ssh <<EOF\nCMD x\nEOF\n",
            "RUN --mount=type=ssh sh <<EOF\nCMD x\n\nEOF\n",
            "RUN --mount=type=ssh <<ONE cat > y <<TWO\nCMD x\nONE\nCMD y\nTWO\n",
            "run --mount=type=ssh,required=true [\"b\", \"c\"]\n",
        ] {
            assert_eq!(
                kept(&format!("FROM a\n{run}{rest}")),
                "FROM a ENTRYPOINT [] CMD c",
                "{run}"
            );
        }
        let trigger = "FROM a\nONBUILD RUN --mount=type=ssh \\\n b\nONBUILD RUN c\n";
        assert_eq!(kept(trigger), "FROM a ONBUILD RUN c");
        let other = "FROM a\nRUN b\nRUN --mount=type=cache,target=/c d\n";
        assert_eq!(skip("ssh").apply(other).as_deref(), Some(other));
    }

    #[test]
    fn of_a_base_only_from_and_its_arguments_are_left() {
        let base = Rewrite { base: true, ..Rewrite::default() };
        let text = "\u{feff}# escape=`\nARG V=1 `\n  W=2\nFROM --platform=$P a:$V AS one\nARG V\nRUN x <<EOF\nFROM y\nEOF\n\
                    ENTRYPOINT []\nfrom one `\n as two\nCOPY --from=one / /\n";
        let expected =
            "# escape=`\nARG V=1 `\n  W=2\nFROM --platform=$P a:$V AS one\nfrom one `\n as two\n";
        assert_eq!(base.apply(text).as_deref(), Some(expected));
        assert_eq!(base.apply("RUN <<EOF\n"), None);
    }
}
