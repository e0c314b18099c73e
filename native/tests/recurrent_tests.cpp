// Recurrent layers against a loop over single sequences in float64; gradients against its central differences.
#include <algorithm>
#include <cmath>

#include "runtime/processor.h"
#include "tests/test.h"

namespace {

using namespace gatecast;
using namespace gatecast::testing;

struct Shape {
  Cell cell;
  int lanes;
  int64_t blocks, T, I, H;
};

// Inputs of a layer and the weights of the loss sum(dy y) + sum(dstateT stateT): arrays as the kernels take them.
enum Array { X, WX, WH, B, H0, C0, DY, DHT, DCT, ARRAYS };
using Floats = std::vector<std::vector<float>>;
using Doubles = std::vector<std::vector<double>>;

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

Recurrent record_of(const Shape& s) {
  Recurrent a = {};
  a.cell = s.cell;
  a.lanes = s.lanes;
  a.blocks = s.blocks;
  a.T = s.T;
  a.I = s.I;
  a.H = a.R = s.H;
  a.heads = 1;
  a.activation = Activation::tanh;
  a.recurrent_activation = Activation::sigmoid;
  return a;
}

// One sequence; the loss, and y where it is wanted.
struct Reference {
  const Shape& s;
  const Doubles& in;

  double at(Array array, int64_t rows, int64_t step, int64_t row, int64_t lane) const {
    return in[array][static_cast<size_t>((step * rows + row) * s.lanes + lane)];
  }
  // sum_k W[k, column] v[k]
  static double product(const std::vector<double>& W, int64_t columns, int64_t column, const std::vector<double>& v) {
    double sum = 0;
    for (size_t k = 0; k < v.size(); ++k)
      sum += W[k * static_cast<size_t>(columns) + static_cast<size_t>(column)] * v[k];
    return sum;
  }

  double run(int64_t block, int64_t lane, std::vector<double>* y) const {
    const Recurrent a = record_of(s);
    const int64_t H = s.H, gates = a.inputs();
    const auto n = static_cast<size_t>(H);
    std::vector<double> h(n), c(n), x(static_cast<size_t>(s.I)), z(static_cast<size_t>(gates)), u(z);
    for (int64_t j = 0; j < H; ++j) {
      h[static_cast<size_t>(j)] = at(H0, H, block, j, lane);
      c[static_cast<size_t>(j)] = at(C0, H, block, j, lane);
    }
    double loss = 0;
    for (int64_t t = 0; t < s.T; ++t) {
      const int64_t step = block * s.T + t;
      for (int64_t i = 0; i < s.I; ++i) x[static_cast<size_t>(i)] = at(X, s.I, step, i, lane);
      for (int64_t g = 0; g < gates; ++g) {
        const auto k = static_cast<size_t>(g);
        z[k] = product(in[WX], gates, g, x) + in[B][k];
        u[k] = product(in[WH], gates, g, h);
      }
      for (size_t j = 0; j < n; ++j) {
        if (s.cell == Cell::rnn) {
          h[j] = std::tanh(z[j] + u[j]);
        } else if (s.cell == Cell::gru) {
          const double keep = sigmoid(z[j] + u[j]), reset = sigmoid(z[n + j] + u[n + j]);
          h[j] = keep * h[j] + (1 - keep) * std::tanh(z[2 * n + j] + reset * (u[2 * n + j] + in[B][3 * n + j]));
        } else {
          const double i = sigmoid(z[j] + u[j]), f = sigmoid(z[n + j] + u[n + j]);
          c[j] = f * c[j] + i * std::tanh(z[3 * n + j] + u[3 * n + j]);
          h[j] = sigmoid(z[2 * n + j] + u[2 * n + j]) * std::tanh(c[j]);
        }
        const int64_t row = static_cast<int64_t>(j);
        loss += h[j] * at(DY, H, step, row, lane);
        if (y) (*y)[static_cast<size_t>((step * H + row) * s.lanes + lane)] = h[j];
      }
    }
    for (size_t j = 0; j < n; ++j) {
      const int64_t row = static_cast<int64_t>(j);
      loss += h[j] * at(DHT, H, block, row, lane);
      if (s.cell == Cell::lstm) loss += c[j] * at(DCT, H, block, row, lane);
    }
    return loss;
  }

