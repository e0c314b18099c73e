// See platform.h.
#include "runtime/platform.h"

#if defined(_WIN32)
#include <malloc.h>
#else
#include <pthread.h>
#include <sys/mman.h>

#include <cstdlib>
#endif

namespace gatecast::platform {

#if defined(_WIN32)

void* allocate(size_t bytes, size_t alignment) noexcept {
  return _aligned_malloc(bytes, alignment);
}

void deallocate(void* memory) noexcept {
  _aligned_free(memory);
}

void advise_huge_pages(void*, size_t) noexcept {}

int at_fork(void (*)(), void (*)(), void (*)()) noexcept {
  return 0;
}

#else

void* allocate(size_t bytes, size_t alignment) noexcept {
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

void deallocate(void* memory) noexcept {
  std::free(memory);
}

void advise_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) noexcept {
#if defined(MADV_HUGEPAGE)
  madvise(memory, bytes, MADV_HUGEPAGE);
#endif
}

int at_fork(void (*prepare)(), void (*parent)(), void (*child)()) noexcept {
  return pthread_atfork(prepare, parent, child);
}

#endif

// Every feature that a level's -march may use is checked (CMakeLists.txt leaves some out).
int x86_64_level() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!(__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))) return 1;
  if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2")))
    return 2;
  if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
    return 3;
  return 4;
#else
  return 0;
#endif
}

bool is_amd() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("amd");
#else
  return false;
#endif
}

}  // namespace gatecast::platform
