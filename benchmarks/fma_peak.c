/* Floating-point limit of one core: independent chains of fused multiply-adds that stay in registers.
   Twelve chains where there are 16 registers (AVX2), 24 where there are 32 (AVX-512): with 24 on AVX2 the compiler
   spills, and the "limit" is a fifth too low. */
#include <stdio.h>
#include <time.h>
#if defined(__AVX512F__)
#define W 16
#define CHAINS 24
#elif defined(__AVX__)
#define W 8
#define CHAINS 12
#else
#define W 4
#define CHAINS 12
#endif
typedef float v __attribute__((vector_size(W * 4)));
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
int main(void) {
  v a[CHAINS], m, n;
  const long N = 10000000;
  double best = 0;
  for (int j = 0; j < W; j++) m[j] = 0.999f, n[j] = 1e-6f;
  for (int i = 0; i < CHAINS; i++)
    for (int j = 0; j < W; j++) a[i][j] = 1e-3f * (i + 1);
  for (int rep = 0; rep < 5; rep++) {
    double t = now();
    for (long k = 0; k < N; k++) {
#pragma GCC unroll 24
      for (int i = 0; i < CHAINS; i++) a[i] = a[i] * m + n;
    }
    double g = N * (double)CHAINS * W * 2 / (now() - t) / 1e9;
    if (g > best) best = g;
  }
  float s = 0;
  for (int i = 0; i < CHAINS; i++) s += a[i][0];
  printf("{\"fma_peak_gflops\": %.1f, \"check\": %g}\n", best, s);
  return 0;
}
