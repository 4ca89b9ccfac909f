//! Large pages for the memory of hashes: argon2 jumps about in it, and with pages of 4 KiB each jump is also a miss in
//! the processor's table of addresses, which in a virtual machine is dear.

use std::mem::MaybeUninit;

/// Asks for large pages before the memory is first written. Without them it works as well, only slower.
#[cfg(target_os = "linux")]
pub(super) fn ask_for<T>(memory: &mut [MaybeUninit<T>]) {
    use rustix::mm::{Advice, madvise};

    let page = rustix::param::page_size();
    let range = memory.as_mut_ptr_range();
    // Whole pages alone: what stands before and after them belongs to others.
    let before = range.start.cast::<u8>().align_offset(page);
    let length = std::mem::size_of_val(memory);
    let Some(whole) = length.checked_sub(before).map(|rest| rest - rest % page) else {
        return;
    };
    let start = range.start.cast::<u8>().wrapping_add(before);
    #[expect(
        unsafe_code,
        reason = "the standard library cannot ask for large pages"
    )]
    // SAFETY: the range lies within `memory`, which is borrowed exclusively, and the advice changes no content.
    let asked = unsafe { madvise(start.cast(), whole, Advice::LinuxHugepage) };
    if let Err(error) = asked {
        tracing::debug!(%error, "password hashes go without large pages");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn ask_for<T>(_memory: &mut [MaybeUninit<T>]) {}
