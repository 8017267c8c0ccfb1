//! The student's Dockerfile, read by a real parser: what it says and where, never what it does.

use std::ops::Range;
use std::path::Path;

use parse_dockerfile::{Command, Instruction};

use super::files::{self, FileKind};

mod readable;
mod rewrite;

pub use rewrite::Rewrite;

/// A Dockerfile as handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// Its path in the submission.
    pub path: String,
    /// Its text, as far as it is text.
    pub text: String,
    /// What it says; `None` when the parser cannot read it.
    pub summary: Option<Summary>,
    /// Lines of text.
    pub lines: usize,
}

/// What a Dockerfile says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Each instruction: its line (from 1) and its name in upper case.
    pub instructions: Vec<(u32, String)>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// Names declared by ARG in a stage, or before the first FROM unless only FROM uses them.
    pub declared_args: Vec<String>,
    /// The texts of ONBUILD triggers.
    pub onbuild: Vec<String>,
    /// RUN, with its flags.
    pub run: Vec<String>,
    /// The values of RUN's `--mount` flags.
    pub run_mounts: Vec<String>,
    /// COPY, with its flags.
    pub copy: Vec<String>,
    /// ADD, with its flags.
    pub add: Vec<String>,
    /// HEALTHCHECK, with its flags.
    pub healthcheck: Vec<String>,
    /// Names set by ENV.
    pub env_names: Vec<String>,
    /// Names set by LABEL.
    pub label_names: Vec<String>,
    /// The `# syntax=` directive.
    pub syntax: Option<String>,
}

/// One stage of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// The name after AS.
    pub name: Option<String>,
    /// The image or stage after FROM, as written.
    pub base: String,
    /// The lines of the instructions that the builder numbers: FROM, RUN, COPY, ADD, WORKDIR.
    pub steps: Vec<u32>,
}

/// Finds the Dockerfile as the docker CLI does: `Dockerfile`, else `dockerfile`.
pub(super) fn find(root: &Path) -> Option<Dockerfile> {
    ["Dockerfile", "dockerfile"].into_iter().find_map(|name| read(root, name))
}

/// The Dockerfile of that path.
pub(super) fn read(root: &Path, path: &str) -> Option<Dockerfile> {
    let file = files::read(root, path).ok().flatten()?;
    let content = match file.kind {
        FileKind::File => file.content,
        FileKind::Symlink => {
            // The builder resolves a link inside the context, and no other.
            let target = root.join(path).canonicalize().ok()?;
            let inside = target.strip_prefix(root).ok()?.to_str()?.to_owned();
            files::read(root, &inside).ok().flatten()?.content
        }
        FileKind::Directory | FileKind::Other => return None,
    };
    let text = String::from_utf8_lossy(&content).into_owned();
    Some(Dockerfile {
        path: path.to_owned(),
        summary: Summary::of(&text),
        lines: text.lines().count(),
        text,
    })
}

impl Summary {
    /// Reads a Dockerfile's text; `None` when there is no reading of it.
    pub fn of(text: &str) -> Option<Summary> {
        // The parser counts from after the byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let readable = readable::readable(text)?;
        let mut summary = Summary {
            syntax: readable::directives(text, |directives| {
                directives.syntax.as_ref().map(|one| one.value.value.to_owned())
            }),
            ..Summary::default()
        };
        let mut global_args = Vec::new();
        for instruction in &readable::instructions(&readable.text).ok()? {
            summary.add(instruction, text, &mut global_args);
        }
        for range in readable.blanked {
            let line = line_of(text, range.start);
            let name = text[range].split_whitespace().next().unwrap_or_default();
            summary.instructions.push((line, name.to_ascii_uppercase()));
        }
        summary.instructions.sort();
        for name in unused(global_args, &summary.stages) {
            if !summary.declared_args.contains(&name) {
                summary.declared_args.push(name);
            }
        }
        Some(summary)
    }

