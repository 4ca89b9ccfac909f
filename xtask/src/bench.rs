//! What a request costs, as ratios within one run.
//!
//! Machines are shared and noisy, so times are never compared across runs: each figure is the server's CPU time per
//! request (from the scheduler's accounting), in ratio to an open route of the same server in the same run. Server on one
//! core, load on the other, rounds alternate, medians count. Never part of the tests.

mod cpu;
mod load;
mod plain;
mod service;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use load::Request;
use service::Service;

use crate::process::{self, FAILED, OK, Outcome};
use crate::services::{self, POSTGRES, REDIS};

const ROUNDS: usize = 7;
const WARM_UP: u32 = 2_000;
const REQUESTS: u32 = 20_000;
const CONNECTIONS: u32 = 8;
const SIGN_IN_TIME: Duration = Duration::from_secs(4);
const SIGN_IN_ROUNDS: usize = 3;
const BESIDE_TIME: Duration = Duration::from_secs(3);

/// `bench`; `bench --stores` for our stores beside their drivers; or `bench plain-argon2 MILLIS`, which it starts itself
/// beside the server.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let [word] = arguments
        && word == "--stores"
    {
        return stores();
    }
    if let [word, rest @ ..] = arguments
        && word == "plain-argon2"
    {
        return plain::run(rest);
    }
    process::refuse(arguments)?;
    let (server, xtask) = build()?;
    cpu::pin_self();
    let service = Service::start(&server, load::LANES, "EdDSA")?;
    println!(
        "server on {}, CPU time per request, median of {ROUNDS} rounds of {REQUESTS}\n",
        service.address
    );
    let met =
        requests(&service, REQUESTED)? & beside_sign_ins(&service)? & sign_ins(&service, &xtask)?;
    drop(service);
    let service = Service::start(&server, 1, "HS256")?;
    println!("\nthe same with access tokens by HS256\n");
    let met = requests(&service, &["open route", "access token"])? & met;
    Ok(if met { OK } else { FAILED })
}

/// Our stores beside the drivers under them, in a process of their own.
fn stores() -> Outcome {
    let running = services::named(&[POSTGRES, REDIS])?;
    let mut cargo = process::cargo();
    cargo.args([
        "bench",
        "--package",
        "portcullis-tests",
        "--bench",
        "stores",
    ]);
    process::run(cargo.envs(running.variables.iter().cloned()))
}

