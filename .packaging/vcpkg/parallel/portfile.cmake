# The vcpkg port, for use as an overlay port. It installs the source tree in which it lies.
#
#   vcpkg install parallel --overlay-ports=.packaging/vcpkg
#
# In a registry, vcpkg_from_github() with the release's hash would set SOURCE_PATH instead.
set(VCPKG_BUILD_TYPE release) # header-only: a debug build would be the same
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DPARALLEL_TESTS=OFF
        -DPARALLEL_BENCH=OFF
        -DPARALLEL_EXAMPLES=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/parallel)
vcpkg_fixup_pkgconfig()

file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
