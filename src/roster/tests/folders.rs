//! Folders of submissions, alone and beside a roster.

use super::*;

const ROSTER: &str = "identifier,github_username,github_id,name\n\
    s1,AdaL,,Ada\ns2,bob,,Bob\ns3,cy,,Cy\ns4,,,Dan\n";

/// A class as `gh classroom clone student-repos` leaves it.
fn github() -> TempDir {
    laid_out(&[
        ("roster.csv", ROSTER),
        ("hw-1-submissions/hw-1-adal/Dockerfile", "FROM alpine\n"),
        ("hw-1-submissions/hw-1-bob/", ""),
        ("hw-1-submissions/hw-1-bobb/", ""),
        ("hw-1-submissions/.DS_Store", "x"),
    ])
}

#[test]
fn clones_are_found_for_the_students_of_a_roster() {
    let root = github();
    let folder = path(&root, "hw-1-submissions");
    let roster = read(&path(&root, "roster.csv"), &source(folder.to_str().unwrap())).unwrap();
    let missing = format!("– nothing of theirs is in {}", folder.display());
    let unknown =
        format!("– the roster has no username for them, and nothing is in {}", folder.display());
    assert_eq!(
        places(&roster),
        [("s1", "hw-1-adal".into()), ("s2", "hw-1-bob".into()), ("s3", missing), ("s4", unknown)]
    );
    assert_eq!(
        roster.notes,
        ["`hw-1-bobb` belongs to nobody on the roster; the nearest name is `bob`"]
    );
}

#[test]
fn a_folder_of_clones_is_a_class_by_itself() {
    let root = github();
    let roster = read(&path(&root, "hw-1-submissions"), &RosterOptions::default()).unwrap();
    assert_eq!(ids(&roster), ["adal", "bob", "bobb"]);
    assert_eq!(roster.members[0].student.username.as_deref(), Some("adal"));
    let root = laid_out(&[
        ("cs-hello_submissions_2026_10_02_T_10_00_00/cs-hello-ada/", ""),
        ("cs-hello_submissions_2026_10_02_T_10_00_00/cs-hello-mary-ada/", ""),
        ("cs-hello_submissions_2026_10_02_T_10_00_00/scores.csv", "username\n"),
    ]);
    let folder = path(&root, "cs-hello_submissions_2026_10_02_T_10_00_00");
    let roster = read(&folder, &RosterOptions::default()).unwrap();
    assert_eq!(ids(&roster), ["ada", "mary-ada"]);
}

#[test]
fn folders_and_archives_are_submissions_by_their_names() {
    let root = laid_out(&[
        ("subs/Ada Lovelace/Dockerfile", ""),
        ("subs/bob.zip", "x"),
        ("subs/cy.tar.gz", "x"),
        ("subs/dan.rar", "x"),
        ("subs/README.md", "x"),
    ]);
    let roster = read(&path(&root, "subs"), &RosterOptions::default()).unwrap();
    assert_eq!(
        places(&roster),
        [
            ("Ada Lovelace", "Ada Lovelace".into()),
            ("bob", "bob.zip".into()),
            ("cy", "cy.tar.gz".into()),
            ("dan", "– `dan.rar` is an archive of a kind that is not read".into())
        ]
    );
    assert_eq!(roster.members[0].student.username, None);
}

#[test]
fn a_renamed_folder_of_clones_is_read_by_the_assignment_or_by_the_longest_name() {
    let root = laid_out(&[
        ("subs/onbuild-ada/", ""),
        ("subs/onbuild-mary-ada/", ""),
        ("class.csv", "id,username\n1,ada\n2,mary-ada\n3,mary\n"),
    ]);
    let onbuild = RosterOptions { assignment: Some("onbuild".into()), ..Default::default() };
    let roster = read(&path(&root, "subs"), &onbuild).unwrap();
    assert_eq!(ids(&roster), ["ada", "mary-ada"]);
    let folder = path(&root, "subs");
    for slug in ["onbuild", "another"] {
        let assignment = Some(slug.to_owned());
        let options = RosterOptions { assignment, ..source(folder.to_str().unwrap()) };
        let roster = read(&path(&root, "class.csv"), &options).unwrap();
        let places = places(&roster);
        assert_eq!(places[0].1, "onbuild-ada");
        assert_eq!(places[1].1, "onbuild-mary-ada");
        assert!(places[2].1.starts_with('–'));
        assert_eq!(roster.notes, [""; 0]);
    }
}