/// The binary, and this tool at the binary's optimisation, for the comparison with plain argon2.
fn build() -> Result<(PathBuf, PathBuf), Box<dyn std::error::Error>> {
    let mut cargo = process::cargo();
    cargo.args([
        "build",
        "--release",
        "--package",
        "portcullis-server",
        "--package",
        "xtask",
    ]);
    if process::run(&mut cargo)? != OK {
        return Err("the release build failed".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| process::root().join("target"), PathBuf::from);
    Ok((
        target.join("release/portcullis"),
        target.join("release/xtask"),
    ))
}

const REQUESTED: &[&str] = &["open route", "session cookie", "API token", "access token"];

/// One kind of request against the open route.
struct Row {
    name: &'static str,
    request: Request,
    /// The least ratio to the open route; `None` for the open route itself.
    least: Option<f64>,
    micros: Vec<f64>,
}

/// Those of these names, the open route first.
fn requests(service: &Service, names: &[&str]) -> Result<bool, Box<dyn std::error::Error>> {
    let service::Credentials {
        cookie,
        api_token,
        access_token,
    } = service.credentials()?;
    let row = |name, request, least| Row {
        name,
        request,
        least,
        micros: Vec::new(),
    };
    let mut rows = vec![
        row("open route", Request::get("/health/live"), None),
        row(
            "session cookie",
            Request::post("/auth/check-auth").header("Cookie", &cookie),
            Some(0.35),
        ),
        row(
            "API token",
            Request::post("/auth/check-auth")
                .header("Authorization", &format!("Bearer {api_token}")),
            Some(0.35),
        ),
        row(
            "access token",
            Request::post("/auth/check-auth")
                .header("Authorization", &format!("Bearer {access_token}")),
            Some(0.30),
        ),
    ];
    rows.retain(|row| names.contains(&row.name));
    for row in &rows {
        load::run(service.address, &row.request, WARM_UP, CONNECTIONS)?;
    }
    for _ in 0..ROUNDS {
        for row in &mut rows {
            let before = cpu::micros_of(service.pid)?;
            load::run(service.address, &row.request, REQUESTS, CONNECTIONS)?;
            row.micros
                .push((cpu::micros_of(service.pid)? - before) / f64::from(REQUESTS));
        }
    }
    let open = rows.first().map_or(f64::NAN, |row| median(&row.micros));
    let mut met = true;
    println!(
        "{:<16} {:>12} {:>8} {:>8}",
        "request", "CPU us", "ratio", "least"
    );
    for row in &rows {
        let (micros, ratio) = (median(&row.micros), open / median(&row.micros));
        let least = row
            .least
            .map_or_else(|| "-".to_owned(), |least| format!("{least:.2}"));
        let verdict = match row.least {
            Some(least) if ratio < least => "MISSED",
            _ => "",
        };
        met &= verdict.is_empty();
        println!(
            "{:<16} {micros:>12.1} {ratio:>8.2} {least:>8} {verdict}",
            row.name
        );
    }
    Ok(met)
}

/// Sign-ins a second against hashes a second of the plain crate, on the same core one after the other.
fn sign_ins(
    service: &Service,
    xtask: &std::path::Path,
) -> Result<bool, Box<dyn std::error::Error>> {
    let mut ratios = Vec::new();
    println!(
        "\n{:<16} {:>12} {:>12} {:>8} {:>12}",
        "sign-in", "plain /s", "ours /s", "ratio", "CPU ms each"
    );
    for _ in 0..SIGN_IN_ROUNDS {
        let plain = plain::measure(xtask, SIGN_IN_TIME)?;
        let before = cpu::micros_of(service.pid)?;
        let began = Instant::now();
        let done = load::for_a_while(service.address, &service.sign_ins(), SIGN_IN_TIME)?;
        let rate = f64::from(done) / began.elapsed().as_secs_f64();
        let cpu = (cpu::micros_of(service.pid)? - before) / f64::from(done.max(1)) / 1000.0;
        println!(
            "{:<16} {plain:>12.1} {rate:>12.1} {:>8.2} {cpu:>12.2}",
            "8 people",
            rate / plain
        );
        ratios.push(rate / plain);
    }
    let ratio = median(&ratios);
    let verdict = if ratio < 1.0 { "MISSED" } else { "" };
    println!(
        "{:<16} {:>12} {:>12} {ratio:>8.2} {:>12} {verdict}",
        "median", "", "least 1.00", ""
    );
    Ok(verdict.is_empty())
}

/// What is left for everybody else while eight people sign in over and over, and what memory that takes.
fn beside_sign_ins(service: &Service) -> Result<bool, Box<dyn std::error::Error>> {
    let cookie = service.credentials()?.cookie;
    let request = Request::post("/auth/check-auth").header("Cookie", &cookie);
    let lanes = vec![request; CONNECTIONS as usize];
    let rate = |done: u32| f64::from(done) / BESIDE_TIME.as_secs_f64();
    let mut ratios = Vec::new();
    for _ in 0..SIGN_IN_ROUNDS {
        let alone = rate(load::for_a_while(service.address, &lanes, BESIDE_TIME)?);
        let beside = std::thread::scope(|scope| {
            // A little longer on both sides, so that there is no moment without.
            let longer = BESIDE_TIME + Duration::from_millis(500);
            let sign_ins = scope.spawn(move || {
                load::for_a_while(service.address, &service.sign_ins(), longer)
                    .map_err(|error| error.to_string())
            });
            let done = load::for_a_while(service.address, &lanes, BESIDE_TIME);
            sign_ins.join().map_err(|_| "a lane panicked")??;
            done
        })?;
        ratios.push(rate(beside) / alone);
    }
    let (ratio, mib) = (median(&ratios), cpu::peak_mib_of(service.pid)?);
    let verdict = if ratio < 0.4 || mib > 60.0 {
        "MISSED"
    } else {
        ""
    };
    println!(
        "\nbeside 8 sign-ins: {ratio:.2} of the rate alone (least 0.40), peak memory {mib:.0} MiB (most 60) {verdict}"
    );
    Ok(verdict.is_empty())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