    fn add(
        &mut self,
        instruction: &Instruction<'_>,
        text: &str,
        global_args: &mut Vec<(String, String)>,
    ) {
        let Some((name, keyword)) = keyword(instruction) else { return };
        let line = line_of(text, keyword.start);
        self.instructions.push((line, name.to_owned()));
        let whole = |end: usize| text.get(keyword.start..end).unwrap_or_default().trim().to_owned();
        if matches!(name, "RUN" | "COPY" | "ADD" | "WORKDIR")
            && let Some(stage) = self.stages.last_mut()
        {
            stage.steps.push(line);
        }
        match instruction {
            Instruction::From(from) => self.stages.push(Stage {
                name: from.as_.as_ref().map(|(_, name)| name.value.to_string()),
                base: from.image.value.to_string(),
                steps: vec![line],
            }),
            Instruction::Arg(arg) if self.stages.is_empty() => {
                global_args.extend(pairs(&arg.arguments.value));
            }
            Instruction::Arg(arg) => {
                let pairs = pairs(&arg.arguments.value);
                self.declared_args.extend(pairs.into_iter().map(|(name, _)| name));
            }
            Instruction::Env(env) => self.env_names.extend(names(&env.arguments.value)),
            Instruction::Label(label) => self.label_names.extend(names(&label.arguments.value)),
            Instruction::Run(run) => {
                let mounts = run.options.iter().filter(|flag| flag.name.value == "mount");
                let mounts = mounts.filter_map(|flag| flag.value.as_ref());
                self.run_mounts.extend(mounts.map(|value| value.value.to_string()));
                let command = match &run.arguments {
                    Command::Exec(spanned) => spanned.span.end,
                    Command::Shell(spanned) => spanned.span.end,
                    _ => keyword.end,
                };
                self.run.push(whole(command));
            }
            Instruction::Copy(copy) => self.copy.push(whole(closed(text, copy.dest.span.end))),
            Instruction::Add(add) => self.add.push(whole(closed(text, add.dest.span.end))),
            Instruction::Healthcheck(_) => self.healthcheck.push(whole(end_of(text, &keyword))),
            Instruction::Onbuild(_) => self.onbuild.push(whole(end_of(text, &keyword))),
            _ => {}
        }
    }

    /// The image that the last stage starts from, through the stages it names.
    pub fn final_base(&self) -> Option<&str> {
        let mut index = self.stages.len().checked_sub(1)?;
        loop {
            let base = self.stages[index].base.as_str();
            let earlier = self.stages[..index].iter().rposition(|stage| {
                stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(base))
            });
            match earlier {
                Some(before) => index = before,
                None => return Some(base),
            }
        }
    }

    /// The line of a step by the builder's name for it, such as `[build 2/4] RUN make`.
    pub fn line_of_step(&self, step: &str) -> Option<u32> {
        let (place, _) = step.strip_prefix('[')?.split_once(']')?;
        let (stage, count) = place.rsplit_once(' ').unwrap_or(("", place));
        let number: usize = count.split_once('/')?.0.trim().parse().ok()?;
        let stage = match stage {
            "" => self.stages.last()?,
            name => self.stages.iter().enumerate().find_map(|(index, stage)| {
                let called = match &stage.name {
                    Some(own) => own.eq_ignore_ascii_case(name),
                    None => name == format!("stage-{index}"),
                };
                called.then_some(stage)
            })?,
        };
        stage.steps.get(number.checked_sub(1)?).copied()
    }
}

/// The rest of the logical line that an instruction starts on, over escaped line ends.
fn end_of(text: &str, keyword: &Range<usize>) -> usize {
    let mut end = keyword.end;
    for line in text[keyword.end..].split_inclusive('\n') {
        end += line.len();
        if !line.trim_end().ends_with(['\\', '`']) {
            break;
        }
    }
    end
}

/// From the end of a last word to that of its list, in the JSON form.
fn closed(text: &str, end: usize) -> usize {
    let between = |c: char| c.is_whitespace() || ['"', '\\', '`'].contains(&c);
    let rest = text.get(end..).unwrap_or_default().trim_start_matches(between);
    if rest.starts_with(']') { text.len() - rest.len() + 1 } else { end }
}

/// The names in `NAME=value OTHER="x y"`, or the one in the old form `NAME some value`.
fn names(arguments: &str) -> Vec<String> {
    let old_form = words(arguments).first().is_some_and(|word| !word.contains('='));
    let names = pairs(arguments).into_iter().map(|(name, _)| name);
    names.take(if old_form { 1 } else { usize::MAX }).collect()
}

