#pragma once
// What the kernel throws. The boundary (src/pg) turns it into a PostgreSQL error with the SQLSTATE of its kind.

#include <exception>
#include <string>
#include <utility>

namespace headcount::core {

enum class fault {
  invalid_argument,  // a caller's argument is out of its domain
  missing_argument,  // a required argument is NULL
  damaged_bytes,     // stored bytes that are not what their type says
  damaged_text,      // the same in a literal
  damaged_message,   // the same from a client, in binary
  out_of_range,      // a date or time beyond what timestamptz holds
  number_too_small,  // a user number below 0
  number_too_large,  // a sum beyond what bigint holds
  wrong_context,     // an aggregate's own function called by hand
  mixed_keys,        // presences over keys of two types meet
  mixed_dictionaries,  // sets of users meet that were numbered apart
  too_large,         // an answer or a state beyond what a value may hold
  forgotten,         // names that were erased
  not_written,       // a file that the disk or a library refused
};

// Where in the sources something is. std::source_location would be the word, but clang 14 does not have it.
struct source_place {
  const char *file;
  const char *function;
  int line;

  static constexpr source_place current(const char *file = __builtin_FILE(),
                                        const char *function = __builtin_FUNCTION(), int line = __builtin_LINE()) {
    return {file, function, line};
  }
};

class error : public std::exception {
 public:
  // `message` is lower case without a full stop; `detail` and `hint` are sentences, or empty.
  error(fault kind, std::string message, std::string detail = {}, std::string hint = {},
        source_place where = source_place::current())
      : kind_(kind), message_(std::move(message)), detail_(std::move(detail)), hint_(std::move(hint)), where_(where) {}

  const char *what() const noexcept override { return message_.c_str(); }
  fault kind() const noexcept { return kind_; }
  const std::string &detail() const noexcept { return detail_; }
  const std::string &hint() const noexcept { return hint_; }
  const source_place &where() const noexcept { return where_; }

 private:
  fault kind_;
  std::string message_;
  std::string detail_;
  std::string hint_;
  source_place where_;
};

}  // namespace headcount::core
