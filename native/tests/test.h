// A small test runner: no library, so that any cross compiler builds the tests from this repository alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatecast::testing {

struct Registered {
  Registered(const char* suite, const char* name, void (*run)());
};

// Counts a check; prints it and marks the running test as failed where `passed` is false. Any thread may call it.
void check(bool passed, const char* file, int line, const std::string& what);
// The same for |got - want| <= tolerance (1 + |want|); NaN fails.
void check_close(double got, double want, double tolerance, const char* file, int line, const std::string& what);

// n numbers in [-1, 1), the same on every platform.
std::vector<float> random_numbers(int64_t n, uint64_t seed);
bool same_bits(const std::vector<float>& a, const std::vector<float>& b);

// f(threads) on every level that this machine runs, for 1 to 4 threads.
template <typename F>
void for_each_level_and_threads(F&& f);

}  // namespace gatecast::testing

#define GATECAST_TEST(suite, name)                                                               \
  static void suite##_##name();                                                                  \
  static const gatecast::testing::Registered suite##_##name##_is{#suite, #name, suite##_##name}; \
  static void suite##_##name()
#define GATECAST_CHECK(condition) gatecast::testing::check((condition), __FILE__, __LINE__, #condition)

#include "runtime/cpu_dispatch.h"
#include "runtime/thread_pool.h"

template <typename F>
void gatecast::testing::for_each_level_and_threads(F&& f) {
  for (const std::string& level : available_isas()) {
    set_isa(level);
    for (int threads = 1; threads <= 4; ++threads) {
      set_num_threads(threads);
      f(level, threads);
    }
  }
  set_num_threads(1);
}
