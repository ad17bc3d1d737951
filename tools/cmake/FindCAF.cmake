# Finds CAF 0.17 (the C++ Actor Framework), for which Debian ships no CMake package.
#
#   find_package(CAF 0.17...<0.18 REQUIRED COMPONENTS core io)
#
# Components: core, io, openssl. Targets: CAF::core, CAF::io, CAF::openssl. Variables: CAF_FOUND, CAF_VERSION,
# CAF_INCLUDE_DIR. Installed with Cooper, whose package needs it.
find_path(CAF_INCLUDE_DIR caf/actor_system.hpp)
mark_as_advanced(CAF_INCLUDE_DIR)

if(CAF_INCLUDE_DIR AND EXISTS "${CAF_INCLUDE_DIR}/caf/config.hpp")
  # #define CAF_VERSION 1706 is 0.17.6.
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" caf_version_line REGEX "^#define CAF_VERSION [0-9]+")
  string(REGEX REPLACE "^#define CAF_VERSION ([0-9]+).*" "\\1" caf_version_number "${caf_version_line}")
  math(EXPR caf_major "${caf_version_number} / 10000")
  math(EXPR caf_minor "${caf_version_number} / 100 % 100")
  math(EXPR caf_patch "${caf_version_number} % 100")
  set(CAF_VERSION "${caf_major}.${caf_minor}.${caf_patch}")
endif()

set(caf_required_libraries "")
foreach(component IN LISTS CAF_FIND_COMPONENTS)
  find_library(CAF_${component}_LIBRARY NAMES caf_${component})
  mark_as_advanced(CAF_${component}_LIBRARY)
  if(CAF_${component}_LIBRARY)
    set(CAF_${component}_FOUND TRUE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS CAF_INCLUDE_DIR VERSION_VAR CAF_VERSION
                                  HANDLE_VERSION_RANGE HANDLE_COMPONENTS)

if(CAF_FOUND)
  find_package(Threads REQUIRED)
  foreach(component IN LISTS CAF_FIND_COMPONENTS)
    if(CAF_${component}_FOUND AND NOT TARGET CAF::${component})
      set(caf_scope "")
      if(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
        set(caf_scope GLOBAL)
      endif()
      add_library(CAF::${component} UNKNOWN IMPORTED ${caf_scope})
      set_target_properties(CAF::${component} PROPERTIES IMPORTED_LOCATION "${CAF_${component}_LIBRARY}"
                            INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
      target_link_libraries(CAF::${component} INTERFACE Threads::Threads)
      if(NOT component STREQUAL "core")
        target_link_libraries(CAF::${component} INTERFACE CAF::core)
      endif()
    endif()
  endforeach()
endif()
