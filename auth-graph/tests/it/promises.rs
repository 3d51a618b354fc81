//! `docs/reliability.md` names the tests that hold what is promised about failures.

use std::path::Path;

#[test]
fn every_promise_about_failures_is_held_by_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let (_, page) = page.split_once("## The promises\n").unwrap();
    let (mut promises, mut tests) = (0, 0);
    for promise in page.split("\n### ").skip(1) {
        let (title, text) = promise.split_once('\n').unwrap();
        let (mut file, mut of_promise) = (String::new(), 0);
        for name in text.split('`').skip(1).step_by(2) {
            if name.ends_with(".rs") {
                file = std::fs::read_to_string(root.join(name)).unwrap_or_else(|_| panic!("{title}: {name}"));
            } else if name.matches('_').count() >= 3 {
                assert!(file.contains(&format!("fn {name}(")), "{title}: {name} is not in the file before it");
                of_promise += 1;
            }
        }
        assert!(of_promise > 0, "{title} has no test");
        promises += 1;
        tests += of_promise;
    }
    assert!(promises >= 18 && tests > 40, "{promises} promises, {tests} tests");
}
