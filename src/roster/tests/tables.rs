//! Every kind of table, with the columns that the tools really write.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::judge::Points;
use crate::submission::GitSource;

const GITHUB: &str = "https://github.com/org/{assignment}-{username}";

#[test]
fn the_roster_of_github_classroom() {
    let csv = "\"identifier\",\"github_username\",\"github_id\",\"name\"\n\
               \"i01-lovelace (i01)\",\"AdaL\",\"1234567\",\"Ada Lovelace\"\n\
               \"bob@uni.edu\",\"\",\"\",\"\"\n";
    let roster = table(csv, &source(GITHUB)).unwrap();
    let ada = &roster.members[0].student;
    assert_eq!(ada.id, "i01-lovelace (i01)");
    assert_eq!(ada.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(ada.github_id.as_deref(), Some("1234567"));
    assert_eq!(
        places(&roster),
        [
            ("i01-lovelace (i01)", "https://github.com/org/healthcheck-AdaL".to_owned()),
            ("bob@uni.edu", "– the roster has no username for them".to_owned()),
        ]
    );
    assert_eq!(roster.works().len(), 1);
}

const GRADES: &str = "assignment_name,assignment_url,starter_code_url,github_username,\
    roster_identifier,student_repository_name,student_repository_url,submission_timestamp,\
    points_awarded,points_available";

fn grade(title: &str, slug: &str, who: &str, id: &str) -> String {
    format!(
        "{title},https://classroom.github.com/classrooms/1-x/assignments/{slug},\
         https://github.com/org/{slug},{who},{id},{slug}-{who},https://github.com/org/{slug}-{who},\
         2026-10-01 21:00:00 UTC,7,10\n"
    )
}

#[test]
fn the_grades_of_github_classroom_have_the_repositories() {
    let csv =
        format!("{GRADES}\n{}{}", grade("HW", "hw", "ada", "s1"), grade("HW", "hw", "bob", ""));
    let roster = table(&csv, &RosterOptions::default()).unwrap();
    let at = |who: &str| format!("https://github.com/org/hw-{who}");
    assert_eq!(places(&roster), [("s1", at("ada")), ("bob", at("bob"))]);
    let elsewhere = table(&csv, &source("https://git.uni.edu/{id}")).unwrap();
    assert_eq!(places(&elsewhere)[0].1, "https://git.uni.edu/s1");
}

#[test]
fn a_group_of_github_classroom_is_graded_once() {
    let line = |who: &str| {
        let line = grade("HW", "hw", who, "").replace(&format!("hw-{who}"), "hw-team-rocket");
        line.replace('\n', ",Team Rocket\n")
    };
    let csv = format!("{GRADES},group_name\n{}{}", line("ada"), line("bob"));
    let roster = table(&csv, &RosterOptions::default()).unwrap();
    assert_eq!(roster.members[0].source, roster.members[1].source);
    let works = roster.works();
    assert_eq!(works.len(), 1);
    assert_eq!(works[0].members, [0, 1]);
    assert!(works[0].folder.starts_with("team-rocket~"), "{}", works[0].folder);
}

#[test]
fn of_a_whole_course_the_assignment_is_taken() {
    let csv = format!(
        "{GRADES}\n{}{}",
        grade("Health checks", "docker-healthcheck", "ada", ""),
        grade("ONBUILD", "docker-onbuild", "ada", "")
    );
    let of = |slug: Option<&str>| {
        let assignment = slug.map(str::to_owned);
        table(&csv, &RosterOptions { assignment, ..RosterOptions::default() })
    };
    let url = "https://github.com/org/docker-onbuild-ada".to_owned();
    assert_eq!(places(&of(Some("onbuild")).unwrap()), [("ada", url)]);
    let both = "name one of them: docker-healthcheck, docker-onbuild";
    assert!(of(None).unwrap_err().contains(both));
    assert!(of(Some("secret-mount")).unwrap_err().contains(both));
}

#[test]
fn the_roster_of_classroom50_has_students_and_teachers() {
    let csv = "username,first_name,last_name,email,section,github_id,role\n\
               ada,Ada,Lovelace,ada@uni.edu,Lab 1,17,student\n\
               prof,Grace,Hopper,,,,teacher\nhelp,,,,,,hta\naide,,,,,,TA\n\
               bob,Bob,,,,,\n,,,cy@uni.edu,,,student\n";
    let roster = table(csv, &source(GITHUB)).unwrap();
    assert_eq!(ids(&roster), ["ada", "bob", "cy@uni.edu"]);
    assert_eq!(roster.members[0].student.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(roster.members[0].student.section.as_deref(), Some("Lab 1"));
    assert_eq!(roster.notes, ["lines of teachers and assistants: 3"]);
    let older = "username,first_name,last_name,email,section,github_id,enrollment_status\n\
                 ada,Ada,Lovelace,ada@uni.edu,Lab 1,17,active\n";
    let roster = table(older, &source(GITHUB)).unwrap();
    assert_eq!(roster.notes, ["the column `enrollment_status` is not used"]);
    let misspelt = csv.replace("17,student", "17,studnet");
    let problem = "roster.csv:2:39: unknown role `studnet` (did you mean `student`?)";
    assert_eq!(table(misspelt, &source(GITHUB)), Err(problem.into()));
}

#[test]
fn a_table_may_be_saved_by_any_spreadsheet() {
    let rows = ["id,name,username", "s1,\"Lovelace, Ada\",ada", "s2,Žofie 🦀,bob"];
    let plain = rows.join("\n");
    let expected = table(&plain, &source(GITHUB)).unwrap();
    assert_eq!(expected.members[1].student.name.as_deref(), Some("Žofie 🦀"));
    let with = |separator: &str| {
        let lines = rows.map(|row| row.replace("Lovelace, Ada", "\0").replace(',', separator));
        lines.join("\r\n").replace('\0', "Lovelace, Ada") + "\r\n"
    };
    let wide: Vec<u8> = with("\t").encode_utf16().fold(vec![0xff, 0xfe], |mut bytes, unit| {
        bytes.extend(unit.to_le_bytes());
        bytes
    });
    let saved = [
        with(",").into_bytes(),
        with(";").into_bytes(),
        with("\t").into_bytes(),
        format!("\u{feff}{}", with(";")).into_bytes(),
        format!("sep=;\r\n{}", with(";")).into_bytes(),
        format!("{plain}\n,,\n\n , ,\n").into_bytes(),
        plain
            .replace("id,name,username", "ID , Name,\"User name\"")
            .replace("User name", "USERNAME")
            .into_bytes(),
        wide,
    ];
    for bytes in saved {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(table(bytes, &source(GITHUB)), Ok(expected.clone()), "{text}");
    }
}

#[test]
fn a_students_own_source_comes_before_the_pattern_for_all() {
    let root = laid_out(&[
        (
            "class.csv",
            "id,username,group,source\n1,ada,,https://git.uni.edu/x\n2,bob,g,\n3,cy,g,subs/cy.zip\n4,,,\n",
        ),
        ("subs/cy.zip", "PK"),
    ]);
    let roster = read(&path(&root, "class.csv"), &source("https://github.com/o/{username}"));
    let roster = roster.unwrap();
    assert_eq!(
        places(&roster),
        [
            ("1", "https://git.uni.edu/x".into()),
            ("2", "cy.zip".into()),
            ("3", "cy.zip".into()),
            ("4", "– the roster has no username for them".into())
        ]
    );
    let works = roster.works();
    assert_eq!(
        works.iter().map(|work| work.members.clone()).collect::<Vec<_>>(),
        [vec![0], vec![1, 2]]
    );
}

const CLASS: &str = "format = \"grade/roster/v1\"\ntitle = \"Docker\"\nassignment = \"healthcheck\"\n\
    source = \"https://github.com/org/{assignment}-{username}\"\n\
    due = 2026-10-01T23:59:00+02:00\nlate = { grace = \"1h\", per_day = 10, cap = 50 }\n";

#[test]
fn a_toml_has_the_class_and_may_name_the_table() {
    let root = laid_out(&[
        ("class.toml", &format!("{CLASS}students = \"tables/roster.csv\"\n")),
        ("tables/roster.csv", "identifier,github_username,github_id,name\ns1,ada,,\n"),
    ]);
    let roster = read(&path(&root, "class.toml"), &RosterOptions::default()).unwrap();
    assert_eq!(roster.title.as_deref(), Some("Docker"));
    assert_eq!(roster.assignment.as_deref(), Some("healthcheck"));
    assert_eq!(roster.late.map(|late| late.grace), Some(Duration::from_secs(3600)));
    assert_eq!(places(&roster), [("s1", "https://github.com/org/healthcheck-ada".into())]);
    assert_eq!((roster.members[0].due, roster.notes.len()), (roster.due, 0));
    let due = "2027-01-01T00:00:00Z".parse().ok();
    let later = read(&path(&root, "class.toml"), &RosterOptions { due, ..Default::default() });
    assert_eq!(later.unwrap().members[0].due, due);
    let undue = CLASS.replace("due =", "# due =") + "students = \"tables/roster.csv\"\n";
    std::fs::write(path(&root, "undue.toml"), undue).unwrap();
    let undue = read(&path(&root, "undue.toml"), &RosterOptions::default()).unwrap();
    assert_eq!((undue.due, undue.notes.len()), (None, 1));
    let other = RosterOptions { assignment: Some("onbuild".into()), ..Default::default() };
    let problems = told(read(&path(&root, "class.toml"), &other), root.path()).unwrap_err();
    assert_eq!(problems, "class.toml:3:14: this roster is not for `onbuild`");
}

#[test]
fn who_has_more_time_is_graded_by_the_commits_made_in_it() {
    let students = "[[student]]\nid = \"1\"\nusername = \"ada\"\n[[student]]\nid = \"2\"\nusername = \"bob\"\n";
    let group = "[[student]]\nid = \"3\"\ngroup = \"g\"\n[[student]]\nid = \"4\"\ngroup = \"g\"\nsource = \"https://x.y/g\"\n";
    let decisions = "format = \"grade/decisions/v1\"\n\
        [[decision]]\nid = \"2\"\ndue = 2026-10-08T00:00:00Z\nreason = \"ill\"\n\
        [[decision]]\nid = \"1\"\ncounts = 9.5\nreason = \"oral\"\n\
        [[decision]]\nid = \"3\"\ndue = 2026-10-09T00:00:00Z\nreason = \"ill\"\n";
    let root = laid_out(&[
        ("class.toml", &format!("{CLASS}{students}{group}")),
        ("decisions.toml", decisions),
    ]);
    let deadline: Timestamp = "2026-10-02T00:00:00Z".parse().unwrap();
    let options = RosterOptions {
        decisions: Some(path(&root, "decisions.toml")),
        revision: Revision::Before(deadline),
        ..RosterOptions::default()
    };
    let roster = read(&path(&root, "class.toml"), &options).unwrap();
    let at = |index: usize| match &roster.members[index].source {
        Ok(Source::Git(GitSource { at: Revision::Before(time), .. })) => time.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(0), "2026-10-02T00:00:00Z");
    assert_eq!(at(1), "2026-10-08T00:00:00Z");
    assert_eq!((at(2), at(3)), ("2026-10-09T00:00:00Z".into(), "2026-10-09T00:00:00Z".into()));
    let due = |index: usize| roster.members[index].due.map(|due| due.to_string());
    assert_eq!(due(1).as_deref(), Some("2026-10-08T00:00:00Z"));
    assert_eq!((due(0), due(3)), (due(3), roster.due.map(|due| due.to_string())));
    let ada = roster.members[0].decision.as_ref().unwrap();
    assert_eq!((ada.counts, ada.reason.as_str()), (Some(Points(950)), "oral"));
}

#[test]
fn a_hundred_thousand_students_are_read_and_no_more() {
    let rows = |count: usize| {
        let row = |n: usize| format!("s{n},Student {n},user{n}\n");
        "id,name,username\n".to_owned() + &(0..count).map(row).collect::<String>()
    };
    let roster = table(rows(MOST), &source(GITHUB)).unwrap();
    assert_eq!((roster.members.len(), roster.works().len()), (MOST, MOST));
    let problems = table(rows(MOST + 1), &source(GITHUB)).unwrap_err();
    assert_eq!(problems, "roster.csv:100002:1: a roster has 100000 lines at most");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn folders_do_not_depend_on_the_order_of_the_roster(
        ids in prop::collection::btree_set("[a-zA-Z./ é~-]{1,8}", 2..8),
        turn in 0usize..8,
    ) {
        let ids: Vec<String> = ids.iter().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        prop_assume!(unique.len() == ids.len() && ids.iter().all(|id| !id.contains("  ")));
        let folders = |ids: &[String]| {
            let rows: String = ids.iter().enumerate()
                .map(|(n, id)| format!("\"{id}\",https://x.y/{n}\n")).collect();
            let roster = table(format!("id,source\n{rows}"), &RosterOptions::default()).unwrap();
            let works = roster.works();
            works.iter().map(|work| work.folder.clone()).collect::<Vec<_>>()
        };
        let mut turned = ids.clone();
        turned.rotate_left(turn % ids.len());
        prop_assert_eq!(folders(&ids), folders(&turned));
    }
}
