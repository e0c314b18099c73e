// See memory_pool.h. Free lists by size class (powers of two in quarters, so at most 1/4 is wasted).
#include "runtime/memory_pool.h"

#include <bit>
#include <cassert>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "runtime/platform.h"

namespace gatecast {
namespace {

constexpr size_t HUGE_PAGE = size_t{1} << 21;
constexpr size_t MAX_IDLE_BYTES = size_t{1} << 28;  // free memory that stays in the pool between runs, at most

struct Pool {
  std::mutex mutex;
  std::map<size_t, std::vector<float*>> free;  // by class size
  std::unordered_map<float*, size_t> used;
  size_t idle_bytes = 0, system_requests = 0;
  size_t in_use = 0, peak = 0;  // bytes handed out now, and at most since the last release_memory()

  void free_all() {
    for (auto& [bytes, list] : free) {
      for (float* q : list) platform::deallocate(q);
      list.clear();
    }
    idle_bytes = 0;
  }
  void mark_used(float* q, size_t bytes) {
    used.emplace(q, bytes);
    in_use += bytes;
    if (in_use > peak) peak = in_use;
  }
};

Pool& pool() {
  // Never destroyed: arrays may outlive static destructors. A fork takes the lock first, or the child could inherit
  // it locked by a thread that the child does not have.
  static Pool* instance = [] {
    auto* created = new Pool;
    platform::at_fork([] { pool().mutex.lock(); }, [] { pool().mutex.unlock(); }, [] { pool().mutex.unlock(); });
    return created;
  }();
  return *instance;
}

size_t class_bytes(size_t count) {
  if (count > (size_t{1} << 60)) throw std::bad_alloc();
  const size_t bytes = count * sizeof(float) < 256 ? 256 : count * sizeof(float);
  const size_t quarter = std::bit_ceil(bytes) / 8;
  return (bytes + quarter - 1) / quarter * quarter;
}

}  // namespace

float* acquire(size_t count) {
  const size_t bytes = class_bytes(count);
  Pool& p = pool();
  {
    const std::lock_guard lock(p.mutex);
    const auto found = p.free.find(bytes);
    if (found != p.free.end() && !found->second.empty()) {
      float* q = found->second.back();
      found->second.pop_back();
      p.idle_bytes -= bytes;
      p.mark_used(q, bytes);
      return q;
    }
  }
  const bool large = bytes >= HUGE_PAGE;
  void* memory = platform::allocate(bytes, large ? HUGE_PAGE : 64);
  if (!memory) throw std::bad_alloc();
  if (large) platform::advise_huge_pages(memory, bytes);
  float* q = static_cast<float*>(memory);
  const std::lock_guard lock(p.mutex);
  p.mark_used(q, bytes);
  ++p.system_requests;
  return q;
}

size_t system_requests() noexcept {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  return p.system_requests;
}

void release(float* q) noexcept {
  if (!q) return;
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  const auto found = p.used.find(q);
  assert(found != p.used.end() && "release() of a pointer that acquire() did not give");
  if (found == p.used.end()) return;
  const size_t bytes = found->second;
  p.used.erase(found);
  p.in_use -= bytes;
  // The pool may hold as much as one step uses at its peak, so that the next step asks the system for nothing. Blocks
  // of sizes that are no longer used must not push it beyond that: they are freed first.
  const size_t limit = p.peak > MAX_IDLE_BYTES ? p.peak : MAX_IDLE_BYTES;
  if (p.idle_bytes + bytes > limit) p.free_all();
  try {
    p.free[bytes].push_back(q);
    p.idle_bytes += bytes;
  } catch (...) {
    platform::deallocate(q);
  }
}

void release_memory() noexcept {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  if (p.idle_bytes > MAX_IDLE_BYTES) p.free_all();
  p.peak = p.in_use;
}

void trim() noexcept {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  p.free_all();
}

}  // namespace gatecast
