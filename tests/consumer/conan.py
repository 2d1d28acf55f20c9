# Runs the Conan recipe without Conan: export_sources() and package(), from a copy of the sources. The
# parts of Conan that the recipe imports are replaced by mocks, which behave as Conan's manual says.
# Used by tests/consumer/run. Usage: conan.py SOURCE VERSION PACKAGE-FOLDER
import fnmatch
import importlib.util
import os
import shutil
import sys
import types

source, version, package_folder = sys.argv[1:]
minimum = []


def copy(_recipe, pattern, src, dst):
    for folder, _, files in os.walk(src):
        for file in files:
            path = os.path.relpath(os.path.join(folder, file), src)
            if fnmatch.fnmatch(path, pattern):
                target = os.path.join(dst, path)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(os.path.join(folder, file), target)


def load(_recipe, path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)


def class_of(path):
    spec = importlib.util.spec_from_file_location("recipe", path)
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    return next(c for c in vars(recipe).values()
                if isinstance(c, type) and issubclass(c, Recipe) and c is not Recipe)


class Recipe:
    version = None


module("conan", ConanFile=Recipe)
module("conan.tools")
module("conan.tools.build", check_min_cppstd=lambda _recipe, at_least: minimum.append(at_least),
       can_run=lambda _recipe: True)
module("conan.tools.cmake", CMake=object, cmake_layout=lambda _recipe: None)
module("conan.tools.files", copy=copy, load=load)
module("conan.tools.layout", basic_layout=lambda _recipe: None)

recipe_folder = os.path.join(source, ".packaging", "conan")
class_of(os.path.join(recipe_folder, "test_package", "conanfile.py"))
recipe = class_of(os.path.join(recipe_folder, "conanfile.py"))()
recipe.recipe_folder = recipe_folder
recipe.export_sources_folder = recipe.source_folder = os.path.abspath("exported")
recipe.package_folder = os.path.abspath(package_folder)
recipe.settings = types.SimpleNamespace(os="Linux")
recipe.cpp_info = types.SimpleNamespace()

recipe.set_version()
assert recipe.version == version, recipe.version
recipe.export_sources()
recipe.layout()
recipe.validate()
assert minimum == [20], minimum
recipe.package()
recipe.package_info()
assert recipe.cpp_info.system_libs == ["pthread"]
assert os.path.exists(os.path.join(package_folder, "licenses", "LICENSE"))
