//! CPU time of a process, and who runs where.

use std::error::Error;
use std::fs;
use std::process::{Command, Stdio};

/// The core of the server; everything else runs on the other.
const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";

/// CPU time of all threads of a process, in microseconds, by the scheduler's nanoseconds.
pub(super) fn micros_of(pid: u32) -> Result<f64, Box<dyn Error>> {
    let mut nanos = 0_u64;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let running = text.split_whitespace().next().unwrap_or_default();
        nanos += running.parse::<u64>()?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a run is far below 2^53 ns")]
    Ok(nanos as f64 / 1000.0)
}

/// The most memory a process had resident so far, in MiB.
pub(super) fn peak_mib_of(pid: u32) -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmHWM")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}

/// A command on the server's core, where the machine has `taskset`.
pub(super) fn on_server_core(program: &std::path::Path) -> Command {
    if has_taskset() {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", SERVER_CORE]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Moves this process, with the threads it will start, off the server's core.
pub(super) fn pin_self() {
    let pinned = Command::new("taskset")
        .args([
            "--cpu-list",
            "--pid",
            LOAD_CORE,
            &std::process::id().to_string(),
        ])
        .stdout(Stdio::null())
        .status();
    if !pinned.is_ok_and(|status| status.success()) {
        println!("not pinned to cores: `taskset` is missing or the machine has one core only");
    }
}

fn has_taskset() -> bool {
    let tried = Command::new("taskset")
        .args(["--cpu-list", SERVER_CORE, "true"])
        .status();
    tried.is_ok_and(|status| status.success())
}
