//! The test binary's allocator: what is handed out, and the most that ever was; of all threads, and of the one that asks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, which counts what is handed out.
struct Counting;

pub static LIVE: AtomicUsize = AtomicUsize::new(0);
pub static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What this thread was handed out beyond what it gave back, and the most that was: less than nothing, where it gives back what others were handed out.
    static OWN: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// What this thread was handed out at the most while it did this, beyond what it had before.
#[allow(dead_code)] // one of two test binaries asks this
pub fn own_cost(work: impl FnOnce()) -> usize {
    let (before, _) = OWN.get();
    OWN.set((before, before));
    work();
    usize::try_from(OWN.get().1 - before).unwrap_or(0)
}

fn counted(bytes: isize) {
    // A thread that ends has no counter any more.
    let _ = OWN.try_with(|own| {
        let (live, peak) = own.get();
        own.set((live + bytes, peak.max(live + bytes)));
    });
}

// Safe: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        counted(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        counted(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