  double run_all(std::vector<double>* y = nullptr) const {
    double loss = 0;
    for (int64_t block = 0; block < s.blocks; ++block)
      for (int64_t lane = 0; lane < s.lanes; ++lane) loss += run(block, lane, y);
    return loss;
  }
};

Floats inputs_of(const Shape& s) {
  const Recurrent a = record_of(s);
  const int64_t sequences = s.blocks * s.lanes, steps = sequences * s.T;
  const int64_t sizes[ARRAYS] = {steps * s.I,   s.I * a.inputs(), s.H * a.recurrent(),
                                 a.gradients(), sequences * s.H,  sequences * s.H,
                                 steps * s.H,   sequences * s.H,  sequences * s.H};
  Floats in(ARRAYS);
  for (size_t i = 0; i < ARRAYS; ++i) in[i] = random_numbers(sizes[i], 10 + i);
  return in;
}

// y, then the gradients of X .. C0.
Floats run_kernels(const Shape& s, const Floats& in) {
  Recurrent a = record_of(s);
  const bool lstm = s.cell == Cell::lstm;
  Floats out(7);
  out[0].resize(in[DY].size());
  for (size_t i = X; i <= C0; ++i) out[i + 1].resize(in[i].size());
  std::vector<float> saved(static_cast<size_t>(SavedRows(a).total * s.blocks * s.T)), hT(in[H0].size()), cT(hT);
  a.x = in[X].data();
  a.Wx = in[WX].data();
  a.Wh = in[WH].data();
  a.b = in[B].data();
  a.state0[0] = in[H0].data();
  a.y = out[0].data();
  a.saved = saved.empty() ? nullptr : saved.data();
  a.stateT[0] = hT.data();
  RecurrentGrad d = {};
  d.dy = in[DY].data();
  d.dstateT[0] = in[DHT].data();
  d.dx = out[1].data();
  d.dWx = out[2].data();
  d.dWh = out[3].data();
  d.db = out[4].data();
  d.dstate0[0] = out[5].data();
  if (lstm) {
    a.state0[1] = in[C0].data();
    a.stateT[1] = cT.data();
    d.dstateT[1] = in[DCT].data();
    d.dstate0[1] = out[6].data();
  }
  kernels().forward(a);
  kernels().backward(a, d);
  return out;
}

constexpr size_t CHECKED = 9;  // entries of each gradient
constexpr double DIFFERENCE = 1e-5, TOLERANCE = 3e-5;

void check_layer(const Shape& s) {
  const Floats in = inputs_of(s);
  Doubles wide;
  for (const auto& array : in) wide.emplace_back(array.begin(), array.end());
  std::vector<double> y(in[DY].size());
  const Reference reference = {.s = s, .in = wide};
  reference.run_all(&y);
  struct Entry {
    size_t array, index;
    double slope;
  };
  std::vector<Entry> entries;
  for (size_t array = X; array <= (s.cell == Cell::lstm ? C0 : H0); ++array) {
    const size_t size = wide[array].size(), count = std::min(size, CHECKED);
    for (size_t i = 0; i < count; ++i) {
      const size_t index = count == 1 ? 0 : i * (size - 1) / (count - 1);  // the last one too: it lies in the tail
      double& value = wide[array][index];
      const double before = value;
      value = before + DIFFERENCE;
      const double above = reference.run_all();
      value = before - DIFFERENCE;
      entries.push_back({array, index, (above - reference.run_all()) / (2 * DIFFERENCE)});
      value = before;
    }
  }
  Floats of_one_thread;
  for_each_level_and_threads([&](const std::string& level, int threads) {
    const Floats out = run_kernels(s, in);
    const std::string name = level + ", cell " + CELL_NAMES[static_cast<int>(s.cell)].name + ", H " +
                             std::to_string(s.H) + ", lanes " + std::to_string(s.lanes);
    if (threads == 1) {
      of_one_thread = out;
      set_shuffles_are_free(!shuffles_are_free());
      const Floats other_way = run_kernels(s, in);
      set_shuffles_are_free(!shuffles_are_free());
      for (size_t i = 0; i < out.size(); ++i)
        check(same_bits(out[i], other_way[i]), __FILE__, __LINE__, name + ": other bits with weights in pairs");
      for (size_t i = 0; i < y.size(); ++i) check_close(out[0][i], y[i], TOLERANCE, __FILE__, __LINE__, name + ", y");
      for (const Entry& e : entries)
        check_close(out[e.array + 1][e.index], e.slope, TOLERANCE, __FILE__, __LINE__,
                    name + ", gradient " + std::to_string(e.array));
    }
    for (size_t i = 0; i < out.size(); ++i)
      check(same_bits(out[i], of_one_thread[i]), __FILE__, __LINE__,
            name + ": other bits on " + std::to_string(threads) + " threads");
  });
}

void check_cell(Cell cell) {
  for (const int lanes : {1, LANES}) {
    check_layer({.cell = cell, .lanes = lanes, .blocks = 1, .T = 1, .I = 1, .H = 1});
    check_layer({.cell = cell, .lanes = lanes, .blocks = 3, .T = 4, .I = 3, .H = 5});
    check_layer({.cell = cell, .lanes = lanes, .blocks = 2, .T = 3, .I = 2, .H = 16});
    check_layer({.cell = cell, .lanes = lanes, .blocks = 2, .T = 3, .I = 7, .H = 19});
  }
  check_layer({.cell = cell, .lanes = 1, .blocks = 5, .T = 37, .I = 5, .H = 9});  // more steps than one chunk
}

}  // namespace

GATECAST_TEST(kernels, rnn_agrees_with_a_plain_loop) {
  check_cell(Cell::rnn);
}
GATECAST_TEST(kernels, gru_agrees_with_a_plain_loop) {
  check_cell(Cell::gru);
}
GATECAST_TEST(kernels, lstm_agrees_with_a_plain_loop) {
  check_cell(Cell::lstm);
}
