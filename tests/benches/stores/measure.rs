//! Rounds of ours and theirs, and what they make of a ratio.

use std::fs;
use std::time::Instant;

const ROUNDS: usize = 11;

/// What a row is judged by.
#[derive(Clone, Copy)]
pub(crate) enum By {
    /// CPU time of all threads of this process.
    Cpu,
    /// Time that passes.
    Wall,
}

/// The rows so far.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) missed: u32,
}

/// Microseconds a call.
#[derive(Clone, Copy)]
struct Times {
    wall: f64,
    cpu: f64,
}

impl Table {
    pub(crate) fn head(&self, what: &str) {
        println!(
            "\n{what:<30} {:>9} {:>9} {:>10} {:>9} {:>6}",
            "ours us", "bare us", "by wall", "by CPU", "least"
        );
    }

    /// A row: the rate of ours over the rate of the bare driver. Each round does `count` of both.
    pub(crate) async fn row(
        &mut self,
        name: &str,
        count: u64,
        least: Option<(f64, By)>,
        ours: impl AsyncFn(u64),
        bare: impl AsyncFn(u64),
    ) {
        // Statements are prepared, connections opened, pages read.
        timed(count.min(500), &ours).await;
        timed(count.min(500), &bare).await;
        let (mut our_times, mut bare_times) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                our_times.push(timed(count, &ours).await);
                bare_times.push(timed(count, &bare).await);
            } else {
                bare_times.push(timed(count, &bare).await);
                our_times.push(timed(count, &ours).await);
            }
        }
        let ratio = |of: fn(&Times) -> f64| {
            let pairs = our_times.iter().zip(&bare_times);
            median(pairs.map(|(ours, bare)| of(bare) / of(ours)).collect())
        };
        let (wall, cpu) = (ratio(|times| times.wall), ratio(|times| times.cpu));
        let each = |times: &[Times]| median(times.iter().map(|times| times.wall).collect());
        let (ours, bare) = (each(&our_times), each(&bare_times));
        let (text, verdict) = self.verdict(least, wall, cpu);
        println!("{name:<30} {ours:>9.2} {bare:>9.2} {wall:>10.2} {cpu:>9.2} {text:>6} {verdict}");
    }

    /// What `count` calls of one kind cost, for a row with nothing to compare.
    pub(crate) async fn alone(&self, name: &str, count: u64, ours: impl AsyncFn(u64)) {
        timed(count.min(500), &ours).await;
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            times.push(timed(count, &ours).await);
        }
        let wall = median(times.iter().map(|times| times.wall).collect());
        let cpu = median(times.iter().map(|times| times.cpu).collect());
        println!("{name:<30} {wall:>9.2} us, CPU {cpu:.2} us");
    }

    /// Judges a ratio that was measured elsewhere.
    pub(crate) fn judge(&mut self, name: &str, ratio: f64, least: f64) {
        let (text, verdict) = self.verdict(Some((least, By::Wall)), ratio, ratio);
        println!("{name:<50} {ratio:>10.2} {:>9} {text:>6} {verdict}", "");
    }

    fn verdict(&mut self, least: Option<(f64, By)>, wall: f64, cpu: f64) -> (String, &'static str) {
        let Some((least, by)) = least else {
            return ("-".to_owned(), "");
        };
        let ratio = match by {
            By::Cpu => cpu,
            By::Wall => wall,
        };
        let missed = ratio < least;
        self.missed += u32::from(missed);
        (format!("{least:.2}"), if missed { "MISSED" } else { "" })
    }
}

async fn timed(count: u64, call: &impl AsyncFn(u64)) -> Times {
    let (began, before) = (Instant::now(), cpu_micros());
    for number in 0..count {
        call(number).await;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let count = count as f64;
    Times {
        wall: began.elapsed().as_secs_f64() * 1e6 / count,
        cpu: (cpu_micros() - before) / count,
    }
}

/// CPU time of all threads of this process, by the scheduler's nanoseconds.
fn cpu_micros() -> f64 {
    let mut nanos = 0_u64;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(task.unwrap().path().join("schedstat")) else {
            continue;
        };
        nanos += text.split(' ').next().unwrap().parse::<u64>().unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "a run is far below 2^53 ns")]
    let nanos = nanos as f64;
    nanos / 1000.0
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
