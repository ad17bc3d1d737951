# What `cmake --install` writes: the modules' libraries and public headers, the CMake package `cooper` with a target
# cooper::<module> each, cooper.pc for pkg-config, and the cooper command if it was built. The prefix can be moved
# afterwards. tests/package uses what is installed, static and shared.
include(CMakePackageConfigHelpers)

get_property(cooper_targets GLOBAL PROPERTY COOPER_INSTALLED_TARGETS)
set(cooper_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/cooper")

install(TARGETS ${cooper_targets} EXPORT cooper
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT cooper NAMESPACE cooper:: DESTINATION "${cooper_package_dir}" FILE cooper-targets.cmake)

# A static library's private dependencies are its user's to link, so its package must find them.
set(cooper_is_shared ${BUILD_SHARED_LIBS})
set(cooper_components ${cooper_targets})
list(TRANSFORM cooper_components REPLACE "^cooper_" "")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/cooper-config.cmake.in"
  "${PROJECT_BINARY_DIR}/cooper-config.cmake" INSTALL_DESTINATION "${cooper_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/cooper-config-version.cmake"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMajorVersion)
# FindCAF.cmake goes with them: Debian's CAF has no package of its own, and cooper::actors is built upon it.
install(FILES "${PROJECT_BINARY_DIR}/cooper-config.cmake" "${PROJECT_BINARY_DIR}/cooper-config-version.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/FindCAF.cmake"
        DESTINATION "${cooper_package_dir}")

# For pkg-config: the libraries from the top of the link order down, and, for archives, what they need in turn. CAF has
# no pkg-config file to require; users need its library either way, as the headers of actors have them call it.
set(cooper_pc_libs "")
foreach(target IN LISTS cooper_targets)
  get_target_property(type ${target} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    string(PREPEND cooper_pc_libs "-l${target} ")
    set_property(TARGET ${target} PROPERTY INSTALL_RPATH "$ORIGIN")
  endif()
endforeach()
set(cooper_pc_requires "")
string(APPEND cooper_pc_libs "-lcaf_core ")
if(NOT BUILD_SHARED_LIBS)
  set(cooper_pc_requires "hwloc >= 2.5, fmt >= 9")
  if(COOPER_HAS_PROLOG)
    string(APPEND cooper_pc_requires ", swipl")
  endif()
  string(APPEND cooper_pc_libs "-lboost_json -pthread")
endif()
file(RELATIVE_PATH cooper_pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file("${CMAKE_CURRENT_LIST_DIR}/cooper.pc.in" "${PROJECT_BINARY_DIR}/cooper.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/cooper.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

if(COOPER_BENCH)
  file(RELATIVE_PATH cooper_libs_from_bin "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
  set_property(TARGET cooper PROPERTY INSTALL_RPATH "$ORIGIN/${cooper_libs_from_bin}")
  install(TARGETS cooper RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
