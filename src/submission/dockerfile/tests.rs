//! What is read out of a Dockerfile.

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
    let text = "FROM alpine AS build\nENV A=1\nRUN a\n\nFROM alpine\nLABEL x=y\nCOPY a b\nRUN b\n";
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
