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

// Whether there is such a relation, and the current role has the rights of its owner.
inline bool may_act_as_owner(Oid relation) {
  const Oid owner = owner_of(relation);
  return OidIsValid(owner) && has_privs_of_role(GetUserId(), owner);
}

// Raises an error unless the current role has the rights of the owner of a relation.
inline void require_owner(Oid relation) {
  if (!OidIsValid(owner_of(relation))) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
  if (!may_act_as_owner(relation))
    aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
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

  // Sets a setting until the nest level ends.
  static void set(const char *name, const char *value) {
    (void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
  }

  // Names are looked up in pg_catalog, and nowhere that the caller chose.
  static void use_own_search_path() { set("search_path", "pg_catalog, pg_temp"); }

  // The same, and no setting of the caller changes what generated SQL means, or how values are written as text.
  static void use_own_settings() {
    use_own_search_path();
    set("standard_conforming_strings", "on");
    set("quote_all_identifiers", "off");
    set("transform_null_equals", "off");
    set("array_nulls", "on");
    set("datestyle", "ISO, YMD");
    set("intervalstyle", "postgres");
    set("bytea_output", "hex");
    set("row_security", "on");
    set("default_table_access_method", "heap");
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
