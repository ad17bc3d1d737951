# Looks at the machine code of the floor: cmake -DOBJDUMP=... -DOBJECT=<archive or object> -P check_floor.cmake
# Fails unless both loops are there, and hold no call, no pause, no locked instruction, no fence.
foreach(symbol cooper_floor_ping cooper_floor_pong)
  execute_process(COMMAND "${OBJDUMP}" -d --no-show-raw-insn "--disassemble=${symbol}" "${OBJECT}"
                  OUTPUT_VARIABLE text RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${OBJDUMP} could not read ${OBJECT}")
  endif()
  if(NOT text MATCHES "<${symbol}>:")
    message(FATAL_ERROR "${symbol} is not in ${OBJECT}")
  endif()
  if(NOT text MATCHES "\n[^\n]*[ \t](j[a-z]+|b\\.[a-z]+|cbz|cbnz)[ \t]")
    message(FATAL_ERROR "${symbol} has no loop:\n${text}")
  endif()
  if(text MATCHES "\n[^\n]*[ \t](call|callq|pause|lock|mfence|lfence|xchg|yield|dmb|bl)([ \t][^\n]*)?\n")
    message(FATAL_ERROR "${symbol} holds '${CMAKE_MATCH_1}', so it is no floor:\n${text}")
  endif()
endforeach()
message(STATUS "the floor's loops hold no call, pause, locked instruction or fence")
