// All cells, and the choice of one of them.
#pragma once

#include "kernels/cells/any-inl.h"
#include "kernels/cells/gru-inl.h"
#include "kernels/cells/lstm-inl.h"
#include "kernels/cells/minimal-inl.h"
#include "kernels/cells/rnn-inl.h"
#include "kernels/cells/slstm-inl.h"

namespace gatecast::GATECAST_ISA {

// f.template operator()<C>() for the kernel C of a cell.
template <typename F>
GATECAST_INLINE void with_cell(Cell cell, F&& f) {
  switch (cell) {
#define GATECAST_CELL(name, kernel, ...) \
  case Cell::name:                       \
    return f.template operator()<kernel>();
#include "cells.def"
#undef GATECAST_CELL
    case Cell::count:
      return;
  }
}

}  // namespace gatecast::GATECAST_ISA
