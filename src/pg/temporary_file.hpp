#pragma once
// A file among PostgreSQL's own temporary ones, for libraries that write to nothing but named files.

#include "pg/postgres.hpp"

#include "core/base/error.hpp"
#include "pg/boundary.hpp"

namespace headcount::pg {

// PostgreSQL removes it when the query's resources are released, however it ends, and after a crash.
class temporary_file {
 public:
  temporary_file()
      : file_(call([] {
          PrepareTempTablespaces();
          return OpenTemporaryFile(false);
        })) {}

  // Relative to the data directory, which is the server's working directory.
  const char *name() const { return FilePathName(file_); }
  std::string folder() const {
    const std::string_view path = name();
    return std::string(path.substr(0, path.rfind('/')));
  }

  // All that is in it, as a value of type bytea.
  Datum read_all() const {
    return call([this] {
      const off_t size = FileSize(file_);
      if (size < 0)
        ereport(ERROR, (errcode_for_file_access(), errmsg("could not seek in temporary file \"%s\": %m", name())));
      if (static_cast<std::size_t>(size) > MaxAllocSize - VARHDRSZ)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("file is too large")));
      auto *const value = static_cast<bytea *>(palloc(static_cast<Size>(size) + VARHDRSZ));
      SET_VARSIZE(value, static_cast<Size>(size) + VARHDRSZ);
      for (off_t done = 0; done < size;) {
        CHECK_FOR_INTERRUPTS();
        const auto got =
            FileRead(file_, VARDATA(value) + done, static_cast<int>(size - done), done, WAIT_EVENT_BUFFILE_READ);
        if (got <= 0)
          ereport(ERROR, (errcode_for_file_access(), errmsg("could not read temporary file \"%s\": %m", name())));
        done += got;
      }
      return PointerGetDatum(value);
    });
  }

  void remove() {
    call([this] { FileClose(file_); });
  }

 private:
  File file_;
};

}  // namespace headcount::pg
