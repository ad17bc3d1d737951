# One package test: cmake -D KIND=static|shared|subdirectory|command ... -P package_test.cmake (see CMakeLists.txt).
# Stops with the output of the command that failed.

function(run)
  cmake_parse_arguments(PARSE_ARGV 0 arg "FAILS" "SAYS" "COMMAND")
  list(JOIN arg_COMMAND " " command)
  message("$ ${command}")
  execute_process(COMMAND ${arg_COMMAND} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(arg_FAILS AND status EQUAL 0)
    message(FATAL_ERROR "succeeded, and must not:\n${output}")
  elseif(NOT arg_FAILS AND NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}):\n${output}")
  elseif(arg_SAYS AND NOT output MATCHES "${arg_SAYS}")
    message(FATAL_ERROR "does not say '${arg_SAYS}':\n${output}")
  endif()
endfunction()

function(must_exist)
  foreach(path IN LISTS ARGN)
    if(NOT EXISTS "${path}")
      message(FATAL_ERROR "was not installed: ${path}")
    endif()
  endforeach()
endfunction()

set(expected "consumer: an input is malformed: empty text")
set(expected_of_actors "consumer: an actor on a core answered 42")
# The user's project is copied: it must not find Cooper's sources by chance, beside or above it.
file(REMOVE_RECURSE "${WORK}/prefix" "${WORK}/moved" "${WORK}/consumer" "${WORK}/user")

if(KIND STREQUAL "command")
  run(COMMAND ${CMAKE_COMMAND} --install "${BUILD}" --prefix "${WORK}/prefix")
  file(RENAME "${WORK}/prefix" "${WORK}/moved")
  run(COMMAND "${WORK}/moved/bin/cooper" --help SAYS "report")
  run(COMMAND "${WORK}/moved/bin/cooper" topo --synthetic "core:2 pu:1")
  return()
endif()

file(COPY "${CMAKE_CURRENT_LIST_DIR}/consumer/" DESTINATION "${WORK}/user")
# Flags as of the preset `release`, so that a compiler cache finds what that has compiled.
set(configure ${CMAKE_COMMAND} -G Ninja -D CMAKE_BUILD_TYPE=Release -D CMAKE_CXX_FLAGS_RELEASE=-O2
    -D COOPER_WERROR=ON -D CMAKE_CXX_COMPILER=${COMPILER})

if(KIND STREQUAL "subdirectory")
  # The build of Cooper's part stands below the user's build, so this one is kept.
  run(COMMAND ${configure} -S "${WORK}/user" -B "${WORK}/build" -D "COOPER_FROM_SOURCE=${SOURCE}")
  run(COMMAND ${CMAKE_COMMAND} --build "${WORK}/build")
  run(COMMAND "${WORK}/build/consumer" SAYS "${expected}")
  run(COMMAND "${WORK}/build/consumer_actors" SAYS "${expected_of_actors}")
  return()
endif()

if(KIND STREQUAL "shared")
  set(shared ON)
  set(suffix so)
else()
  set(shared OFF)
  set(suffix a)
endif()
run(COMMAND ${configure} -S "${SOURCE}" -B "${WORK}/build" -D BUILD_SHARED_LIBS=${shared} -D COOPER_TESTS=OFF
    -D COOPER_BENCH=OFF -D CMAKE_INSTALL_LIBDIR=${LIBDIR} -D "CMAKE_INSTALL_PREFIX=${WORK}/prefix")
run(COMMAND ${CMAKE_COMMAND} --build "${WORK}/build")
run(COMMAND ${CMAKE_COMMAND} --install "${WORK}/build")
# A package that knows only the place where it was installed would not survive this.
file(RENAME "${WORK}/prefix" "${WORK}/moved")
set(lib "${WORK}/moved/${LIBDIR}")
must_exist("${lib}/libcooper_vocabulary.${suffix}" "${lib}/libcooper_runtime.${suffix}"
           "${lib}/libcooper_actors.${suffix}" "${lib}/pkgconfig/cooper.pc" "${lib}/cmake/cooper/FindCAF.cmake"
           "${WORK}/moved/include/cooper/vocabulary/error.hpp" "${WORK}/moved/include/cooper/runtime/sync.hpp"
           "${WORK}/moved/include/cooper/actors/core_scheduler.hpp" "${WORK}/moved/include/cooper/testing/stage.hpp")

run(COMMAND ${configure} -S "${WORK}/user" -B "${WORK}/consumer" -D "CMAKE_PREFIX_PATH=${WORK}/moved")
run(COMMAND ${CMAKE_COMMAND} --build "${WORK}/consumer")
run(COMMAND "${WORK}/consumer/consumer" SAYS "${expected}")
run(COMMAND "${WORK}/consumer/consumer_actors" SAYS "${expected_of_actors}")
run(COMMAND ${configure} -S "${WORK}/user" -B "${WORK}/consumer/newer" -D "CMAKE_PREFIX_PATH=${WORK}/moved"
    -D COOPER_WANTED_VERSION=99 FAILS SAYS "requested version")

# The same by pkg-config, as a Makefile would.
set(ENV{PKG_CONFIG_PATH} "${lib}/pkgconfig")
set(ENV{LD_LIBRARY_PATH} "${lib}")
execute_process(COMMAND pkg-config --cflags --libs cooper OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY
                OUTPUT_STRIP_TRAILING_WHITESPACE)
separate_arguments(flags UNIX_COMMAND "${flags}")
run(COMMAND ${COMPILER} -std=c++20 "${WORK}/user/main.cpp" -o "${WORK}/consumer/by_pkg_config" ${flags})
run(COMMAND "${WORK}/consumer/by_pkg_config" SAYS "${expected}")
run(COMMAND ${COMPILER} -std=c++20 "${WORK}/user/actors.cpp" -o "${WORK}/consumer/actors_by_pkg_config" ${flags})
run(COMMAND "${WORK}/consumer/actors_by_pkg_config" SAYS "${expected_of_actors}")
