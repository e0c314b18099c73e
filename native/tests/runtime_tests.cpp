// Thread pool, memory pool, ordered reduction, choice of the level.
#include <atomic>
#include <cstring>
#include <new>
#include <thread>

#include "runtime/memory_pool.h"
#include "runtime/ordered_reduction.h"
#include "runtime/platform.h"
#include "tests/test.h"

#if defined(_WIN32) || defined(__SANITIZE_THREAD__)
#define GATECAST_FORKS 0  // ThreadSanitizer does not follow threads that a forked child starts
#else
#define GATECAST_FORKS 1
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using namespace gatecast;
using namespace gatecast::testing;

// Runs a loop and checks that every index came once, from a worker that there may be.
bool every_index_once(int64_t count, int workers) {
  std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
  std::atomic<bool> in_range{true};
  parallel_for(count, workers, [&](int64_t i, int worker) {
    calls[static_cast<size_t>(i)].fetch_add(1);
    if (worker < 0 || worker >= workers) in_range = false;
  });
  for (const auto& c : calls)
    if (c != 1) return false;
  return in_range;
}

}  // namespace

GATECAST_TEST(thread_pool, loop_of_any_size_runs_every_index_once) {
  for (int threads = 1; threads <= 8; ++threads) {
    set_num_threads(threads);
    for (const int64_t count : {0, 1, 2, 7, 1000})
      for (int workers = 1; workers <= threads; ++workers) GATECAST_CHECK(every_index_once(count, workers));
  }
  set_num_threads(1);
}

GATECAST_TEST(thread_pool, nested_loop_runs_on_its_own_thread) {
  set_num_threads(4);
  std::atomic<int64_t> inner_calls{0};
  parallel_for(16, 4, [&](int64_t, int) {
    const auto outer = std::this_thread::get_id();
    GATECAST_CHECK(available_threads() == 1);
    parallel_for(8, 4, [&](int64_t, int worker) {
      GATECAST_CHECK(worker == 0 && std::this_thread::get_id() == outer);
      ++inner_calls;
    });
  });
  GATECAST_CHECK(inner_calls == 16 * 8);
  GATECAST_CHECK(available_threads() == 4);
  set_num_threads(1);
}

GATECAST_TEST(thread_pool, many_callers_each_get_their_whole_loop) {
  set_num_threads(3);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([] {
      for (int n = 0; n < 50; ++n) GATECAST_CHECK(every_index_once(100, 3));
    });
  for (auto& caller : callers) caller.join();
  set_num_threads(1);
}

GATECAST_TEST(thread_pool, resizing_between_loops_stops_and_starts_all_threads) {
  for (int n = 0; n < 40; ++n) {
    set_num_threads(1 + n % 5);
    GATECAST_CHECK(num_threads() == 1 + n % 5);
    GATECAST_CHECK(every_index_once(64, num_threads()));
  }
  set_num_threads(1);
}

GATECAST_TEST(thread_pool, shared_threads_are_divided) {
  set_num_threads(4);
  share_threads(2);
  GATECAST_CHECK(available_threads() == 2);
  share_threads(-2);
  GATECAST_CHECK(available_threads() == 4);
  GATECAST_CHECK(worthwhile_threads(0) == 1);
  GATECAST_CHECK(worthwhile_threads(10) == 4);
  set_num_threads(1);
}

GATECAST_TEST(memory_pool, memory_is_aligned_writable_and_disjoint) {
  std::vector<float*> blocks;
  const std::vector<size_t> counts = {1, 63, 64, 65, 1000, (size_t{1} << 19) + 3};
  for (const size_t count : counts) {
    blocks.push_back(acquire(count));
    const size_t alignment = count * sizeof(float) >= (size_t{1} << 21) ? size_t{1} << 21 : 64;
    GATECAST_CHECK(reinterpret_cast<uintptr_t>(blocks.back()) % alignment == 0);
    std::memset(blocks.back(), static_cast<int>(blocks.size()), count * sizeof(float));
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(blocks[i]);
    GATECAST_CHECK(bytes[0] == i + 1 && bytes[counts[i] * sizeof(float) - 1] == i + 1);
    release(blocks[i]);
  }
  trim();
}

GATECAST_TEST(memory_pool, released_memory_is_used_again_until_it_is_trimmed) {
  trim();
  float* first = acquire(1000);
  release(first);
  const size_t requests = system_requests();
  float* second = acquire(990);
  GATECAST_CHECK(second == first && system_requests() == requests);
  release(second);
  trim();
  release(acquire(1000));
  GATECAST_CHECK(system_requests() == requests + 1);
  release(nullptr);
}

