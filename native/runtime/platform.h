// What differs between operating systems and processors: memory, fork, hints to the processor. Nothing else in native/
// calls a system, and no kernel includes this file. Threads, mutexes and clocks are those of the C++ library.
#pragma once

#include <cstddef>
#include <thread>

namespace gatecast::platform {

// Memory whose address is a multiple of `alignment` (a power of two, at least 64); null where the system has none.
void* allocate(size_t bytes, size_t alignment) noexcept;
void deallocate(void* memory) noexcept;
// A hint that this much memory will be streamed: huge pages mean fewer TLB misses. Nothing where a system knows no
// hints.
void advise_huge_pages(void* memory, size_t bytes) noexcept;

// Calls `prepare` before every fork, then `parent` and `child` in these processes; each may be null. Nothing on
// Windows, which has no fork. Returns 0, or an error number.
int at_fork(void (*prepare)(), void (*parent)(), void (*child)()) noexcept;

// The highest x86-64 level (psABI) that this processor and system run: 1 to 4; 0 on other architectures.
int x86_64_level() noexcept;
bool is_amd() noexcept;  // an x86-64 processor by AMD

// A moment of a waiting loop.
inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace gatecast::platform
