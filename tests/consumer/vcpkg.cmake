# Runs the vcpkg port without vcpkg. The functions of vcpkg that the port calls are replaced by mocks,
# which behave as vcpkg's manual says, as far as a header-only library notices. Used by
# tests/consumer/run.
# Usage: cmake -DPORTFILE=… -DCURRENT_PACKAGES_DIR=… -DBUILD=… -DCOMPILER=… -P vcpkg.cmake
set(PORT parallel)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  run(${CMAKE_COMMAND} -G Ninja -S ${arg_SOURCE_PATH} -B ${BUILD} -DCMAKE_CXX_COMPILER=${COMPILER}
      -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
  run(${CMAKE_COMMAND} --build ${BUILD} --target install)
endfunction()

# Moves the package's files to the folder where vcpkg expects them, two folders below the prefix.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  set(from ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH})
  set(to ${CURRENT_PACKAGES_DIR}/share/${PORT})
  file(GLOB files ${from}/*.cmake)
  file(COPY ${files} DESTINATION ${to})
  get_filename_component(parent ${from} DIRECTORY)
  file(REMOVE_RECURSE ${parent})
  set(up "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\n")
  file(READ ${to}/parallel-targets.cmake text)
  string(REPLACE "${up}${up}${up}" "${up}${up}" text "${text}")
  file(WRITE ${to}/parallel-targets.cmake "${text}")
endfunction()

function(vcpkg_fixup_pkgconfig)
  set(ENV{PKG_CONFIG_PATH} ${CURRENT_PACKAGES_DIR}/share/pkgconfig)
  run(pkg-config --print-errors --exists parallel)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  file(INSTALL ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT} RENAME copyright)
endfunction()

include(${PORTFILE})

# What vcpkg checks afterwards.
foreach(file include/parallel/map.hpp share/parallel/parallel-config.cmake share/parallel/usage
             share/parallel/copyright)
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${file})
    message(FATAL_ERROR "the port has not installed ${file}")
  endif()
endforeach()
foreach(folder debug lib share/cmake)
  if(EXISTS ${CURRENT_PACKAGES_DIR}/${folder})
    message(FATAL_ERROR "the port leaves a folder ${folder}, which vcpkg refuses")
  endif()
endforeach()