GATECAST_TEST(memory_pool, too_large_a_request_throws_bad_alloc) {
  for (const size_t count : {(size_t{1} << 60) + 1, size_t{1} << 58}) {
    bool thrown = false;
    try {
      release(acquire(count));
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    GATECAST_CHECK(thrown);
  }
}

GATECAST_TEST(memory_pool, many_threads_never_share_memory) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([i] {
      for (int n = 0; n < 300; ++n) {
        const size_t count = static_cast<size_t>(1 + n * 7);
        const Scratch scratch(count);
        for (size_t k = 0; k < count; ++k) scratch[k] = static_cast<float>(i);
        bool own = true;
        for (size_t k = 0; k < count; ++k) own = own && scratch[k] == static_cast<float>(i);
        GATECAST_CHECK(own);
      }
    });
  for (auto& thread : threads) thread.join();
}

#if GATECAST_FORKS
namespace {

// The exit code of a forked child that runs `body`.
template <typename F>
int exit_code_of_child(F&& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = -1;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

GATECAST_TEST(thread_pool, forked_child_starts_a_pool_of_its_own) {
  set_num_threads(4);
  GATECAST_CHECK(every_index_once(100, 4));
  for (int n = 0; n < 5; ++n) {
    GATECAST_CHECK(exit_code_of_child([] { return every_index_once(100, 4); }) == 0);
    GATECAST_CHECK(every_index_once(100, 4));
  }
  set_num_threads(1);
}

GATECAST_TEST(memory_pool, forked_child_never_inherits_a_locked_pool) {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) release(acquire(100));
  });
  for (int n = 0; n < 30; ++n)
    GATECAST_CHECK(exit_code_of_child([] {
                     release(acquire(100));
                     return true;
                   }) == 0);
  stop = true;
  busy.join();
}
#endif

GATECAST_TEST(ordered_reduction, sums_have_the_same_bits_for_any_number_of_threads) {
  constexpr int64_t SIZE = 37, GROUPS = 23;
  const std::vector<float> values = random_numbers(SIZE * GROUPS, 1);
  std::vector<float> expected(SIZE);
  for (int64_t g = 0; g < GROUPS; ++g)
    for (int64_t i = 0; i < SIZE; ++i) {
      const auto at = static_cast<size_t>(i);
      expected[at] = g ? expected[at] + values[static_cast<size_t>(g * SIZE + i)] : values[at];
    }
  for (int threads = 1; threads <= 6; ++threads) {
    set_num_threads(threads);
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::vector<float> sums(SIZE, 1e9f);
      const int buffers = threads == 1 ? 1 : threads + 1;
      std::vector<float> partial(static_cast<size_t>(buffers * SIZE));
      OrderedReduction reduction(buffers);
      parallel_for(GROUPS, threads, [&](int64_t, int) {
        const auto p = reduction.acquire();
        std::memcpy(&partial[static_cast<size_t>(p.buffer * SIZE)], &values[static_cast<size_t>(p.group * SIZE)],
                    SIZE * sizeof(float));
        if ((p.group + repeat) % 3 == 0) std::this_thread::yield();
        reduction.submit(p);
        bool first;
        for (int b; (b = reduction.next(&first)) >= 0; reduction.finish(b))
          for (int64_t i = 0; i < SIZE; ++i) {
            const float value = partial[static_cast<size_t>(b * SIZE + i)];
            float& sum = sums[static_cast<size_t>(i)];
            sum = first ? value : sum + value;
          }
      });
      GATECAST_CHECK(same_bits(sums, expected));
    }
  }
  set_num_threads(1);
}

GATECAST_TEST(cpu_dispatch, every_available_level_can_be_chosen) {
  const std::vector<std::string> levels = available_isas();
  GATECAST_CHECK(!levels.empty());
  for (const std::string& level : levels) {
    GATECAST_CHECK(set_isa(level));
    GATECAST_CHECK(kernels().name == level);
  }
}

GATECAST_TEST(cpu_dispatch, unknown_level_is_refused_and_changes_nothing) {
  const std::string before = kernels().name;
  GATECAST_CHECK(!set_isa("v9"));
  GATECAST_CHECK(kernels().name == before);
}

GATECAST_TEST(cpu_dispatch, level_above_the_processor_is_not_available) {
  for (const std::string& level : available_isas())
    GATECAST_CHECK(level == "baseline" || level[1] - '0' <= platform::x86_64_level());
}
