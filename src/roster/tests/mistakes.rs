//! What is wrong with a roster is told all at once, with its place and what to do.

use proptest::prelude::*;

use super::*;

fn problems(csv: impl AsRef<[u8]>) -> Vec<String> {
    let options = source("https://github.com/org/{assignment}-{username}");
    let all = table(csv, &options).unwrap_err();
    all.lines().map(|line| line.strip_prefix("roster.csv:").unwrap_or(line).to_owned()).collect()
}

#[test]
fn all_mistakes_of_a_table_are_told_with_their_lines() {
    let csv = "id,name,usrname,username,group,source\n\
               s1,Ada,,ada,g,\n\
               ,Nobody,,,,\n\
               s1,Twice,,ada2,,\n\
               s2,Bob,,ADA,G,\n\
               s3,Cy,,@cy,,http://x.y/z\n\
               s4,Dan,,dan,,https://x.y/z\n\
               s5,Eve,,eve,,https://x.y/Z.git\n\
               s6,Fay\n\
               s7,Gus, Jr.,,gus,,\n\
               s8,Hal,,hal,,nowhere/at/all\n\
               s\u{200b}9,Ida,,ida,,\n";
    let expected = [
        "1:9: unknown column `usrname` (did you mean `username`?)",
        "2:13: a group hands in together, and the pattern has a source for each student (write \
         `{group}`, or give one of the group a source of its own)",
        "3:1: the id of this student is empty",
        "4:1: `s1` is on line 2, too",
        "5:9: `ADA` is on line 2, too",
        "5:13: this group is called `g` on line 2 (write it the same way everywhere)",
        "6:8: this is no username: those have letters, digits, - _ and . only (did you mean `cy`?)",
        "6:13: nothing is fetched by http (write https://x.y/z)",
        "8:14: `s4` on line 7 has the same source (students who hand in together have the same \
         `group`)",
        "9:1: this line has 2 cells, the first 6",
        "10:19: this cell is in no column that has a name (a text that holds what stands between \
         cells needs quotes around it)",
        "11:14: nothing is to be had from nowhere/at/all: No such file or directory (os error 2)",
        "12:1: an id cannot have the invisible character U+200B",
    ];
    assert_eq!(problems(csv), expected);
}

#[test]
fn columns_that_are_needed_are_told_in_every_format() {
    for (csv, problem) in [
        ("name,email\nAda,a@b\n", "1:1: the column `id` or `username` is missing"),
        (
            "identifier,github_usrname,github_id,name\ns1,ada,,\n",
            "1:12: unknown column `github_usrname` (did you mean `github_username`?)",
        ),
        (
            "assignment_name,github_username,roster_identifier\nx,ada,s1\n",
            "1:1: the column `student_repository_url` is missing",
        ),
        ("id,name,ID\ns1,Ada,s2\n", "1:9: there are two columns `id`"),
    ] {
        assert!(problems(csv).iter().any(|one| one == problem), "{csv}: {:?}", problems(csv));
    }
    for csv in ["", "\n\n", "Ada Lovelace\nBob\n", "<html>\n<body>", "PK\u{3}\u{4}"] {
        let told = problems(csv);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("1:1: the first line of a roster names its columns"),
            "{told:?}"
        );
    }
    assert_eq!(problems("id,name\n"), ["1:1: there are no students in it"]);
}

