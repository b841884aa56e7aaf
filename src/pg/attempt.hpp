#pragma once
// Going on where code of somebody else fails.

#include "pg/postgres.hpp"

#include "core/base/error.hpp"
#include "pg/boundary.hpp"

namespace headcount::pg {

// Whether an error ends what its session does: a cancel, a timeout or a shutdown that PostgreSQL itself raised when it
// served an interrupt. What a function raises with the same SQLSTATE is an error like any other: it must not end a command
// of somebody else.
inline bool is_interrupt(const ErrorData *error) {
  return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION && error->funcname != nullptr &&
         std::strcmp(error->funcname, "ProcessInterrupts") == 0;
}

// Like call(), but an error loses its CONTEXT: where in our own functions something failed tells a user nothing.
template <typename Code>
auto call_quietly(Code &&code) -> std::invoke_result_t<Code &> {
  MemoryContext const memory = CurrentMemoryContext;
  try {
    return call(code);
  } catch (const backend_error &) {
  }
  call([memory] {
    MemoryContextSwitchTo(memory);
    ErrorData *const error = CopyErrorData();
    FlushErrorState();
    error->context = nullptr;
    ReThrowError(error);
  });
  throw backend_error{};  // call() did not return
}

// Runs code in a subtransaction. Where it fails, by anything but an interrupt, PostgreSQL is as it was before, and
// `report` is called with the error (nullptr where that was none of PostgreSQL's). Returns whether the code went well.
// Code that writes nothing takes no number of a transaction for it.
template <typename Code, typename Report>
bool attempt(Code &&code, Report &&report) {
  MemoryContext const memory = CurrentMemoryContext;
  ResourceOwner const owner = CurrentResourceOwner;
  call([memory] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(memory);
  });
  const auto go_back = [memory, owner] {
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(memory);
    CurrentResourceOwner = owner;
  };
  enum { fine, failed_backend, failed_here } outcome = fine;
  try {
    code();
  } catch (const backend_error &) {
    outcome = failed_backend;
  } catch (const core::error &) {
    outcome = failed_here;
  } catch (...) {  // a lack of memory: the subtransaction must not outlive it
    call(go_back);
    throw;
  }
  call([&] {
    ErrorData *error = nullptr;
    MemoryContextSwitchTo(memory);
    if (outcome == failed_backend) {
      error = CopyErrorData();
      FlushErrorState();
    }
    if (outcome == fine) {
      ReleaseCurrentSubTransaction();
      MemoryContextSwitchTo(memory);
      CurrentResourceOwner = owner;
      return;
    }
    go_back();
    if (error != nullptr && is_interrupt(error)) ReThrowError(error);
    report(error);
  });
  return outcome == fine;
}

template <typename Code>
bool attempt(Code &&code) {
  return attempt(code, [](const ErrorData *) {});
}

}  // namespace headcount::pg