#[test]
fn a_group_is_found_by_its_name_or_by_one_of_its_students() {
    let root = laid_out(&[
        ("hw-submissions/hw-team-rocket/", ""),
        ("hw-submissions/hw-cy/", ""),
        ("class.csv", "id,username,group\n1,ada,Team Rocket\n2,bob,Team Rocket\n3,cy,b\n4,dan,b\n"),
    ]);
    let folder = path(&root, "hw-submissions");
    let options = source(folder.to_str().unwrap());
    let roster = read(&path(&root, "class.csv"), &options).unwrap();
    let found: Vec<String> = places(&roster).into_iter().map(|(_, place)| place).collect();
    assert_eq!(found, ["hw-team-rocket", "hw-team-rocket", "hw-cy", "hw-cy"]);
    assert_eq!(roster.works().len(), 2);
}

#[test]
fn two_submissions_of_one_student_are_a_mistake() {
    let root = laid_out(&[("subs/ada/", ""), ("subs/ada.zip", "x"), ("class.csv", "id\nada\n")]);
    let alone = read(&path(&root, "subs"), &RosterOptions::default());
    let expected = "subs:1:1: `ada` and `ada.zip` are both of `ada`";
    assert_eq!(told(alone, root.path()), Err(expected.into()));
    let folder = path(&root, "subs");
    let beside = read(&path(&root, "class.csv"), &source(folder.to_str().unwrap()));
    assert_eq!(told(beside, root.path()), Err(expected.into()));
}

#[test]
fn links_and_names_that_cannot_be_are_told() {
    use std::os::unix::ffi::OsStringExt;
    let root = laid_out(&[("subs/ada/", ""), ("subs/b\u{202e}ob/", "")]);
    std::os::unix::fs::symlink("/etc", root.path().join("subs/cy")).unwrap();
    let raw = std::ffi::OsString::from_vec(b"d\xff".to_vec());
    std::fs::create_dir(root.path().join("subs").join(raw)).unwrap();
    let problems = told(read(&path(&root, "subs"), &RosterOptions::default()), root.path());
    let problems = problems.unwrap_err();
    assert_eq!(problems.lines().count(), 3, "{problems}");
    for part in ["U+202E", "`cy` is a link", "is not UTF-8: rename it"] {
        assert!(problems.contains(part), "{problems}");
    }
}

#[test]
fn of_clones_another_commit_can_be_chosen_and_of_others_not() {
    let root = laid_out(&[("subs/ada/.git/HEAD", "ref: refs/heads/main\n"), ("subs/bob/", "")]);
    let deadline = "2026-10-02T00:00:00Z".parse().unwrap();
    let options =
        RosterOptions { revision: Revision::Before(deadline), ..RosterOptions::default() };
    let roster = read(&path(&root, "subs"), &options).unwrap();
    let Ok(Source::Git(git)) = &roster.members[0].source else { panic!("{roster:?}") };
    assert!(git.url.starts_with("file:///") && git.url.ends_with("/subs/ada"), "{}", git.url);
    assert_eq!(git.at, options.revision);
    assert!(matches!(roster.members[1].source, Ok(Source::Path(_))));
    assert_eq!(roster.notes.len(), 1);
    assert!(roster.notes[0].starts_with("1 of the submissions"), "{:?}", roster.notes);
}

#[test]
fn a_pattern_may_be_a_path() {
    let root = laid_out(&[
        (
            "class.toml",
            "format = \"grade/roster/v1\"\nsource = \"subs/{section}/{id}\"\n\
          students = \"class.csv\"\n",
        ),
        ("class.csv", "id,section\nada,a\nbob,b\n../../x,b\n"),
        ("subs/a/ada/", ""),
    ]);
    let roster = read(&path(&root, "class.toml"), &RosterOptions::default()).unwrap();
    let places = places(&roster);
    assert_eq!(places[0].1, "ada");
    assert_eq!(places[1].1, format!("– there is no {}", path(&root, "subs/b/bob").display()));
    assert_eq!(places[2].1, "– their id has a `/` and cannot be a folder's name");
}
