//! The HTML report in a real browser: Chromium without a window, driven over WebDriver.

mod driver;

use grade::report::View;
use serde_json::json;

use crate::class::{large, stored, written};
use driver::Browser;

/// The page of a hundred students, opened in a browser.
fn opened(name: &str) -> Browser {
    let (class, rows) = large(100);
    let folder = stored(name, &class, &rows);
    let browser = Browser::start();
    browser.open(&folder.join("report.html"));
    browser
}

#[test]
fn a_page_runs_without_a_complaint_and_finds_sorts_and_unfolds() {
    let browser = opened("browser");
    assert_eq!(browser.text("#shown"), "100 of 100 shown");

    browser.type_into("#find", "garcia jose");
    let found = browser.run("return [...document.querySelectorAll('#grid tbody tr:not([hidden]) th a')].map(a => a.textContent)");
    assert_eq!(found, json!(["José García-Ibáñez"]), "accents and order do not matter");
    assert_eq!(browser.run("return document.querySelectorAll('.student:not([hidden])').length"), 1);
    browser.clear("#find");
    assert_eq!(browser.text("#shown"), "100 of 100 shown");
    browser.choose("#kind", "missing");
    assert_eq!(browser.text("#shown"), "2 of 100 shown");
    browser.choose("#kind", "");

    let earned = "return [...document.querySelectorAll('#grid tbody tr')].map(row => Number(row.cells[1].dataset.value))";
    browser.click("#grid thead th:nth-child(2) button");
    let up: Vec<i64> = serde_json::from_value(browser.run(earned)).unwrap();
    assert!(up.is_sorted() && up[0] < up[99], "{up:?}");
    browser.click("#grid thead th:nth-child(2) button");
    let down: Vec<i64> = serde_json::from_value(browser.run(earned)).unwrap();
    assert!(down.is_sorted_by(|a, b| a >= b), "{down:?}");
    let sort = "return document.querySelector('#grid th[aria-sort]').getAttribute('aria-sort')";
    assert_eq!(browser.run(sort), "descending");

    let open = "return document.querySelectorAll('details.student[open]').length";
    assert_eq!(browser.run(open), 0);
    browser.click("#grid tbody tr:nth-child(3) th a");
    assert_eq!(browser.run(open), 1, "a link to a student opens the section");
    browser.click("#unfold");
    assert_eq!(browser.run(open), 100);

    assert_eq!(browser.complaints(), Vec::<String>::new());
    for (name, width, height, dark) in
        [("light", 1280, 900, false), ("dark", 1280, 900, true), ("phone", 390, 844, false)]
    {
        browser.look(width, height, dark);
        let wide =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.run(wide), 0, "{name}: nothing but the tables scrolls sideways");
        browser.picture(&format!("browser/{name}.png"));
    }
}

#[test]
fn a_policy_keeps_everything_else_from_running() {
    let (class, rows) = large(2);
    let page = written("html", &class, &rows, &View::default());
    // What would be if a text did break out.
    let forged = page.replace(
        "<p id=\"nobody\"",
        "<script>document.title='forged'</script><img src=x onerror=\"document.title='forged'\"><b style=\"color:red\">x</b><p id=\"nobody\"",
    );
    assert_ne!(page, forged);
    let folder = stored("forged", &class, &rows);
    std::fs::write(folder.join("forged.html"), forged).unwrap();
    let browser = Browser::start();
    browser.open(&folder.join("forged.html"));
    assert_eq!(browser.text("#shown"), "2 of 2 shown", "our own script runs");
    assert_ne!(browser.run("return document.title"), "forged");
    let complaints = browser.complaints();
    for what in ["script-src", "style-src", "img-src"] {
        let told = complaints
            .iter()
            .any(|complaint| complaint.contains(what) || complaint.contains("default-src"));
        assert!(told, "{what}: {complaints:#?}");
    }
}
