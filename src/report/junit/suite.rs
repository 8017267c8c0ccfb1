//! Suites one at a time, as a class's report is written: and those of students without a grade.

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};

use super::clean::{attribute, content};
use super::failed;
use crate::report::ReportError;

/// A student without a grade.
pub(in crate::report) struct NoGrade<'a> {
    /// The exercise's course.
    pub(in crate::report) course: &'a str,
    /// The exercise.
    pub(in crate::report) slug: &'a str,
    /// Why, in a sentence.
    pub(in crate::report) because: &'a str,
    /// Whether it may be our doing: then it is an error, else a failure.
    pub(in crate::report) is_ours: bool,
}

impl NoGrade<'_> {
    /// A suite with the one case that came of it.
    pub(in crate::report) fn suite(
        &self,
        name: &str,
        at: jiff::Timestamp,
    ) -> Result<TestSuite, ReportError> {
        let class = attribute(&format!("{}.{}", self.course, self.slug));
        let message = attribute(self.because);
        let cause = Some(content([self.because.to_owned()].iter()));
        let result = if self.is_ours {
            TestResult::Error { type_: "unreached".into(), message, cause }
        } else {
            TestResult::Failure { type_: "missing".into(), message, cause }
        };
        let mut suite = TestSuite::new(&attribute(name));
        suite.package.clone_from(&class);
        suite.timestamp =
            OffsetDateTime::from_unix_timestamp(at.as_second().max(0)).map_err(failed)?;
        suite.add_testcase(TestCase {
            name: "submission: There is a submission to grade".into(),
            time: Duration::ZERO,
            result,
            classname: Some(class),
            filepath: None,
            system_out: None,
            system_err: None,
        });
        Ok(suite)
    }
}

/// The element of a suite, which is the `number`th of its report. The crate writes whole reports
/// only: this is the inside of one that has no other suite.
pub(in crate::report) fn suite_xml(suite: TestSuite, number: usize) -> Result<String, ReportError> {
    let mut report = Report::new();
    report.add_testsuite(suite);
    let mut bytes = Vec::new();
    report.write_xml(&mut bytes).map_err(failed)?;
    let xml = String::from_utf8(bytes).map_err(failed)?;
    let inside = xml.split_once("<testsuites>").and_then(|(_, rest)| {
        let inside = rest.strip_suffix("</testsuites>")?;
        inside.strip_prefix("<testsuite id=\"0\"")
    });
    let inside = inside.ok_or_else(|| failed("a suite is written in another way than expected"))?;
    Ok(format!("<testsuite id=\"{number}\"{inside}"))
}
