# Writes OUT, a C++ source that holds the rule files RULES (separated by |): cmake -DOUT=... -DRULES=... -P this file.
string(REPLACE "|" ";" files "${RULES}")
set(entries "")
set(guard "")
foreach(file IN LISTS files)
  file(READ "${file}" text)
  get_filename_component(name "${file}" NAME)
  # Compilers limit one literal's length; neighbours are joined.
  string(REPLACE "\n\n" "\n)rules\"\nR\"rules(\n" text "${text}")
  if(name STREQUAL "guard.pl")
    set(guard "R\"rules(${text})rules\"")
  else()
    string(APPEND entries "    {\"${name}\",\n     R\"rules(${text})rules\"},\n")
  endif()
endforeach()
file(WRITE "${OUT}" "// Made of skb/rules by EmbedRules.cmake.
#include \"rules.hpp\"

namespace cooper::skb {

std::string_view guard_rules() {
  return ${guard};
}

std::span<const rules_file> shipped_rules() {
  static constexpr rules_file all[] = {
${entries}  };
  return all;
}

}  // namespace cooper::skb
")
