#pragma once
// The boundary between C++ and PostgreSQL.
//
//   PostgreSQL  -->  boundary()  -->  C++ that throws  -->  call()  -->  PostgreSQL functions that longjmp
//
// An exception never leaves boundary(): it becomes a PostgreSQL error, raised after the catch block is left, so that
// nothing of the exception leaks. A longjmp never crosses a C++ frame: call() catches it and throws backend_error; the
// original error stays on PostgreSQL's error stack and boundary() raises it again, SQLSTATE, position and all.

#include "pg/postgres.hpp"

#include "core/base/error.hpp"

namespace headcount::pg {

// Thrown by call(). Never swallow it: without a subtransaction a PostgreSQL error must reach the top.
struct backend_error {};

// Runs PostgreSQL code from a frame that may own C++ objects. `code` itself must own none: it captures references, and
// what it calls may longjmp out of it.
template <typename Code>
auto call(Code &&code) -> std::invoke_result_t<Code &> {
  using Result = std::invoke_result_t<Code &>;
  static_assert(std::is_trivially_destructible_v<std::remove_reference_t<Code>>);
  static_assert(std::is_void_v<Result> || std::is_trivially_destructible_v<Result>);
  sigjmp_buf *const stack = PG_exception_stack;
  ErrorContextCallback *const callbacks = error_context_stack;
  MemoryContext const memory = CurrentMemoryContext;
  sigjmp_buf here;
  if (sigsetjmp(here, 0) == 0) {
    PG_exception_stack = &here;
    if constexpr (std::is_void_v<Result>) {
      code();
      PG_exception_stack = stack;
      error_context_stack = callbacks;
      return;
    } else {
      Result result = code();
      PG_exception_stack = stack;
      error_context_stack = callbacks;
      return result;
    }
  }
  PG_exception_stack = stack;
  error_context_stack = callbacks;
  MemoryContextSwitchTo(memory);
  throw backend_error{};
}

// An error on its way out: plain data, so that raising it leaves nothing behind.
class failure {
 public:
  // There is one for every call, so only what says that there is nothing is written.
  failure() { message_[0] = detail_[0] = hint_[0] = '\0'; }

  void from_backend() { kind_ = kind::backend; }
  void from_core(const core::error &error);
  void out_of_memory();
  void unexpected(const char *what);

  // Raises it as a PostgreSQL error. Call it outside of any catch block.
  [[noreturn]] void raise() const;

  // Reports it to the caller of a type's input function, who may want it softly; else raises it.
  void report(FunctionCallInfo fcinfo) const;

 private:
  void fill_in() const;
  void set(int sqlstate, const char *message, const core::source_place &where);

  enum class kind { own, backend } kind_ = kind::own;
  int sqlstate_ = 0;
  char message_[512];
  char detail_[512];
  char hint_[256];
  const char *file_ = "";
  const char *function_ = "";
  int line_ = 0;
};

// Runs C++ on behalf of PostgreSQL: whatever it throws is raised as a PostgreSQL error. Returns what `body` returns.
template <typename Body>
auto enter(Body &&body) -> std::invoke_result_t<Body &> {
  sigjmp_buf *const stack = PG_exception_stack;
  ErrorContextCallback *const callbacks = error_context_stack;
  failure failed;
  try {
    return body();
  } catch (const backend_error &) {
    failed.from_backend();
  } catch (const core::error &error) {
    failed.from_core(error);
  } catch (const std::bad_alloc &) {
    failed.out_of_memory();
  } catch (const std::exception &error) {
    failed.unexpected(error.what());
  } catch (...) {
    failed.unexpected("unrecognized C++ exception");
  }
  PG_exception_stack = stack;
  error_context_stack = callbacks;
  failed.raise();
}

using function_body = Datum(FunctionCallInfo);

// The whole of a SQL-callable function.
template <function_body *body>
Datum boundary(FunctionCallInfo fcinfo) {
  return enter([fcinfo] { return body(fcinfo); });
}

// Serves a pending cancel, timeout or shutdown; throws backend_error where it ends the query.
inline void check_interrupts() {
  if (unlikely(InterruptPending)) call([] { CHECK_FOR_INTERRUPTS(); });
}

}  // namespace headcount::pg

// Defines a SQL-callable function by its name in the library; its body follows, takes `fcinfo` and may throw.
#define HEADCOUNT_FUNCTION(name)                                                                      \
  static Datum name##_body(FunctionCallInfo fcinfo);                                                  \
  extern "C" {                                                                                        \
  PG_FUNCTION_INFO_V1(name);                                                                          \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS) { return ::headcount::pg::boundary<name##_body>(fcinfo); } \
  }                                                                                                   \
  static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
