# The Conan 2 recipe. It packs the headers of the source tree in which it lies.
#
#   conan create .packaging/conan
#
# The version is that of CMakeLists.txt. test_package/ is the program that Conan builds against the
# package.
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class ParallelConan(ConanFile):
    name = "parallel"
    description = "parallel::map over a work-stealing thread pool, and a pool for blocking tasks"
    license = "MIT"
    topics = ("parallelism", "thread-pool", "work-stealing", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    @property
    def _repository(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        lists = load(self, os.path.join(self._repository, "CMakeLists.txt"))
        self.version = re.search(r"project\(parallel VERSION ([0-9.]+)", lists).group(1)

    def export_sources(self):
        for pattern in ("LICENSE", "include/*"):
            copy(self, pattern, self._repository, self.export_sources_folder)

    def layout(self):
        basic_layout(self)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "include/*", self.source_folder, self.package_folder)

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
