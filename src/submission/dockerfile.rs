//! The student's Dockerfile, read by a real parser: what it says and where, never what it does.

use std::ops::Range;
use std::path::Path;

use parse_dockerfile::{Command, Instruction};

use super::encoding::{self, Encoding};
use super::files::{self, FileKind};

mod mount;
mod readable;
#[cfg(test)]
mod tests;

use mount::{Mount, absolute};

/// A Dockerfile as handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// Its path in the submission.
    pub path: String,
    /// Its text, as far as it is text.
    pub text: String,
    /// What it is written in, where that is not UTF-8.
    pub encoding: Option<Encoding>,
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
    /// The line of each.
    pub add_lines: Vec<u32>,
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
        encoding: encoding::encoding(&content),
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
            Instruction::Add(add) => {
                self.add.push(whole(closed(text, add.dest.span.end)));
                self.add_lines.push(line);
            }
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

    /// Each ADD: its line, and the whole of it with its flags.
    pub fn adds(&self) -> impl Iterator<Item = (u32, String)> {
        self.add_lines.iter().copied().zip(self.add.iter().cloned())
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
