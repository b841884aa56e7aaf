#include "core/sets/user_set.hpp"

#include <new>
#include <vector>

// Its later versions keep their names in a namespace, and use that here.
#include <roaring/roaring.h>

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

roaring_bitmap_t *croaring(void *bitmap) { return static_cast<roaring_bitmap_t *>(bitmap); }

roaring_bitmap_t *checked(roaring_bitmap_t *made) {
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

}  // namespace

user_set::user_set() : bitmap_(checked(roaring_bitmap_create())) {}

user_set::user_set(const user_set_reader &from, const context &host) {
  from.check(host);
  // Runs stay out of CRoaring: version 0.2.66, which Debian 12 has, does not always end where one reaches 65535.
  const key_view bytes =
      from.roaring().has_runs()
          ? key_view(rewrite(from.roaring(), use_runs::never, 0, host.memory)).subspan(user_set_head_size)
          : from.roaring().bytes();
  bitmap_ =
      checked(roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
}

user_set::~user_set() { roaring_bitmap_free(croaring(bitmap_)); }

void user_set::add(std::uint32_t number) { roaring_bitmap_add(croaring(bitmap_), number); }

void user_set::unite(const user_set &other) { roaring_bitmap_or_inplace(croaring(bitmap_), croaring(other.bitmap_)); }

void user_set::intersect(const user_set &other) {
  roaring_bitmap_and_inplace(croaring(bitmap_), croaring(other.bitmap_));
}

void user_set::subtract(const user_set &other) {
  roaring_bitmap_andnot_inplace(croaring(bitmap_), croaring(other.bitmap_));
}

std::uint64_t user_set::cardinality() const { return roaring_bitmap_get_cardinality(croaring(bitmap_)); }

std::span<std::byte> user_set::to_bytes(std::size_t reserved, const context &host) const {
  std::pmr::vector<std::byte> written(roaring_bitmap_portable_size_in_bytes(croaring(bitmap_)), host.memory);
  roaring_bitmap_portable_serialize(croaring(bitmap_), reinterpret_cast<char *>(written.data()));
  return rewrite(roaring_reader(written), use_runs::where_shorter, reserved, host.memory);
}

}  // namespace headcount::core
