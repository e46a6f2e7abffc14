//! Function pools.

use serde_json::Value;

use super::program::{Home, until};
use super::{event_types, mentions};

#[test]
fn function_pools_are_listed_and_commanded() {
    let home = Home::new();
    let none = home.demo(&["pools", "--json"]).expect(0).json();
    assert_eq!(none, serde_json::json!({ "pools": [] }));
    assert!(home.demo(&["pools"]).expect(0).out.contains("no function pools"));
    mentions(&home.demo(&["pools", "hello"]).expect(1), &["no pool hello", "pools.functions"]);
    mentions(&home.demo(&["pools", "scale", "hello", "up"]).expect(1), &["no engine is running", "windlass run"]);
    for (arguments, word) in [
        (&["pools", "scale", "hello"][..], "DIRECTION"),
        (&["pools", "scale", "hello", "sideways"], "up, down"),
        (&["pools", "scale", "hello", "up", "0"], "0"),
        (&["pools", "scale", "Two_Words", "up"], "function name"),
        (&["pools", "drain", "hello"], "CONTAINER"),
        (&["pools", "drain", "hello", " "], "windlass pools FUNCTION"),
    ] {
        mentions(&home.demo(arguments).expect(2), &[word]);
    }
    let _engine = home.engine();
    let before = event_types(&home).iter().filter(|event| *event == "CommandRefused").count();
    for arguments in [&["scale", "nobody", "up", "2"][..], &["drain", "nobody", "nothing"], &["wake", "nobody"]] {
        let arguments: Vec<&str> = ["pools"].into_iter().chain(arguments.iter().copied()).collect();
        mentions(&home.demo(&arguments).expect(3), &["refused", "nobody"]);
    }
    let after = event_types(&home).iter().filter(|event| *event == "CommandRefused").count();
    assert_eq!(after - before, 3, "a refusal is an event as well");
}

#[test]
fn pool_commands_are_carried_out_and_refused() {
    let home = Home::new();
    let _engine = home.engine();
    let containers = |function: &str| -> Vec<String> {
        let told = home.demo(&["pools", function, "--json"]).expect(0).json();
        let name = |container: &Value| container["name"].as_str().expect("a name").to_owned();
        told["pools"][0]["containers"].as_array().expect("a list").iter().map(name).collect()
    };
    until("the minimum of the demo's pool is there", || {
        let pools = home.demo(&["pools", "--json"]).expect(0).json();
        pools["pools"].as_array().is_some_and(|pools| pools.len() == 2) && !containers("resize").is_empty()
    });

    let woken = home.demo(&["pools", "wake", "transcode", "--reason", "a look"]).expect(0);
    assert!(woken.out.contains("pool transcode scaled up 0 → 1"), "{}", woken.out);
    mentions(&home.demo(&["pools", "wake", "transcode"]).expect(3), &["refused", "has a container already"]);
    mentions(&home.demo(&["pools", "scale", "transcode", "up", "3"]).expect(3), &["refused", "maximum of 2", "limit"]);
    mentions(&home.demo(&["pools", "scale", "resize", "down", "9", "-y"]).expect(3), &["minimum of 1", "limit"]);

    // The rules go on meanwhile, and may have used the room: then there is less to ask for, never another answer.
    let mut told = Value::Null;
    until("there is room for one more", || {
        let ended = home.demo(&["pools", "scale", "resize", "up", "1", "--reason", "a sale", "--json"]);
        assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
        told = ended.json();
        ended.code == Some(0)
    });
    assert_eq!((&told["outcome"], &told["event"]["event_type"]), (&"taken".into(), &"PoolScaledUp".into()));
    assert_eq!((&told["event"]["actor"], &told["event"]["data"]["reason"]), (&"tester".into(), &"a sale".into()));

    mentions(&home.demo(&["pools", "drain", "resize", "nothing"]).expect(3), &["refused", "nothing"]);
    let mut drained = String::new();
    until("one that is still there is drained", || {
        let Some(name) = containers("resize").pop() else { return false };
        let ended = home.demo(&["pools", "drain", "resize", &name, "--reason", "it is old"]);
        drained.clone_from(&name);
        ended.code == Some(0) && ended.out.contains(&format!("{name} of pool resize gets no more calls: it is old"))
    });
    let events =
        home.demo(&["events", "--json", "-n", "1000", "--type", "PoolContainerDraining"]).expect(0).json_lines();
    assert_eq!((&events[0]["data"]["container"], &events[0]["actor"]), (&drained.into(), &"tester".into()));
}
