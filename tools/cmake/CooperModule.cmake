# How a module of Cooper is declared: cooper_add_module(runtime DEPENDS ...).
#
# Sources are found below <module>/src, public headers below <module>/include/cooper/<module>: a file that stands
# in the right room is built, installed, and its header is compiled alone by the target
# all_verify_interface_header_sets.

# Global, because a static library's own dependencies are looked up where its user links it: with add_subdirectory that
# is the user's folder. CooperConfig.cmake.in finds the same for an installed static library.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
if(NOT TARGET PkgConfig::HWLOC)
  pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET GLOBAL hwloc>=2.5)
endif()
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt 9 REQUIRED)
find_package(CAF 0.17...<0.18 REQUIRED COMPONENTS core io)
unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)

# The compiler options of our own code; never part of what a consumer inherits.
add_library(cooper_build_options INTERFACE)
target_compile_features(cooper_build_options INTERFACE cxx_std_20)
target_compile_options(cooper_build_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wconversion
  # Nobody replaces our functions at load time: position-independent code may inline them.
  -fno-semantic-interposition
  $<$<BOOL:${COOPER_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlapping copies in the standard library's own string operations (GCC bug 105651).
  target_compile_options(cooper_build_options INTERFACE -Wno-restrict)
endif()
if(COOPER_SANITIZE)
  target_compile_options(cooper_build_options INTERFACE -fsanitize=${COOPER_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(cooper_build_options INTERFACE -fsanitize=${COOPER_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 loses track of what is set in coroutine frames among the checks that sanitizers add.
    target_compile_options(cooper_build_options INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(COOPER_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio has fences, which ThreadSanitizer does not see; its data is ordered by more than those.
    target_compile_options(cooper_build_options INTERFACE -Wno-tsan)
  endif()
endif()
if(COOPER_FOOTPRINT)
  # The code that the compiler makes for ThreadSanitizer, with a runtime of our own: tests/footprint/checker.
  target_compile_options(cooper_build_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan
                         -Wno-maybe-uninitialized -fno-builtin-memcpy -fno-builtin-memmove -fno-builtin-memset)
  target_link_libraries(cooper_build_options INTERFACE cooper_footprint)
endif()
if(COOPER_COVERAGE)
  target_compile_options(cooper_build_options INTERFACE --coverage)
  target_link_options(cooper_build_options INTERFACE --coverage)
endif()

set_property(GLOBAL PROPERTY COOPER_INSTALLED_TARGETS "")

function(cooper_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;PRIVATE_DEPENDS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/*.hpp")
  set(target cooper_${name})
  if(sources)
    add_library(${target})
    set(scope PUBLIC)
    target_sources(${target} PRIVATE ${sources})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:cooper_build_options>)
    target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/src")
    set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                          OUTPUT_NAME cooper_${name} POSITION_INDEPENDENT_CODE ON)
    # A consumer that links our archives into a sanitized program must see the same define as we did.
    target_compile_definitions(${target} PUBLIC $<$<BOOL:${COOPER_CHECKING}>:COOPER_CHECKING=1>
                               $<$<BOOL:${COOPER_FOOTPRINT}>:COOPER_FOOTPRINT=1>)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(cooper::${name} ALIAS ${target})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS "${CMAKE_CURRENT_SOURCE_DIR}/include" FILES ${headers})
  target_link_libraries(${target} ${scope} ${arg_DEPENDS})
  if(arg_PRIVATE_DEPENDS)
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_DEPENDS})
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  set_property(GLOBAL APPEND PROPERTY COOPER_INSTALLED_TARGETS ${target})
endfunction()
