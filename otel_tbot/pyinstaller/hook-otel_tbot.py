"""Names what PyInstaller does not see: modules that are loaded by name, the schema registry, and the entry points."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

hiddenimports = collect_submodules("otel_tbot", filter=lambda name: name != "otel_tbot.pyinstaller")
datas = collect_data_files("otel_tbot") + copy_metadata("otel-tbot")
