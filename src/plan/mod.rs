//! A plan: a rubric bound to the kinds of probe that there are, with every mistake told at once.

mod schema;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::ask::Ask;
use crate::document::{Problems, Review, Span};
use crate::expect::{MATCHERS, fits};
use crate::fact::shape_of;
use crate::judge::placeholders;
use crate::probe::{self, KINDS, Kind, Observe};
use crate::recipe::BuildRecipe;
pub use schema::schema;

use crate::rubric::{self, DEFAULT_BUILD, Draft, Facet, Facets, Probe, Rubric};

/// A rubric whose questions can be asked.
pub struct Plan {
    /// The rubric; its questions are complete, with the builds they mean.
    pub rubric: Rubric,
    /// Each different question once.
    pub questions: Vec<Question>,
}

/// A question that can be asked.
pub struct Question {
    /// What is asked, as evidence records it.
    pub ask: Ask,
    /// How it is asked.
    pub probe: Box<dyn Observe>,
}

/// A rubric that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file could not be read.
    #[error("failed to read the rubric {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
}

/// Reads a rubric and binds it.
///
/// # Errors
/// When the file cannot be read or the rubric has mistakes: all of them.
pub fn load(path: &Path) -> Result<Plan, PlanError> {
    let source = std::fs::read_to_string(path)
        .map_err(|source| PlanError::Read { path: path.to_owned(), source })?;
    let mut draft = rubric::read(path, source);
    check_given(&mut draft);
    Ok(bind(draft)?)
}

/// A rubric that is only judged by: what an exercise hands out need not be there.
///
/// # Errors
/// All mistakes of the rubric.
pub fn read_to_judge(path: &Path, source: String) -> Result<Rubric, Problems> {
    Ok(bind(rubric::read(path, source))?.rubric)
}

/// The folder of files that an exercise hands out, beside the folder that holds its rubric.
pub fn given_folder(rubric: &Path) -> Option<PathBuf> {
    let course = std::fs::canonicalize(rubric).ok()?.parent()?.parent()?.to_owned();
    let given = course.join("assignments").join(rubric.file_stem()?).join("given");
    given.is_dir().then_some(given)
}

/// Notes files that the exercise does not hand out, where a rubric builds on them.
fn check_given(draft: &mut Draft) {
    let folder = given_folder(&draft.path);
    let missing = |given: &str| !folder.as_ref().is_some_and(|folder| folder.join(given).exists());
    let no_file = |slug: &str, given: &str| format!("assignments/{slug}/given has no file {given}");
    let slug = draft.rubric.slug.clone();
    for probe in &draft.rubric.probes {
        let named = match probe.ask.with.get("given") {
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            Some(name) => name.as_str().into_iter().collect(),
            None => Vec::new(),
        };
        let place = probe.spans.with.iter().find(|(name, ..)| name == "given");
        for given in named.into_iter().filter(|given| missing(given)) {
            if let Some((.., span)) = place {
                draft.review.note(span, format!("`given`: {}", no_file(&slug, given)));
            }
        }
    }
    for (given, span) in draft.given_files.iter().filter(|(given, _)| missing(given)) {
        draft.review.note(span, no_file(&slug, given));
    }
}

/// Binds a rubric to the kinds of probe.
///
/// # Errors
/// All mistakes of the rubric.
pub fn bind(draft: Draft) -> Result<Plan, Problems> {
    let Draft { path, source, mut rubric, mut review, .. } = draft;
    let default = rubric.builds.iter().find(|(name, _)| name == DEFAULT_BUILD);
    let default = default.map(|(_, recipe)| recipe.clone()).unwrap_or_default();
    let mut questions: Vec<Question> = Vec::new();
    for probe in &mut rubric.probes {
        let Some(observe) = bind_probe(probe, &default, &mut review) else { continue };
        if !questions.iter().any(|question| question.ask == probe.ask) {
            questions.push(Question { ask: probe.ask.clone(), probe: observe });
        }
    }
    review.finish(&path, &source)?;
    Ok(Plan { rubric, questions })
}

fn bind_probe(
    probe: &mut Probe,
    default: &BuildRecipe,
    review: &mut Review,
) -> Option<Box<dyn Observe>> {
    if probe.ask.kind.is_empty() {
        return None;
    }
    let Some(kind) = probe::find(&probe.ask.kind) else {
        let known = KINDS.iter().map(|kind| kind.name);
        review.unknown(&probe.spans.kind, "kind of probe", &probe.ask.kind, known);
        return None;
    };
    check_facets(&probe.expect, kind, review);
    check_facets(&probe.when, kind, review);
    for case in &probe.cases {
        check_facets(&case.when, kind, review);
    }
    for (words, span) in &probe.spans.words {
        for name in placeholders(words) {
            if let Err(known) = shape_of(kind.facts, name) {
                review.unknown(span, "fact in {…}", name, known);
            }
        }
    }
    bind_params(probe, kind, default, review)
}

fn check_facets(facets: &Facets, kind: &Kind, review: &mut Review) {
    for facet in facets {
        match shape_of(kind.facts, &facet.fact) {
            Ok(shape) => {
                if let Err(message) = fits(&facet.expect, shape) {
                    review.note(&facet.span, format!("`{}`: {message}", facet.fact));
                }
            }
            Err(known) => unknown_fact(facet, kind, known, review),
        }
    }
}

/// A fact that there is not; `count.at_mst`, where `count` is no map, is a misspelt matcher.
fn unknown_fact(facet: &Facet, kind: &Kind, known: Vec<&str>, review: &mut Review) {
    let base = facet.fact.split_once('.');
    if let Some((name, key)) = base.filter(|(name, _)| known.contains(name)) {
        review.unknown(
            &facet.span,
            &format!("matcher for `{name}`"),
            key,
            MATCHERS.iter().copied(),
        );
    } else {
        review.unknown(&facet.span, &format!("fact of `{}`", kind.name), &facet.fact, known);
    }
}

fn bind_params(
    probe: &mut Probe,
    kind: &Kind,
    default: &BuildRecipe,
    review: &mut Review,
) -> Option<Box<dyn Observe>> {
    let spans = &probe.spans;
    for (name, span, _) in &spans.with {
        if !kind.params.iter().any(|param| param.name == name) {
            let known = kind.params.iter().map(|param| param.name);
            review.unknown(span, &format!("parameter of `{}`", kind.name), name, known);
        }
    }
    let mut complete = true;
    for param in kind.params {
        let written = spans.with.iter().find(|(name, ..)| name == param.name);
        match (written, probe.ask.with.get(param.name)) {
            (Some((.., span)), Some(value)) => {
                if let Err(message) = param.shape.fits(value) {
                    review.note(span, format!("`{}`: {message}", param.name));
                    complete = false;
                }
            }
            // It could not be read, which was noted then.
            (Some(_), None) => complete = false,
            (None, _) if param.name == "build" => {
                let recipe = serde_json::to_value(default).unwrap_or(Json::Null);
                probe.ask.with.insert(param.name.to_owned(), recipe);
            }
            (None, _) if param.default.is_none() => {
                let message = format!("`{}` needs the parameter `{}`", kind.name, param.name);
                review.note(&spans.kind, message);
                complete = false;
            }
            (None, _) => {}
        }
    }
    if !complete {
        return None;
    }
    match (kind.bind)(&probe.ask.with) {
        Ok(observe) => Some(observe),
        Err(error) => {
            let written = spans.with.iter().find(|(name, ..)| name == error.param);
            let span: &Span = written.map_or(&spans.kind, |(.., span)| span);
            review.note(span, format!("`{}`: {}", error.param, error.message));
            None
        }
    }
}