/// The words, each cut into what stands before its `=` and after; empty without one.
fn pairs(arguments: &str) -> Vec<(String, String)> {
    let cut = |word: String| match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (word, String::new()),
    };
    words(arguments).into_iter().map(cut).collect()
}

fn words(arguments: &str) -> Vec<String> {
    shlex::split(arguments)
        .unwrap_or_else(|| arguments.split_whitespace().map(str::to_owned).collect())
}

/// The names among the global arguments that no FROM uses, neither itself nor through the default
/// value of one that it uses.
fn unused(mut args: Vec<(String, String)>, stages: &[Stage]) -> Vec<String> {
    let mut texts: Vec<String> = stages.iter().map(|stage| stage.base.clone()).collect();
    while let Some(text) = texts.pop() {
        args.retain_mut(|(name, value)| {
            let used = uses(&text, name);
            if used {
                texts.push(std::mem::take(value));
            }
            !used
        });
    }
    args.into_iter().map(|(name, _)| name).collect()
}

/// Whether a text has `$NAME` in it, or `${NAME}` with or without an operator.
fn uses(text: &str, name: &str) -> bool {
    text.split('$').skip(1).any(|rest| {
        rest.strip_prefix('{')
            .unwrap_or(rest)
            .strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or(text);
    u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
}

fn keyword(instruction: &Instruction<'_>) -> Option<(&'static str, Range<usize>)> {
    let (name, span) = match instruction {
        Instruction::Add(one) => ("ADD", &one.add.span),
        Instruction::Arg(one) => ("ARG", &one.arg.span),
        Instruction::Cmd(one) => ("CMD", &one.cmd.span),
        Instruction::Copy(one) => ("COPY", &one.copy.span),
        Instruction::Entrypoint(one) => ("ENTRYPOINT", &one.entrypoint.span),
        Instruction::Env(one) => ("ENV", &one.env.span),
        Instruction::Expose(one) => ("EXPOSE", &one.expose.span),
        Instruction::From(one) => ("FROM", &one.from.span),
        Instruction::Healthcheck(one) => ("HEALTHCHECK", &one.healthcheck.span),
        Instruction::Label(one) => ("LABEL", &one.label.span),
        Instruction::Maintainer(one) => ("MAINTAINER", &one.maintainer.span),
        Instruction::Onbuild(one) => ("ONBUILD", &one.onbuild.span),
        Instruction::Run(one) => ("RUN", &one.run.span),
        Instruction::Shell(one) => ("SHELL", &one.shell.span),
        Instruction::Stopsignal(one) => ("STOPSIGNAL", &one.stopsignal.span),
        Instruction::User(one) => ("USER", &one.user.span),
        Instruction::Volume(one) => ("VOLUME", &one.volume.span),
        Instruction::Workdir(one) => ("WORKDIR", &one.workdir.span),
        _ => return None,
    };
    Some((name, span.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_do_not_matter() {
        for text in [
            "FROM alpine\nRUN --mount=type=secret,id=k cat /run/secrets/k\n",
            "from alpine\r\nrun --mount=type=secret,id=k \\\r\n  cat /run/secrets/k\r\n",
            "# escape=`\nFROM alpine\nRUN --mount=type=secret,id=k `\n cat /run/secrets/k",
            "\u{feff}FROM alpine\nRUN --mount=type=secret,id=k [\"cat\", \"/run/secrets/k\"]\n",
        ] {
            let summary = Summary::of(text).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!(summary.run_mounts, ["type=secret,id=k"], "{text:?}");
            assert_eq!(summary.final_base(), Some("alpine"));
        }
    }

    #[test]
    fn an_arg_that_only_from_uses_is_not_declared_for_the_image() {
        let declared = |text| Summary::of(text).unwrap().declared_args;
        assert_eq!(declared("ARG VERSION=3\nFROM alpine:${VERSION}\n"), [""; 0]);
        assert_eq!(declared("ARG VERSION=3\nFROM alpine:$VERSION\nARG VERSION\n"), ["VERSION"]);
        assert_eq!(declared("ARG VERSION=3\nFROM alpine:$VERSION_X\n"), ["VERSION"]);
        assert_eq!(declared("ARG VERSION=3\nFROM alpine:${VERSION_X}\n"), ["VERSION"]);
        assert_eq!(declared("ARG VERSION\nFROM alpine:${VERSION:-3}\n"), [""; 0]);
        assert_eq!(declared("ARG VERSION\nFROM ${BASE:-alpine:${VERSION}}\n"), [""; 0]);
        assert_eq!(declared("FROM alpine\narg a=1 VERSION=\"1 2\"\n"), ["a", "VERSION"]);
        assert_eq!(declared("FROM alpine\nARG A B VERSION\n"), ["A", "B", "VERSION"]);
    }

    #[test]
    fn from_uses_what_the_default_of_its_argument_uses() {
        let declared = |text: &str| Summary::of(text).unwrap().declared_args;
        let through = "ARG VERSION=3.12\nARG TAG=$VERSION-slim\nARG BASE=python:${TAG}\n";
        assert_eq!(declared(&format!("{through}FROM $BASE\n")), [""; 0]);
        assert_eq!(declared(&format!("{through}FROM $BASE\nARG VERSION\n")), ["VERSION"]);
        assert_eq!(declared(&format!("{through}FROM alpine\n")), ["VERSION", "TAG", "BASE"]);
        assert_eq!(declared("ARG VERSION=1\nARG X=a:$VERSION\nFROM a\n"), ["VERSION", "X"]);
        assert_eq!(declared("ARG A=$B\nARG B=$A\nFROM $A\n"), [""; 0]);
    }

    #[test]
    fn what_the_parser_refuses_hides_nothing_else() {
        let text = "FROM a\nRUN --mount=type=cache,target=/é cat > x <<EOF\nbody of it\nEOF\n\
                    entrypoint []\nARG VERSION\nCOPY a b\n";
        let summary = Summary::of(text).unwrap();
        let names: Vec<_> = summary.instructions.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["FROM", "RUN", "ENTRYPOINT", "ARG", "COPY"]);
        assert_eq!(summary.instructions[2].0, 5);
        assert_eq!(summary.declared_args, ["VERSION"]);
        assert_eq!(summary.run_mounts, ["type=cache,target=/é"]);
        assert_eq!(summary.copy, ["COPY a b"]);
    }

    #[test]
    fn a_byte_order_mark_shifts_no_excerpt() {
        let summary = Summary::of("\u{feff}# syntax=x/y:1\nFROM a\nCOPY b c\n").unwrap();
        assert_eq!((summary.copy, summary.syntax), (vec!["COPY b c".into()], Some("x/y:1".into())));
    }

    #[test]
    fn a_list_in_the_json_form_is_whole() {
        let text = "FROM a\nCOPY [\"b\", \"c\"]\nADD [ \"b\", \\\n  \"c\" \\\n]\nCOPY b c\n";
        let summary = Summary::of(text).unwrap();
        assert_eq!(summary.copy, ["COPY [\"b\", \"c\"]", "COPY b c"]);
        assert_eq!(summary.add, ["ADD [ \"b\", \\\n  \"c\" \\\n]"]);
    }

    #[test]
    fn a_failing_step_has_a_line() {
        let text =
            "FROM alpine AS build\nENV A=1\nRUN a\n\nFROM alpine\nLABEL x=y\nCOPY a b\nRUN b\n";
        let summary = Summary::of(text).unwrap();
        assert_eq!(summary.line_of_step("[build 2/2] RUN a"), Some(3));
        assert_eq!(summary.line_of_step("[stage-1 3/3] RUN b"), Some(8));
        assert_eq!(summary.line_of_step("[2/3] COPY a b"), Some(7));
        assert_eq!(summary.line_of_step("[internal] load metadata"), None);
    }

    #[test]
    fn stages_are_followed_to_the_image_they_start_from() {
        let text = "FROM debian AS one\nFROM One AS two\nFROM scratch AS x\nFROM two\n";
        assert_eq!(Summary::of(text).unwrap().final_base(), Some("debian"));
    }

    #[test]
    fn labels_are_named_in_both_forms() {
        let text = "FROM a\nLABEL a.b=\"x y\" c=d \\\n  e=f\nLABEL old form of it\nLABEL x y\n";
        assert_eq!(Summary::of(text).unwrap().label_names, ["a.b", "c", "e", "old", "x"]);
    }
}
