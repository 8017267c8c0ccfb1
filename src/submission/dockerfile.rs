//! The student's Dockerfile, read by a real parser: what it says and where, never what it does.

use std::ops::Range;
use std::path::Path;

use parse_dockerfile::{Command, Instruction};

use super::files::{self, FileKind};

mod mount;
mod readable;
mod rewrite;

use mount::{Mount, absolute};
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
    /// Each instruction: its line (from 1) and its name in upper case. Here and in what follows, a
    /// trigger counts once more for each later stage that it is executed in.
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
    /// Type and absolute target of each: `tmpfs /tmp`.
    pub run_mounted: Vec<String>,
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
    /// The lines of the instructions that the builder numbers: FROM of an image, RUN, COPY, ADD and
    /// WORKDIR, and such triggers of the stage that it starts from.
    pub steps: Vec<u32>,
    /// The working directory at its end, as far as the Dockerfile says it: an image's own is taken
    /// for `/`.
    pub workdir: String,
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
        let instructions = readable::instructions(&readable.text).ok()?;
        let mut seen = Seen::default();
        for instruction in &instructions {
            summary.add(instruction, text, &mut seen);
        }
        for range in readable.blanked {
            let line = line_of(text, range.start);
            let name = text[range].split_whitespace().next().unwrap_or_default();
            summary.instructions.push((line, name.to_ascii_uppercase()));
        }
        summary.instructions.sort();
        for name in unused(seen.global_args, &summary.stages) {
            if !summary.declared_args.contains(&name) {
                summary.declared_args.push(name);
            }
        }
        Some(summary)
    }

    fn add<'i, 't>(
        &mut self,
        instruction: &'i Instruction<'t>,
        text: &str,
        seen: &mut Seen<'i, 't>,
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
            Instruction::From(from) => {
                let base = from.image.value.to_string();
                let earlier = self.stage_before(self.stages.len(), &base);
                let is_image = earlier.is_none() && base != "scratch";
                self.stages.push(Stage {
                    name: from.as_.as_ref().map(|(_, name)| name.value.to_string()),
                    base,
                    steps: is_image.then_some(line).into_iter().collect(),
                    workdir: earlier.map_or("/", |earlier| &self.stages[earlier].workdir).into(),
                });
                let fired = earlier.and_then(|earlier| seen.triggers.get(earlier)).cloned();
                seen.triggers.push(Vec::new());
                for trigger in fired.unwrap_or_default() {
                    self.add(trigger, text, seen);
                }
            }
            Instruction::Arg(arg) if self.stages.is_empty() => {
                seen.global_args.extend(pairs(&arg.arguments.value));
            }
            Instruction::Arg(arg) => {
                let pairs = pairs(&arg.arguments.value);
                self.declared_args.extend(pairs.into_iter().map(|(name, _)| name));
            }
            Instruction::Env(env) => self.env_names.extend(names(&env.arguments.value)),
            Instruction::Label(label) => self.label_names.extend(names(&label.arguments.value)),
            Instruction::Run(run) => {
                let workdir = self.stages.last().map_or("/", |stage| &stage.workdir);
                for mount in Mount::all(run) {
                    self.run_mounted.push(mount.place(workdir));
                    self.run_mounts.push(mount.value);
                }
                let command = match &run.arguments {
                    Command::Exec(spanned) => spanned.span.end,
                    Command::Shell(spanned) => spanned.span.end,
                    _ => keyword.end,
                };
                self.run.push(whole(command));
            }
            Instruction::Workdir(workdir) => {
                if let Some(stage) = self.stages.last_mut() {
                    stage.workdir = absolute(&stage.workdir, &unquoted(&workdir.arguments.value));
                }
            }
            Instruction::Copy(copy) => self.copy.push(whole(closed(text, copy.dest.span.end))),
            Instruction::Add(add) => self.add.push(whole(closed(text, add.dest.span.end))),
            Instruction::Healthcheck(_) => self.healthcheck.push(whole(end_of(text, &keyword))),
            Instruction::Onbuild(onbuild) => {
                self.onbuild.push(whole(end_of(text, &keyword)));
                if let Some(triggers) = seen.triggers.last_mut() {
                    triggers.push(&onbuild.instruction);
                }
            }
            _ => {}
        }
    }

    /// The image that the last stage starts from, through the stages it names.
    pub fn final_base(&self) -> Option<&str> {
        let mut index = self.stages.len().checked_sub(1)?;
        loop {
            let base = self.stages[index].base.as_str();
            match self.stage_before(index, base) {
                Some(before) => index = before,
                None => return Some(base),
            }
        }
    }

    /// The stage of that name before another one.
    fn stage_before(&self, index: usize, name: &str) -> Option<usize> {
        self.stages[..index].iter().rposition(|stage| {
            stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
        })
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

/// What was seen so far and is needed later.
#[derive(Default)]
struct Seen<'i, 't> {
    /// The arguments before the first FROM, with their default values.
    global_args: Vec<(String, String)>,
    /// The triggers of each stage.
    triggers: Vec<Vec<&'i Instruction<'t>>>,
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

/// A word without quotes.
fn unquoted(word: &str) -> String {
    word.trim().replace(['"', '\''], "")
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
            assert_eq!(summary.run_mounted, ["secret"], "{text:?}");
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
    fn a_trigger_counts_where_it_is_executed() {
        let text = "FROM a AS base\nONBUILD RUN --mount=type=ssh b\nONBUILD ADD c d\nRUN e\n\
                    FROM Base\nRUN f\nFROM base AS last\n";
        let summary = Summary::of(text).unwrap();
        let run = ["RUN e", "RUN --mount=type=ssh b", "RUN f", "RUN --mount=type=ssh b"];
        assert_eq!(summary.run, run);
        assert_eq!(summary.run_mounts, ["type=ssh"; 2]);
        assert_eq!(summary.add, ["ADD c d"; 2]);
        assert_eq!(summary.onbuild, ["ONBUILD RUN --mount=type=ssh b", "ONBUILD ADD c d"]);
        assert_eq!(summary.line_of_step("[stage-1 1/1] RUN --mount=type=ssh b"), Some(2));
        assert_eq!(summary.line_of_step("[stage-1 3/1] RUN f"), Some(6));
        // In nobody's build, and in the grandchild's.
        let unused = Summary::of("FROM a\nONBUILD RUN b\nFROM c\nRUN d\n").unwrap();
        assert_eq!(unused.run, ["RUN d"]);
        let twice = "FROM a AS x\nONBUILD RUN b\nFROM x AS y\nFROM y\n";
        assert_eq!(Summary::of(twice).unwrap().run, ["RUN b"]);
    }

    #[test]
    fn a_mount_s_target_is_seen_from_the_working_directory() {
        let text = "FROM a AS x\nRUN --mount=target=.,type=TMPFS b\nWORKDIR /t\nWORKDIR u/\n\
                    FROM x\nRUN --mount=dst=../t,type=cache --mount=type=ssh --mount=target=$D b\n\
                    WORKDIR \"/v\"\nRUN --mount=target=w b\n";
        let summary = Summary::of(text).unwrap();
        let seen = ["tmpfs /", "cache /t/t", "ssh", "bind /t/u/$D", "bind /v/w"];
        assert_eq!(summary.run_mounted, seen);
    }

    #[test]
    fn a_stage_upon_another_or_upon_nothing_has_no_step_of_its_own_for_from() {
        let summary = Summary::of("FROM a AS x\nRUN b\nFROM x\nRUN c\nFROM scratch\nCOPY d /\n");
        let line = |step| summary.as_ref().unwrap().line_of_step(step);
        assert_eq!(line("[x 2/2] RUN b"), Some(2));
        assert_eq!(line("[stage-1 1/1] RUN c"), Some(4));
        assert_eq!(line("[stage-2 1/1] COPY d /"), Some(6));
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
