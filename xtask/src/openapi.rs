//! `openapi`: the document that the binary prints, against docs/openapi.json.

use crate::generated::{Generated, settle};
use crate::process::{self, Outcome};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut server = process::cargo();
    server.args(["run", "--quiet", "--package", "portcullis-server"]);
    let output = server.args(["--", "openapi"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let file = Generated {
        path: "docs/openapi.json".to_owned(),
        text: String::from_utf8(output.stdout)?,
    };
    settle("openapi", &[file], arguments)
}
