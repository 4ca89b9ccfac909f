use super::*;

fn plan(arguments: &str) -> Plan {
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    Plan::of(&arguments)
}

#[test]
fn without_arguments_the_whole_workspace_is_tested_against_the_binary() {
    let plan = plan("");
    assert_eq!(plan.arguments, ["--workspace"]);
    assert!(plan.needs_binary && !plan.long);
}

#[test]
fn a_long_run_is_ours_to_know_about_and_the_rest_is_cargos() {
    let plan = plan("--long --release races -- --nocapture --long");
    assert!(plan.long);
    assert_eq!(
        plan.arguments,
        [
            "--workspace",
            "--release",
            "races",
            "--",
            "--nocapture",
            "--long"
        ]
    );
    assert_eq!(plan.build, ["--release"]);
}

#[test]
fn a_named_package_replaces_the_workspace() {
    for arguments in [
        "-p portcullis-core",
        "-pportcullis-core",
        "--package=portcullis-core",
    ] {
        let plan = plan(arguments);
        assert!(
            !plan.arguments.contains(&"--workspace".to_owned()),
            "{plan:?}"
        );
        assert!(!plan.needs_binary, "{plan:?}");
    }
    assert!(plan("-p portcullis-core -p portcullis-tests").needs_binary);
    assert!(plan("-p portcullis-server").needs_binary);
}

#[test]
fn the_binary_is_where_cargo_says() {
    let artifact = |name: &str, kind: &str, executable: &str| {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"x","manifest_path":"/x/Cargo.toml",
"target":{{"name":"{name}","kind":["{kind}"],"crate_types":["{kind}"],"src_path":"/x/a.rs"}},
"profile":{{"opt_level":"0","debug_assertions":true,"overflow_checks":true,"test":false}},
"features":[],"filenames":[],"executable":{executable},"fresh":true}}"#
        )
        .replace('\n', "")
    };
    let messages = [
        artifact("portcullis_core", "lib", "null"),
        artifact("portcullis", "bin", r#""/t/debug/portcullis""#),
        artifact("other", "bin", r#""/t/debug/other""#),
    ];
    let found = executable(messages.join("\n").as_bytes()).unwrap();
    assert_eq!(found, Some(PathBuf::from("/t/debug/portcullis")));
    assert_eq!(executable(&b""[..]).unwrap(), None);
}