#[test]
fn a_table_that_is_not_utf_8_is_told_with_its_other_mistakes() {
    let told = problems(b"id,name,username\ns1,Ren\xe9e,ada\ns1,Zo\xeb,bob\n");
    let advice = "(save the file as UTF-8; a spreadsheet calls it \"CSV UTF-8\")";
    let expected = [
        format!("2:7: this is not UTF-8 {advice}"),
        "3:1: `s1` is on line 2, too".to_owned(),
        format!("3:6: this is not UTF-8 {advice}"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_format_that_was_said_is_not_guessed() {
    let csv = "username,email,section\nada,a@b,1\n";
    let guessed = table(csv, &source("https://x.y/{username}"));
    assert_eq!(guessed.map(|roster| roster.members.len()), Ok(1));
    let said =
        RosterOptions { format: "github-roster".parse().ok(), ..source("https://x.y/{username}") };
    assert!(table(csv, &said).unwrap_err().contains("names its columns"));
    assert!("github".parse::<Format>().is_err());
}

#[test]
fn a_roster_that_says_nowhere_where_submissions_are_is_one_mistake() {
    let csv = "identifier,github_username,github_id,name\ns1,ada,,\ns2,bob,,\n";
    let problems = table(csv, &RosterOptions::default()).unwrap_err();
    assert!(problems.starts_with("roster.csv:1:1: nothing says where the submissions are"));
    assert_eq!(problems.lines().count(), 1);
}

#[test]
fn mistakes_of_all_files_are_told_together() {
    let root = laid_out(&[
        ("class.toml", "format = \"grade/roster/v1\"\nassignment = \"x\"\nstudents = \"t.csv\"\n"),
        ("t.csv", "id,username\n1,ada\n1,bob\n"),
        ("d.toml", "format = \"grade/decisions/v1\"\n[[decision]]\nid = \"1\"\nexcused = true\n"),
    ]);
    let options = RosterOptions {
        decisions: Some(path(&root, "d.toml")),
        ..source("https://github.com/{usrname}")
    };
    let all = told(read(&path(&root, "class.toml"), &options), root.path()).unwrap_err();
    assert_eq!(
        all,
        "t.csv:3:1: `1` is on line 2, too\n\
         class.toml:2:14: this roster is not for `healthcheck`\n\
         source:1:1: unknown field `usrname` (did you mean `username`?)\n\
         d.toml:2:1: `reason` is missing"
    );
}

#[test]
fn what_is_not_there_is_a_mistake() {
    let root = laid_out(&[
        ("class.toml", "format = \"grade/roster/v1\"\nstudents = \"t.csv\"\n"),
        ("class.csv", "id\n1\n"),
    ]);
    let none = RosterOptions::default();
    let missing = told(read(&path(&root, "none.csv"), &none), root.path()).unwrap_err();
    assert!(missing.starts_with("none.csv:1:1: failed to read it: No such file"), "{missing}");
    let table = told(read(&path(&root, "class.toml"), &none), root.path()).unwrap_err();
    assert!(table.starts_with("t.csv:1:1: failed to read it"), "{table}");
    let folder = told(read(&path(&root, "class.csv"), &source("/nowhere/x")), root.path());
    assert_eq!(folder, Err("source:1:1: there is no folder /nowhere/x".into()));
    let decisions = RosterOptions { decisions: Some("/nowhere/d.toml".into()), ..source("x/{id}") };
    let decisions = told(read(&path(&root, "class.csv"), &decisions), root.path()).unwrap_err();
    assert!(decisions.starts_with("/nowhere/d.toml:1:1: failed to read it"), "{decisions}");
}

#[test]
fn a_pattern_for_each_student_does_not_fit_groups() {
    let csv = "id,username,group\n1,ada,g\n2,bob,g\n3,cy,\n";
    let told = problems(csv);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("2:7: a group hands in together"), "{told:?}");
    let roster = table(csv, &source("https://x.y/{group}")).unwrap();
    assert_eq!(roster.works().len(), 1);
    let other = "id,group,source\n1,g,https://x.y/a\n2,g,https://x.y/b\n";
    assert_eq!(problems(other), ["3:5: this group has another source on line 2"]);
}

#[test]
fn a_wrong_file_is_told_in_bounded_time_and_length() {
    let rows: String = (0..50_000).map(|_| "same,same,same\n").collect();
    let told = problems(format!("id,username,group\n{rows}"));
    assert_eq!(told.len(), 101);
    assert!(told[100].contains("more below this line"), "{}", told[100]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read_or_told(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        header in prop::sample::select(vec!["", "id,name,username,group,source\n", "identifier;name\n"]),
    ) {
        let bytes = [header.as_bytes(), &bytes].concat();
        if let Ok(roster) = table(bytes, &source("https://x.y/{username}")) {
            let mut folders: Vec<String> =
                roster.works().iter().map(|work| work.folder.to_lowercase()).collect();
            let count = folders.len();
            folders.dedup();
            prop_assert_eq!(count, folders.len());
        }
    }

    #[test]
    fn any_text_of_a_cell_is_data(name in any::<String>(), id in "[a-z]{1,5}") {
        let quoted = name.replace('"', "\"\"");
        let csv = format!("id,name,source\n{id},\"{quoted}\",https://x.y/z\n");
        let roster = table(csv, &RosterOptions::default()).unwrap();
        let kept = roster.members[0].student.name.clone().unwrap_or_default();
        prop_assert!(!kept.contains(char::is_control));
        let all = |text: &str| -> String { text.split(|c: char| c.is_whitespace() || c.is_control()).collect() };
        prop_assert_eq!(all(&kept), all(&name));
    }
}
