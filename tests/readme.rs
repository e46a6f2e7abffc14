//! README.md against the program: its keys are those of the cockpit, its configurations are accepted, its links lead somewhere.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use windlass_ui::cockpit::Act;
use windlass_ui::cockpit::keys::Group;

#[path = "faults/fault.rs"]
#[allow(dead_code, reason = "only its rows matter here")]
mod fault;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod program;

use program::Home;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- /keys -->";

fn readme() -> String {
    fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md")
}

#[test]
fn the_keys_are_those_of_the_cockpit() {
    let mut table = "| Key | What it does | Action |\n|---|---|---|\n".to_owned();
    for group in Group::ALL {
        writeln!(table, "| | **{}** | |", group.title()).expect("a string can be written to");
        for act in Act::ALL.iter().filter(|act| act.group() == group) {
            let keys: Vec<String> = act.default_keys().iter().map(|key| format!("`{key}`")).collect();
            let (help, name) = (act.help(), act.name());
            writeln!(table, "| {} | {help} | `{name}` |", keys.join(" ")).expect("a string can be written to");
        }
    }
    let readme = readme();
    let (before, rest) = readme.split_once(BEGIN).expect("where the keys begin");
    let (written, after) = rest.split_once(END).expect("where they end");
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        let page = format!("{before}{BEGIN}{table}{END}{after}");
        fs::write(Path::new(ROOT).join("README.md"), page).expect("the page should be writable");
    } else {
        assert!(written == table, "the keys are stale: run `WINDLASS_BLESS=1 cargo test -p windlass-ui --test readme`");
    }
}

#[test]
fn the_configurations_are_accepted_and_short() {
    let readme = readme();
    let files: Vec<&str> = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(files.len(), 4);
    let home = Home::new();
    let token = home.path("home/.config/windlass/anna.token");
    fs::create_dir_all(token.parent().expect("a folder")).expect("the folder");
    fs::write(token, "a-token-that-nobody-else-has").expect("the token");
    for text in files {
        assert!(text.lines().count() < 15, "{text}");
        let file = home.path("windlass.yaml");
        fs::write(&file, text).expect("a file");
        home.run(&["config", "check", file.to_str().expect("a path")]).expect(0);
    }
}

#[test]
fn the_commands_are_there() {
    let readme = readme();
    let (_, rest) = readme.split_once("## Command line").expect("the section");
    let section = rest.split("\n## ").next().expect("its text");
    let help = Home::new().run(&["--help"]).expect(0).out;
    let listed = help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).expect("commands");
    for line in listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().expect("a name");
        assert!(section.contains(name), "windlass {name} is missing in the section");
    }
}

#[test]
fn every_fault_has_its_row_and_every_row_is_a_fault() {
    let readme = readme();
    let (_, rest) = readme.split_once("<!-- faults -->\n").expect("where the faults begin");
    let (table, _) = rest.split_once("<!-- /faults -->").expect("where they end");
    let rows: Vec<Vec<&str>> = table.lines().skip(2).map(|line| line.split('|').map(str::trim).collect()).collect();
    let named: Vec<&str> = rows.iter().map(|cells| cells[1]).collect();
    assert_eq!(named, fault::Fault::ALL.map(fault::Fault::row));
    for cells in rows {
        assert!(cells.len() == 7 && cells[2..6].iter().all(|cell| !cell.is_empty()), "{cells:?}");
    }
}

#[test]
fn the_links_lead_somewhere() {
    for link in readme().split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(Path::new(ROOT).join(link).exists(), "{link} does not exist");
    }
}
