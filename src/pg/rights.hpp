#pragma once
// Doing something with the rights of another role.

#include "pg/postgres.hpp"

namespace headcount::pg {

// Backend code, like all below: it raises PostgreSQL errors. InvalidOid where there is no such relation.
inline Oid owner_of(Oid relation) {
  HeapTuple const entry = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(entry)) return InvalidOid;
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relowner;
  ReleaseSysCache(entry);
  return owner;
}

// From begin() to end() code runs as another role, and settings that it changes are put back. Where it is not ended, the
// end of the transaction, or of the subtransaction, does that.
class other_rights {
 public:
  void begin(Oid role) {
    GetUserIdAndSecContext(&caller_, &context_);
    SetUserIdAndSecContext(role, context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    settings_ = NewGUCNestLevel();
  }

  // Names are looked up in pg_catalog, and nowhere that the caller chose.
  static void use_own_search_path() {
    (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
  }

  void end() const {
    AtEOXact_GUC(false, settings_);
    SetUserIdAndSecContext(caller_, context_);
  }

 private:
  Oid caller_ = InvalidOid;
  int context_ = 0;
  int settings_ = 0;  // nest level
};

}  // namespace headcount::pg
