//! The plain argon2 crate, as its documentation uses it: memory for each hash anew, one thread.

use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};

use super::cpu;
use crate::process::{OK, Outcome};

/// The parameters that the service hashes with where nothing is configured.
const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;

/// Hashes for so many milliseconds and prints how many a second.
pub(super) fn run(arguments: &[String]) -> Outcome {
    let millis = arguments
        .first()
        .ok_or("plain-argon2 needs a time in milliseconds")?
        .parse()?;
    let params = Params::new(MEMORY_KIB, ITERATIONS, 1, None).map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (began, mut done) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_millis(millis) {
        let mut out = [0; 32];
        argon2
            .hash_password_into(
                b"correct horse battery staple",
                b"sixteen bytes or",
                &mut out,
            )
            .map_err(|error| error.to_string())?;
        std::hint::black_box(out);
        done += 1;
    }
    println!("{}", f64::from(done) / began.elapsed().as_secs_f64());
    Ok(OK)
}

/// Hashes a second on the server's core, which is idle meanwhile.
pub(super) fn measure(xtask: &Path, time: Duration) -> Result<f64, Box<dyn Error>> {
    let output = cpu::on_server_core(xtask)
        .args(["bench", "plain-argon2", &time.as_millis().to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
